import { describe, expect, it } from 'vitest'
import { AdvertSeal } from '../../../core/defence/advert-seal.js'
import { decodeAdvert, encodeAdvert, type Advert } from '../../../core/hypervisor/wire/adverts.js'

const advert: Advert = {
  ...{ host: 'host-01', sequence: 7, health: 'ok', power: 'on', cores: 2, busyShare: 0.5 },
  ...{ ramOctets: 4096, freeRamOctets: 1024, controllerAddress: 0x0a000101 },
  vms: [{ name: 'web', ramOctets: 1024, busyShare: 0.25, monitorPort: 4500 }],
}
const keys = new Map([
  ['host-01', new Uint8Array(32).fill(1)],
  ['host-02', new Uint8Array(32).fill(2)],
])
const seal = new AdvertSeal(keys)

describe('AdvertSeal', () => {
  it('believes what a host says of itself, and no changed octet of it', () => {
    const datagram = seal.encode(advert)
    expect(seal.accepts(decodeAdvert(datagram))).toBe(true)
    for (let at = 0; at < datagram.length; at++) {
      const changed = datagram.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      let isBelieved = false
      try {
        isBelieved = seal.accepts(decodeAdvert(changed))
      } catch {
        // It is no advert any more.
      }
      expect(isBelieved, `octet ${at}`).toBe(false)
    }
  })

  it('believes no advert without a tag, nor in another’s name, nor of a host without a key', () => {
    expect(seal.accepts(decodeAdvert(encodeAdvert(advert)))).toBe(false)
    const { tag } = decodeAdvert(seal.encode({ ...advert, host: 'host-02' }))
    expect(seal.accepts(decodeAdvert(encodeAdvert(advert, tag)))).toBe(false)
    expect(seal.accepts(decodeAdvert(seal.encode({ ...advert, host: 'host-99' })))).toBe(false)
  })
})
