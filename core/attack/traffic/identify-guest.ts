/**
 * Which guest was it that moved? The attacker has had each that it knows of moved at home, over the same channel, and looks whose
 * traffic comes nearest. No cipher hides how many octets pass, nor for how long the guest is silent.
 */
import type { LeakQuantity } from '../../base/leak-quantities.js'

/** What traffic told of a migration: values of estimates. */
export type TrafficSigns = Readonly<Partial<Record<LeakQuantity, number>>>

export interface KnownGuest {
  readonly name: string
  readonly signs: TrafficSigns
}

export interface Likeness {
  readonly name: string
  /** 0 is the same; 1 is twice as much of one sign that counts in full. */
  readonly distance: number
}

/** Factors between what is compared, and how much each counts: octets are read off exactly, times also depend on the moment. */
const WEIGHTS = { sent: 1, downtime: 0.2 } as const satisfies Partial<Record<LeakQuantity, number>>

/** All known guests, the likeliest first, each as often as it was seen. Empty when the traffic told nothing. */
export function likelyGuests(seen: TrafficSigns, known: readonly KnownGuest[]): readonly Likeness[] {
  return known
    .flatMap(({ name, signs }) => {
      const distance = distanceOf(seen, signs)
      return distance === null ? [] : [{ name, distance }]
    })
    .toSorted((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
}

/**
 * Which it was: null when another one comes nearly as near, by less than moves of the likeliest differ at home. For that each is
 * known from several moves.
 */
export function surelyGuest(seen: TrafficSigns, known: readonly KnownGuest[]): string | null {
  const likely = likelyGuests(seen, known)
  const [best] = likely
  const other = likely.find(({ name }) => name !== best?.name)
  if (best === undefined || other === undefined) return null
  const spread = spreadOf(known.filter(({ name }) => name === best.name))
  return other.distance - best.distance > spread ? best.name : null
}

/** How far two moves of a guest are apart, at most. */
function spreadOf(moves: readonly KnownGuest[]): number {
  return Math.max(0, ...moves.flatMap((one) => moves.flatMap((other) => distanceOf(one.signs, other.signs) ?? [])))
}

function distanceOf(a: TrafficSigns, b: TrafficSigns): number | null {
  let distance: number | null = null
  for (const [quantity, weight] of Object.entries(WEIGHTS)) {
    const [one, other] = [a[quantity as LeakQuantity], b[quantity as LeakQuantity]]
    if (one === undefined || other === undefined || one <= 0 || other <= 0) continue
    distance = (distance ?? 0) + weight * (Math.max(one, other) / Math.min(one, other) - 1)
  }
  return distance
}
