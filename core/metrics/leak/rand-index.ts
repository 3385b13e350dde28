/**
 * How far two partitions of the same things agree, corrected for chance (Hubert and Arabie, Comparing partitions, Journal of
 * Classification 2, 1985): 1 when they are the same, 0 as good as by chance, and 0 too when one of them tells nothing.
 */

/** Entry i of each is the class of thing i. Null where all is in one class, or each in its own, in both: nothing can be told. */
export function adjustedRandIndex(a: readonly number[], b: readonly number[]): number | null {
  const pairs = (count: number): number => (count * (count - 1)) / 2
  const sumOfPairs = (counts: Iterable<number>): number => {
    let sum = 0
    for (const count of counts) sum += pairs(count)
    return sum
  }
  const inA = new Map<number, number>()
  const inB = new Map<number, number>()
  const inBoth = new Map<number, Map<number, number>>()
  a.forEach((classA, index) => {
    const classB = b[index] as number
    count(inA, classA)
    count(inB, classB)
    let row = inBoth.get(classA)
    if (row === undefined) inBoth.set(classA, (row = new Map<number, number>()))
    count(row, classB)
  })
  const [pairsA, pairsB] = [sumOfPairs(inA.values()), sumOfPairs(inB.values())]
  let together = 0
  for (const row of inBoth.values()) together += sumOfPairs(row.values())
  const all = pairs(a.length)
  const expected = all === 0 ? 0 : (pairsA * pairsB) / all
  const most = (pairsA + pairsB) / 2
  return most === expected ? null : (together - expected) / (most - expected)
}

function count(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
