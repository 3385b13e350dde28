/** How the length and the pace of a transfer may be disguised, and what is chosen for a migration. */

/**
 * `padding`: all records as long as one another, and some that carry nothing; how many is drawn anew for every connection.
 * `constant-rate`: the same, one record in every interval, whether there is something to send or not.
 */
export const shapingNames = ['none', 'padding', 'constant-rate'] as const
export type ShapingName = (typeof shapingNames)[number]

export interface ShapingParameters {
  readonly shaping: ShapingName
  /** Octets a second of `constant-rate`, filler included. */
  readonly shapingRate: number
}

export const DEFAULT_SHAPING: ShapingParameters = Object.freeze({ shaping: 'none', shapingRate: 64 * 1024 * 1024 })

/** Why they cannot be used, or null. */
export function shapingRateProblem({ shapingRate }: ShapingParameters): string | null {
  if (shapingRate >= 64 * 1024 && shapingRate <= 1e12) return null
  return `${shapingRate} octets a second: choose from 64KiB/s to 1TB/s`
}
