import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import {
  advertPowers,
  decodeAdvert,
  encodeAdvert,
  hostHealths,
  type Advert,
} from '../../../../core/hypervisor/wire/adverts.js'

const name = fc.string({ minLength: 1, maxLength: 63, unit: fc.constantFrom(...'abcxyz019-_.') })
const share = fc.integer({ min: 0, max: 10_000 }).map((units) => units / 10_000)
const size = fc.integer({ min: 0, max: 2 ** 50 })
const adverts = fc
  .record({
    host: name,
    sequence: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    health: fc.constantFrom(...hostHealths),
    power: fc.constantFrom(...advertPowers),
    cores: fc.integer({ min: 1, max: 65535 }),
    busyShare: share,
    ramOctets: size,
    freeRamOctets: size,
    controllerAddress: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    vms: fc.uniqueArray(
      fc.record({ name, ramOctets: size, busyShare: share, monitorPort: fc.integer({ min: 1, max: 65535 }) }),
      { selector: (vm) => vm.name, maxLength: 20 },
    ),
  })
  .map((advert): Advert => ({ ...advert, freeRamOctets: Math.min(advert.freeRamOctets, advert.ramOctets) }))

const one: Advert = {
  ...{ host: 'host-01', sequence: 7, health: 'warning', power: 'on', cores: 2, busyShare: 0.5 },
  ...{ ramOctets: 2 ** 24, freeRamOctets: 2 ** 23, controllerAddress: 0x0a000101 },
  vms: [{ name: 'vm-01', ramOctets: 2 ** 20, busyShare: 0.25, monitorPort: 4500 }],
}

describe('adverts', () => {
  it('decode to what was encoded, with the tag and what it covers', () => {
    fc.assert(
      fc.property(adverts, fc.uint8Array({ maxLength: 32 }), (advert, tag) => {
        const datagram = encodeAdvert(advert, tag)
        const received = decodeAdvert(datagram)
        expect(received.advert).toEqual(advert)
        expect(received.tag).toEqual(tag)
        expect(received.covered).toEqual(datagram.subarray(0, datagram.length - tag.length))
      }),
    )
  })

  it('give a value or a WireError for any octets, and for any change of good ones', () => {
    const expectDecent = (octets: Uint8Array): void => {
      try {
        decodeAdvert(octets)
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectDecent))
    fc.assert(
      fc.property(adverts, fc.nat(), fc.integer({ min: 0, max: 255 }), (advert, at, value) => {
        const octets = encodeAdvert(advert)
        octets[at % octets.length] = value
        expectDecent(octets)
      }),
    )
  })

  it('are refused with the octet that is wrong', () => {
    const changed = (at: number, value: number): Uint8Array => {
      const octets = encodeAdvert(one)
      octets[at] = value
      return octets
    }
    const refusals: [Uint8Array, number, RegExp][] = [
      [changed(0, 0), 0, /no advert/],
      [changed(4, 2), 4, /version 2/],
      [changed(5, 3), 5, /health 3/],
      [changed(6, 9), 6, /power 9/],
      [changed(13, 0), 12, /has cores/],
      [changed(14, 0xff), 14, /share of/],
      [changed(28, 2), 24, /more memory is free/],
      [changed(36, 2), 36, /513 machines/],
      [changed(38, 0), 38, /name of 0 octets/],
      [changed(39, 7), 39, /printable/],
      [encodeAdvert({ ...one, vms: [...one.vms, ...one.vms] }), 64, /vm-01 twice/],
      [encodeAdvert(one).subarray(0, 50), 46, /name needs 5 octets, 3 are left|needs/],
      [new Uint8Array([...encodeAdvert(one), 1]), 64, /1 octets too many/],
    ]
    for (const [octets, offset, reason] of refusals)
      try {
        decodeAdvert(octets)
        expect.unreachable(`accepted: ${reason}`)
      } catch (error) {
        expect(error).toMatchObject({ protocol: 'advert', reason: expect.stringMatching(reason) as string })
        if (!reason.source.includes('needs')) expect((error as WireError).offset).toBe(offset)
      }
  })
})
