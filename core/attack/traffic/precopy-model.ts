/**
 * What pre-copy looks like from outside, for a guest with constant rates: the recurrence behind the closed form of Clark et al.
 * (NSDI 2005) with QEMU's habits (migration/migration.c): it looks at what is left every 100 ms and, when that could be
 * sent within the downtime limit, reads the dirty log at once and decides. The guest writes a working set at random.
 */
import { exponential } from '../../base/exact-powers.js'

export interface SupposedGuest {
  /** Pages that the first round sends: those that are not zero. */
  readonly pages: number
  readonly dirtyPagesPerSecond: number
  readonly workingSetPages: number
}

export interface SeenPrecopy {
  /** Sent while the guest ran, and while it stood still. */
  readonly livePages: number
  readonly leftPages: number
  /** Pages that the readings of the dirty log found newly written, in a second. */
  readonly foundPerSecond: number
  /** The last one, guest stopped, included. */
  readonly rounds: number
}

const LOOK_SECONDS = 0.1
const ROUNDS_MAX = 30

export function supposePrecopy(
  { pages, dirtyPagesPerSecond, workingSetPages }: SupposedGuest,
  pagesPerSecond: number,
  downtimeLimitSeconds: number,
): SeenPrecopy {
  const thresholdPages = pagesPerSecond * downtimeLimitSeconds
  let unsent = pages
  let dirty = 0
  let livePages = 0
  let found = 0
  let rounds = 0
  do {
    const left = unsent + dirty
    const looks = Math.max(1, Math.ceil((left - thresholdPages) / (pagesPerSecond * LOOK_SECONDS)))
    const sent = Math.min(left, looks * pagesPerSecond * LOOK_SECONDS)
    const again = Math.max(0, sent - unsent)
    unsent = Math.max(0, unsent - sent)
    const clean = Math.min(workingSetPages, workingSetPages - dirty + again)
    const stores = (dirtyPagesPerSecond * sent) / pagesPerSecond
    const newlyDirty = workingSetPages === 0 ? 0 : clean * (1 - exponential(-stores / workingSetPages))
    dirty = Math.max(0, dirty - again) + newlyDirty
    found += newlyDirty
    livePages += sent
    rounds++
  } while (unsent + dirty >= thresholdPages && unsent + dirty > 0 && rounds < ROUNDS_MAX)
  const foundPerSecond = (found * pagesPerSecond) / livePages
  return { livePages, leftPages: unsent + dirty, foundPerSecond, rounds: rounds + 1 }
}
