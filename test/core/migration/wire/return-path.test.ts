import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { concatOctets, hexOf } from '../../../../core/base/octets.js'
import {
  encodeReturnPath,
  ReturnPathReader,
  type ReturnPathMessage,
} from '../../../../core/migration/wire/return-path.js'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const name = fc.stringMatching(/^[a-z./0-9]{1,60}$/)
const message: fc.Arbitrary<ReturnPathMessage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('SHUT' as const, 'PONG' as const, 'RESUME_ACK' as const), value: u32 }),
  fc.record({ kind: fc.constant('REQ_PAGES' as const), block: fc.option(name), offset: u32, octets: u32 }),
  fc.record({ kind: fc.constant('RECV_BITMAP' as const), block: name, bitmap: fc.uint8Array({ maxLength: 40 }) }),
  fc.constant<ReturnPathMessage>({ kind: 'SWITCHOVER_ACK' }),
)

describe('the return path', () => {
  it('has the octets of QEMU', () => {
    expect(hexOf(encodeReturnPath({ kind: 'SHUT', value: 0 }))).toBe('0001000400000000')
    expect(hexOf(encodeReturnPath({ kind: 'PONG', value: 1 }))).toBe('0002000400000001')
    expect(hexOf(encodeReturnPath({ kind: 'REQ_PAGES', block: 'pc', offset: 0x3000, octets: 4096 }))).toBe(
      '0003000f' + '0000000000003000' + '00001000' + '027063',
    )
    expect(hexOf(encodeReturnPath({ kind: 'REQ_PAGES', block: null, offset: 0x3000, octets: 4096 }))).toBe(
      '0004000c' + '0000000000003000' + '00001000',
    )
    expect(hexOf(encodeReturnPath({ kind: 'RECV_BITMAP', block: 'r', bitmap: Uint8Array.of(0xff) }))).toBe(
      '00050002' + '0172' + '0000000000000001' + 'ff' + '0123456789abcdef',
    )
  })

  it('reads what it writes, in any pieces', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.integer({ min: 1, max: 50 }), (messages, step) => {
        const octets = concatOctets(messages.map(encodeReturnPath))
        const reader = new ReturnPathReader()
        const found: ReturnPathMessage[] = []
        for (let at = 0; at < octets.length; at += step) found.push(...reader.push(octets.subarray(at, at + step)))
        expect(found).toEqual(messages)
      }),
    )
  })

  it('gives messages or a WireError for any octets', () => {
    const typed = fc.tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 20 }),
      fc.uint8Array({ maxLength: 40 }),
    )
    fc.assert(
      fc.property(typed, ([type, length, data]) => {
        try {
          new ReturnPathReader().push(Uint8Array.of(0, type, 0, length, ...data))
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
