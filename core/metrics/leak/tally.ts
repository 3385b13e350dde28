/** How often each value is there. */
export function tally(values: readonly number[]): ReadonlyMap<number, number> {
  const times = new Map<number, number>()
  for (const each of values) times.set(each, (times.get(each) ?? 0) + 1)
  return times
}

/** The value that is there most often, of several the one that comes first; NaN where there is none. */
export function mostFrequent(values: readonly number[]): number {
  let [found, most] = [NaN, 0]
  for (const [value, times] of tally(values)) if (times > most) [found, most] = [value, times]
  return found
}
