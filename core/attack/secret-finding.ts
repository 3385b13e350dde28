/** What the finder reports, and the list that collects it without repeating itself. */

export type SecretKind =
  'card' | 'private-key' | 'cookie' | 'credential' | 'password-hash' | 'contact' | 'setting' | 'token'

export type TextEncoding = 'ascii' | 'utf-16le'

/** One place in the scanned octets. */
export interface SecretPlace {
  /** Octets from the start of what was scanned. */
  readonly offset: number
  readonly octets: number
  readonly encoding: TextEncoding
}

export interface SecretFinding {
  readonly kind: SecretKind
  /** As it stands in memory (a card keeps its dashes, a key its line ends). */
  readonly value: string
  /** Whose or which: the user, the setting's key, the cookie's name, the issuer. Empty if unknown. */
  readonly name: string
  /** Why this is taken for a secret, in words. */
  readonly why: string
  readonly confidence: 'high' | 'medium'
  readonly places: readonly SecretPlace[]
}

const PLACES_MAX = 16
const FINDINGS_MAX = 10_000

interface Entry extends SecretFinding {
  name: string
  why: string
  confidence: 'high' | 'medium'
  places: SecretPlace[]
}

/**
 * Findings by kind and value. A hostile image cannot make it grow without end: past `FINDINGS_MAX` values nothing new is
 * taken and `isFull` says so.
 */
export class FindingList {
  private readonly byKey = new Map<string, Entry>()
  /** User names that some structure has shown, to judge typed lines by. */
  readonly users = new Set<string>()
  /** Where the searched octets begin in what the findings' offsets count from. */
  base = 0
  isFull = false

  /** `placed.offset` counts from the start of the searched octets. */
  add(finding: Omit<SecretFinding, 'places'>, placed: SecretPlace): void {
    const place = { ...placed, offset: placed.offset + this.base }
    const key = `${finding.kind}\0${finding.value}`
    const known = this.byKey.get(key)
    if (known === undefined) {
      if (this.byKey.size >= FINDINGS_MAX) this.isFull = true
      else this.byKey.set(key, { ...finding, places: [place] })
      return
    }
    if (known.name === '') known.name = finding.name
    if (known.confidence === 'medium' && finding.confidence === 'high') {
      known.confidence = 'high'
      known.why = finding.why
    }
    const isKnownPlace = known.places.some((other) => other.offset === place.offset)
    if (!isKnownPlace && known.places.length < PLACES_MAX) known.places.push(place)
  }

  has(kind: SecretKind, value: string): boolean {
    return this.byKey.has(`${kind}\0${value}`)
  }

  get size(): number {
    return this.byKey.size
  }

  /** In the order in which they were found, from the `index`-th on. */
  foundSince(index: number): readonly SecretFinding[] {
    return [...this.byKey.values()].slice(index)
  }

  /** By address of the first place. */
  list(): readonly SecretFinding[] {
    const findings = [...this.byKey.values()].map((entry) => ({
      ...entry,
      places: entry.places.toSorted((a, b) => a.offset - b.offset),
    }))
    return findings.sort((a, b) => (a.places[0]?.offset ?? 0) - (b.places[0]?.offset ?? 0))
  }
}
