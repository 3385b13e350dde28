import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { hexOf, octetsOfHex } from '../../../../core/base/octets.js'
import { decodeAsf, encodeAsf } from '../../../../core/hypervisor/wire/asf.js'

describe('ASF messages', () => {
  it('are laid out as DSP0136 draws them', () => {
    expect(hexOf(encodeAsf({ type: 'power-up', tag: 1, isOn: null }))).toBe('0600ff06000011be11010000')
    expect(hexOf(encodeAsf({ type: 'power-down', tag: 1, isOn: null }))).toBe('0600ff06000011be12010000')
    expect(hexOf(encodeAsf({ type: 'state-request', tag: 9, isOn: null }))).toBe('0600ff06000011be82090000')
    expect(hexOf(encodeAsf({ type: 'state-response', tag: 9, isOn: false }))).toBe('0600ff06000011be4209000405000000')
  })

  it('decode to what was encoded', () => {
    for (const isOn of [true, false])
      expect(decodeAsf(encodeAsf({ type: 'state-response', tag: 3, isOn }))).toEqual({
        type: 'state-response',
        tag: 3,
        isOn,
      })
    expect(decodeAsf(encodeAsf({ type: 'power-up', tag: 3, isOn: null }))).toEqual({
      type: 'power-up',
      tag: 3,
      isOn: null,
    })
  })

  it('are refused when they are anything else', () => {
    for (const [hex, reason] of [
      ['0500ff06000011be11010000', 'is no RMCP'],
      ['0600ff07000011be11010000', 'RMCP of another class than ASF'],
      ['0600ff06000011bf11010000', 'is not of ASF'],
      ['0600ff06000011be13010000', 'message of type 19 is unknown'],
      ['0600ff06000011be42010000', 'a state response has 4 octets of data'],
    ] as const)
      expect(() => decodeAsf(octetsOfHex(hex))).toThrow(reason)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (octets) => {
        expect(() => decodeAsf(octets)).toThrow(WireError)
      }),
    )
  })
})
