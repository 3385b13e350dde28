import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../../../core/base/errors.js'
import { SendBuffer } from '../../../../core/net/tcp/send-buffer.js'
import { expectSameOctets } from '../../../support/network-fixture.js'

const stream = Uint8Array.from({ length: 65_536 }, (_, index) => (index * 31 + (index >>> 8)) & 0xff)

describe('SendBuffer', () => {
  it('gives any part of what was written and not yet acknowledged, whatever becomes of what was written', () => {
    const steps = fc.array(fc.record({ writes: fc.nat(9000), acknowledges: fc.nat(9000), looksAt: fc.nat(20_000) }), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(steps, (each) => {
        const buffer = new SendBuffer()
        let [released, written] = [0, 0]
        for (const { writes, acknowledges, looksAt } of each) {
          const octets = stream.slice(written, written + writes)
          buffer.append(octets)
          octets.fill(0xdd)
          written = Math.min(written + writes, stream.length)
          const acknowledged = Math.min(acknowledges, buffer.length)
          buffer.release(acknowledged)
          released += acknowledged
          expect(buffer.length).toBe(written - released)
          const offset = Math.min(looksAt, buffer.length)
          const part = new Uint8Array(buffer.length - offset + 3)
          buffer.copyTo(part, 3, offset, buffer.length - offset)
          expectSameOctets(part.subarray(3), stream.subarray(released + offset, written))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('refuses to give or forget what it does not hold', () => {
    const buffer = new SendBuffer()
    buffer.append(stream.subarray(0, 10))
    expect(() => buffer.copyTo(new Uint8Array(11), 0, 0, 11)).toThrow(AssertionError)
    expect(() => buffer.copyTo(new Uint8Array(11), 0, 9, 2)).toThrow(AssertionError)
    expect(() => buffer.release(11)).toThrow(AssertionError)
  })
})
