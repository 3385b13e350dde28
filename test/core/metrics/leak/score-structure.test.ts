import { describe, expect, it } from 'vitest'
import { Trace } from '../../../../core/kernel/trace.js'
import { scoreStructure } from '../../../../core/metrics/leak/score-structure.js'

/** A trace of pages that lie 5000 octets apart, of these contents, and of guesses at them. */
function traceOf(
  contents: readonly number[],
  guesses: readonly (readonly [octet: number, group: number, isZero: number])[],
) {
  const trace = new Trace()
  contents.forEach((content, index) => trace.add('page-sent', { migration: 1, octet: 5000 * index, content }))
  for (const [octet, group, isZero] of guesses)
    trace.add('page-alike', { attacker: 'mallory', stream: 0, octet, group, isZero })
  trace.add('structure-seen', { attacker: 'mallory', stream: 0, blocks: 1000, repeated: 10 })
  return trace
}
const score = (trace: Trace) => scoreStructure(trace, 1, 0, Infinity)

describe('score of what equal blocks gave away', () => {
  it('is null before the attacker has looked, and where no page crossed', () => {
    expect(score(new Trace())).toBeNull()
    expect(score(traceOf([], []))).toBeNull()
  })

  it('is whole for the true classes, wherever about a page was said to lie', () => {
    const guesses = [
      [100, 1, 0],
      [5020, 1, 0],
      [14_900, 2, 1],
      [20_000, 2, 1],
    ] as const
    expect(score(traceOf([7, 7, 9, 0, 0], guesses))).toEqual({
      ...{ pages: 5, alikePages: 4, alikeSeen: 4, emptyPages: 2, emptySeen: 2, wrong: 0 },
      ...{ blocks: 1000, blocksRepeated: 10, agreement: 1, picture: { truth: 'aa.00', seen: 'aa.00' } },
    })
  })

  it('counts guesses that are wrong, far from any page, or at a page that was guessed at already', () => {
    const guesses = [
      [0, 1, 0],
      [5000, 1, 0],
      [10_000, 1, 0],
      [10_010, 1, 0],
      [90_000, 1, 0],
    ] as const
    const found = score(traceOf([7, 7, 9, 8], guesses))
    expect(found).toMatchObject({ alikePages: 2, alikeSeen: 2, wrong: 3 })
    expect(found?.agreement).toBeGreaterThan(0)
    expect(found?.agreement).toBeLessThan(1)
  })

  it('is nothing for an attacker who saw nothing', () => {
    expect(score(traceOf([7, 7, 9], []))).toMatchObject({ alikeSeen: 0, wrong: 0, agreement: 0 })
  })
})
