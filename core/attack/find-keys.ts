/** Private keys in textual encoding (RFC 7468; PEM): whatever kind, as long as its label says PRIVATE KEY. */
import type { FindingList } from './secret-finding.js'
import { isTextOctet, placeOf, textOf, type TextRun } from './text-run.js'

/** Longest key that is looked for: an RSA key of 16384 bits has some 12,500 characters. */
const KEY_MAX = 32_768
const LABEL_MAX = 64
const BEGIN = '-----BEGIN '
const END = '-----END '

const startsWith = (octets: Uint8Array, at: number, text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (octets[at + i] !== text.charCodeAt(i)) return false
  return true
}

/**
 * A hyphen stands at `at`. Adds the key whose first line starts here, or whose last line starts here: while pages
 * arrive, either end may come first. Returns where the search goes on.
 */
export function findPrivateKey(run: TextRun, at: number, found: FindingList): number {
  const { octets } = run
  if (octets[at + 1] !== 0x2d || octets[at + 4] !== 0x2d) return at + 1
  if (startsWith(octets, at, BEGIN)) return addKey(run, at, found)
  if (startsWith(octets, at, END)) {
    const begin = beginBefore(octets, at)
    if (begin >= 0) addKey(run, begin, found)
    return at + END.length
  }
  return at + 5
}

function beginBefore(octets: Uint8Array, at: number): number {
  if (octets[at - 1] === 0x2d) return -1 // marks stand on lines of their own
  const floor = Math.max(0, at - KEY_MAX)
  for (let back = at - 1; back >= floor && isTextOctet(octets[back]); back--)
    if (octets[back] === 0x2d && octets[back - 1] !== 0x2d) {
      if (startsWith(octets, back, BEGIN)) return back
      if (startsWith(octets, back, END)) return -1
    }
  return -1
}

function addKey(run: TextRun, at: number, found: FindingList): number {
  const { octets } = run
  const label = /^([A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----/.exec(
    textOf(run, at + BEGIN.length, at + BEGIN.length + LABEL_MAX),
  )?.[1]
  const bodyStart = at + BEGIN.length
  if (label === undefined) return bodyStart
  const limit = Math.min(octets.length, at + KEY_MAX)
  for (let i = bodyStart + label.length + 5; i < limit && isTextOctet(octets[i]); i++) {
    if (octets[i] !== 0x2d || octets[i + 1] !== 0x2d) continue
    // Only marks have two hyphens together; another than this key's end means that this one was cut.
    if (!startsWith(octets, i, `${END}${label}-----`)) return i
    let end = i + END.length + label.length + 5
    const value = textOf(run, at, end)
    // A program that writes keys has both marks among its constants, with nothing between them.
    if (!/[A-Za-z0-9+/]{32,}={0,2}[\s-]/.test(value)) return end
    if (octets[end] === 0x0d) end++
    if (octets[end] === 0x0a) end++
    found.add(
      {
        kind: 'private-key',
        value: textOf(run, at, end),
        name: label,
        confidence: 'high',
        why: `PEM text from BEGIN to END ${label}`,
      },
      placeOf(run, at, end),
    )
    return end
  }
  return bodyStart
}
