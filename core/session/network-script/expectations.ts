/** Whether an item of a script ended as its plan says. */
import { outcomesOf, type ScriptItem } from '../network-plan/script-plan.js'
import type { EntryDetails } from './script-entry.js'

/** What is not as expected, in words; empty when all is. */
export function problemsOf(item: ScriptItem, outcome: string, details: EntryDetails): string[] {
  const outcomes: readonly string[] = outcomesOf[item.do]
  const best = outcomes[0] ?? ''
  const expected: readonly string[] = item.expect ?? [best]
  const isExpected = expected.includes(outcome) || (expected.includes('fails') && outcome !== best)
  const problems = isExpected ? [] : [`expected: ${expected.join(' or ')}`]
  if ('hears' in item && item.hears !== undefined && 'overheard' in details) {
    const hears = (details.overheard ?? 0) > 0 ? 'something' : 'nothing'
    if (hears !== item.hears) problems.push(`expected that ${item.listener ?? ''} hears ${item.hears}`)
  }
  if (item.do === 'transfer' && details.kind === 'transfer') {
    const { throughputMin, throughputMax } = item
    if (throughputMin !== undefined && details.throughputBps < throughputMin)
      problems.push(`expected at least ${throughputMin / 1e6} Mbit/s`)
    if (throughputMax !== undefined && details.throughputBps > throughputMax)
      problems.push(`expected at most ${throughputMax / 1e6} Mbit/s`)
  }
  if (item.do === 'traceroute' && details.kind === 'traceroute' && item.through !== undefined) {
    if (item.through.join() !== details.through.join()) problems.push(`expected the way ${item.through.join(', ')}`)
  }
  if (item.do === 'show' && details.kind === 'tables') {
    const rows = details.tables.flatMap(({ rows: each }) => each.map((row) => ` ${row.join(' ')} `))
    const isThere = (words: string): boolean => rows.some((row) => row.includes(` ${words} `))
    for (const words of item.contains) if (!isThere(words)) problems.push(`expected a row with: ${words}`)
    for (const words of item.lacks) if (isThere(words)) problems.push(`expected no row with: ${words}`)
  }
  return problems
}
