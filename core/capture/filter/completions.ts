/** What may follow what was typed of a filter, and names close to a misspelt one. */
import { allFields } from '../fields.js'

export interface Completion {
  /** Replaces `[start, end)` of the text. */
  readonly text: string
  readonly start: number
  readonly end: number
  /** What it is: `Destination port`. */
  readonly label: string
}

const COMPLETIONS_MAX = 40
const SUGGESTIONS_MAX = 3

/** Names of fields that begin with the word before the cursor; those one step deeper first. */
export function completions(text: string, cursor: number): Completion[] {
  const word = /[\w.]*$/.exec(text.slice(0, cursor))?.[0] ?? ''
  if (word === '' || /^[\d.]/.test(word)) return []
  const start = cursor - word.length
  const lower = word.toLowerCase()
  return allFields
    .filter(({ name }) => name.startsWith(lower) && name !== word)
    .sort((a, b) => depthOf(a.name) - depthOf(b.name) || (a.name < b.name ? -1 : 1))
    .slice(0, COMPLETIONS_MAX)
    .map(({ name, label }) => ({ text: name, start, end: cursor, label }))
}

/** At most three names of fields that are few changes away, closest first. */
export function closestFields(name: string): string[] {
  const lower = name.toLowerCase()
  const limit = Math.max(2, Math.floor(name.length / 3))
  return allFields
    .map((definition) => ({ name: definition.name, distance: editDistance(lower, definition.name, limit) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SUGGESTIONS_MAX)
    .map((close) => close.name)
}

function depthOf(name: string): number {
  return name.split('.').length
}

/** Insertions, deletions and replacements from `a` to `b`; anything over `limit` is `limit + 1`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const change = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(change, previous[column]! + 1, current[column - 1]! + 1))
    }
    previous = current
  }
  return Math.min(previous[b.length]!, limit + 1)
}
