import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { hexOf, octetsOfHex } from '../../../../core/base/octets.js'
import { decodeDeviceState, encodeDeviceState, measureState } from '../../../../core/migration/wire/device-codec.js'
import { measureBody, observeFields } from '../../../../core/migration/wire/observed-fields.js'
import { describeDevice, type BodyDescription } from '../../../../core/migration/wire/vmdesc.js'
import { ToyDevice } from '../../../support/toy-vm.js'

const { stateDescription } = new ToyDevice()
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const values = fc.record({
  armed: fc.boolean(),
  level: fc.nat(255),
  divider: fc.nat(65535),
  count: u32,
  expiry: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  skew: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  registers: fc.array(u32, { minLength: 4, maxLength: 4 }),
  text: fc.uint8Array({ minLength: 5, maxLength: 5 }),
})

describe('device state', () => {
  it('is its fields in order, big-endian', () => {
    const state = {
      armed: true,
      level: 2,
      divider: 0x0304,
      count: 0x05060708,
      expiry: 2n ** 64n - 1n,
      skew: -2n,
      registers: [1, 2, 3, 0xffff_ffff],
      text: octetsOfHex('68656c6c6f'),
    }
    expect(hexOf(encodeDeviceState(stateDescription, state))).toBe(
      '01 02 0304 05060708 ffffffffffffffff fffffffffffffffe 00000001 00000002 00000003 ffffffff 68656c6c6f'.replaceAll(
        ' ',
        '',
      ),
    )
  })

  it('comes back as it was', () => {
    fc.assert(
      fc.property(values, (state) => {
        const body = encodeDeviceState(stateDescription, state)
        expect(decodeDeviceState(stateDescription, body)).toEqual(state)
        expect(measureState(stateDescription, body, 0, body.length)).toBe(body.length)
        const seen = observeFields(describeDevice(stateDescription, state), body)
        expect(hexOf(seen.find(({ path }) => path === 'registers[2]')!.octets)).toBe(
          state.registers[2]!.toString(16).padStart(8, '0'),
        )
      }),
    )
  })

  it('refuses a value its field cannot have', () => {
    const state = { ...new ToyDevice().values, level: 256 }
    expect(() => encodeDeviceState(stateDescription, state)).toThrow('toy-timer.level is not of 8 bits: 256')
  })

  it('gives values or a WireError for any octets', () => {
    const exact = encodeDeviceState(stateDescription, new ToyDevice().values).length
    fc.assert(
      fc.property(fc.uint8Array({ minLength: exact - 2, maxLength: exact + 2 }), (body) => {
        try {
          expect(encodeDeviceState(stateDescription, decodeDeviceState(stateDescription, body))).toEqual(body)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
          if (body.length === exact) expect(body[0]).toBeGreaterThan(1)
        }
      }),
    )
  })
})

describe('measureBody', () => {
  const byte = { name: 'x', type: 'uint8', size: 1 }
  const inner: BodyDescription = { vmsdName: 'a/b', version: 1, fields: [byte, byte], subsections: [] }
  const body: BodyDescription = { vmsdName: 'a', version: 1, fields: [byte], subsections: [inner] }
  const withSubsection = octetsOfHex('11 05 03 612f62 00000001 2233 7e')

  it('counts the subsections that are there', () => {
    expect(measureBody(body, withSubsection, 0, withSubsection.length)).toBe(12)
    expect(measureBody(body, octetsOfHex('11 7e'), 0, 2)).toBe(1)
    expect(measureBody(body, octetsOfHex('11 05 03 612f63 7e00000000'), 0, 11)).toBe(1)
  })

  it('asks for more until it can tell', () => {
    for (let length = 0; length < withSubsection.length; length++) {
      const answer = measureBody(body, withSubsection, 0, length)
      expect(answer).toBeLessThan(0)
      expect(-answer).toBeGreaterThan(length)
    }
  })
})
