/** One migration from boot to its end, as `migrate` and `sweep` do it. */
import { InputError } from '../core/base/errors.js'
import { milliseconds, parseDuration, seconds } from '../core/base/units.js'
import type { Session } from '../core/session/session.js'
import type { LiveCapture } from './live-capture.js'
import type { ScenarioValues } from './migrate-scenario.js'
import { quantity } from './quantities.js'

/** The guest boots, makes its secrets and works for a while before it is moved. */
const BEFORE_NS = seconds(3)
/** Time for the client to find the guest again. */
const AFTER_NS = seconds(1)
/** What is captured is handed to a viewer this often, in virtual time. */
const LIVE_STRIDE_NS = milliseconds(10)
/** A migration that has not ended by then never will. */
const PATIENCE_NS = seconds(3600)

/** False when it did not end. Throws `InputError` when the guest does not even stay up. */
export async function runMigration(
  session: Session,
  values: Pick<ScenarioValues, 'guest' | 'paused' | 'pause-before-switchover'>,
  live: LiveCapture | null = null,
): Promise<boolean> {
  const { world } = session
  session.do({ kind: 'boot' })
  await runWatched(session, () => true, BEFORE_NS, live)
  if (world.liveVm()?.state !== 'running')
    throw new InputError(`the guest ${values.guest} did not stay up for three seconds`)
  if (values.paused) session.do({ kind: 'type', console: 'operator', text: `virsh suspend ${world.guestName}\r` })
  session.do({ kind: 'migrate' })
  const holdNs = quantity('pause-before-switchover', values['pause-before-switchover'] ?? '0s', parseDuration)
  if (values['pause-before-switchover'] !== undefined) {
    await runWatched(session, ({ world }) => world.crossingUnderWay?.isHeld === false, PATIENCE_NS, live)
    await runWatched(session, ({ isMigrating }) => isMigrating, holdNs, live)
    if (world.crossingUnderWay?.isHeld === true) session.do({ kind: 'continue-migration' })
  }
  const isOver = await runWatched(session, ({ isMigrating }) => isMigrating, PATIENCE_NS, live)
  if (isOver) await runWatched(session, () => true, AFTER_NS, live)
  return isOver
}

/** As `Session.runWhile`, and whoever watches the capture gets it meanwhile. */
async function runWatched(
  session: Session,
  isGoingOn: (session: Session) => boolean,
  spanNs: number,
  live: LiveCapture | null,
): Promise<boolean> {
  const untilNs = session.nowNs + spanNs
  while (session.nowNs < untilNs) {
    if (session.runWhile(isGoingOn, Math.min(LIVE_STRIDE_NS, untilNs - session.nowNs))) return true
    await live?.pump()
  }
  return false
}
