/** What a migration cost its guest, in words: where somebody kept the guest stopped anyway, a figure alone would mislead. */
import type { RunMetrics } from '../engine/contract.js'
import { formatMs } from './quantities.js'

type Pause = Pick<RunMetrics, 'downtimeMs' | 'ownPause'>

/** The guest would have run meanwhile. */
export const hasDowntime = ({ ownPause }: Pause): boolean => ownPause !== 'before'

/** For a table's cell. */
export function downtimeText({ downtimeMs, ownPause }: Pause): string {
  if (ownPause === 'before') return 'was paused'
  return ownPause === 'after' ? `${formatMs(downtimeMs)}, then paused` : formatMs(downtimeMs)
}

/** What such a cell means; nothing where the figure says all. */
export function downtimeMeaning({ downtimeMs, ownPause }: Pause): string | undefined {
  switch (ownPause) {
    case 'none':
      return undefined
    case 'before':
      return `The guest stood still before, during and after its move. Its last phase took ${formatMs(downtimeMs)}, which query-migrate calls downtime all the same.`
    case 'after':
      return `After ${formatMs(downtimeMs)} the guest could have run at its destination; it was to stand still there.`
  }
}
