/** What the lengths and times of a sealed migration may tell: the words in which it is guessed, traced and judged. */

export const leakQuantities = [
  /** Octets of memory that crossed, pages sent again included. */
  'sent',
  /** Octets. */
  'ram',
  /** The last, guest stopped, included. */
  'rounds',
  /** Pages that readings of the dirty log found newly written, in a second of the rounds. */
  'dirty-rate',
  /** Pages. */
  'working-set',
  /** Nanoseconds of virtual time. */
  'stopped-at',
  /** Nanoseconds. */
  'downtime',
  /** Index in `workloadClasses`. */
  'workload',
] as const
export type LeakQuantity = (typeof leakQuantities)[number]

export const workloadClasses = ['idle', 'steady', 'heavy'] as const

/**
 * Pages written in a second, in runs to compare with: the shell guest of this lab (64 MiB, channel nacl, 1 Gbit/s, seed 1, otherwise as
 * `midstream migrate` has it), from the dirty logs of their rounds. By class, in the same order.
 */
const REFERENCE_RATES: readonly number[] = [
  // idle: --dirty-rate 0
  100,
  // steady: --dirty-rate 2000/s
  2000,
  // heavy: --dirty-rate 20000/s --working-set 32MiB
  16_000,
]

/** The class whose reference is nearest by factor. */
export function workloadClassOf(dirtyPagesPerSecond: number): number {
  const rate = Math.max(1, dirtyPagesPerSecond)
  const factors = REFERENCE_RATES.map((reference) => Math.max(rate / reference, reference / rate))
  return factors.indexOf(Math.min(...factors))
}
