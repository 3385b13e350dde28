import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReceiveBuffer } from '../../../../core/net/tcp/receive-buffer.js'
import { expectSameOctets, patternOctets } from '../../../support/network-fixture.js'

const stream = patternOctets(60_000)
const WINDOW = 10_000
const step = fc.record({
  offset: fc.nat(WINDOW - 1),
  length: fc.integer({ min: 1, max: 3000 }),
  inOrder: fc.boolean(),
  reads: fc.nat(6000),
})

describe('ReceiveBuffer', () => {
  it('gives what was sent, in whatever order it came, from frames that are used again', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.constantFrom(0, 2 ** 32 - 5000, 2 ** 31 - 5000),
        (steps, base) => {
          const buffer = new ReceiveBuffer(WINDOW)
          const frame = new Uint8Array(WINDOW + 100)
          const held = new Set<number>()
          let next = 0
          let taken = 0
          for (const { offset, length, inOrder, reads } of steps) {
            const from = next + (inOrder ? 0 : offset)
            const to = Math.min(from + length, taken + WINDOW, stream.length)
            if (from < to) {
              frame.set(stream.subarray(from, to), 66)
              next = (buffer.insert((base + next) >>> 0, (base + from) >>> 0, frame, 66, 66 + to - from) - base) >>> 0
              frame.fill(0xdd)
              for (let i = from; i < to; i++) held.add(i)
              let expected = taken
              while (held.has(expected)) expected++
              expect(next).toBe(expected)
              expect(buffer.readableOctets).toBe(next - taken)
              expect(buffer.hasHole).toBe([...held].some((each) => each >= next))
            }
            const octets = buffer.read(reads)
            expectSameOctets(octets, stream.subarray(taken, taken + octets.length))
            for (let i = taken; i < taken + octets.length; i++) held.delete(i)
            taken += octets.length
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
