import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SequenceRanges } from '../../../../core/net/tcp/sequence-ranges.js'

const span = 400
const start = fc.constantFrom(0, 1000, 2 ** 32 - 200, 2 ** 31 - 100)
const piece = fc.tuple(fc.nat(span), fc.integer({ min: 1, max: 60 }))

describe('SequenceRanges', () => {
  it('is a set of octets, wherever numbers wrap around', () => {
    fc.assert(
      fc.property(start, fc.array(piece, { maxLength: 40 }), fc.nat(span + 60), (base, pieces, cut) => {
        const at = (offset: number): number => (base + offset) >>> 0
        const ranges = new SequenceRanges()
        const model = new Set<number>()
        for (const [offset, length] of pieces) {
          const before = model.size
          for (let i = 0; i < length; i++) model.add(offset + i)
          expect(ranges.add(at(offset), at(offset + length))).toBe(model.size - before)
          // What was touched last is reported first.
          expect(ranges.latestBefore(Infinity)).toBe(ranges.rangeOf(at(offset)))
        }
        const check = (): void => {
          expect(ranges.octets).toBe(model.size)
          for (let offset = 0; offset < span + 70; offset += 7) {
            let skipped = offset
            while (model.has(skipped)) skipped++
            expect(ranges.skip(at(offset))).toBe(at(skipped))
            let gap = 0
            while (gap < 50 && !model.has(offset + gap)) gap++
            expect(ranges.gapAt(at(offset), 50)).toBe(gap)
            expect(ranges.octetsBefore(at(offset))).toBe([...model].filter((each) => each < offset).length)
          }
          for (let index = 1; index < ranges.length; index++)
            expect((ranges.at(index).left - ranges.at(index - 1).right) | 0).toBeGreaterThan(0)
        }
        check()
        ranges.removeBefore(at(cut))
        for (const each of model) if (each < cut) model.delete(each)
        check()
      }),
      { numRuns: 150 },
    )
  })

  it('remembers so many ranges and no more', () => {
    const ranges = new SequenceRanges()
    for (let index = 0; index < 1024; index++) expect(ranges.add(index * 2, index * 2 + 1)).toBe(1)
    expect(ranges.add(5000, 5001)).toBe(-1)
    expect(ranges.add(0, 5000)).toBe(5000 - 1024)
    expect(ranges.length).toBe(1)
  })
})
