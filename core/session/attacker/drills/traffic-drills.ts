/** What a listener makes of a migration that it cannot read: whose it was, and when the guest stood still. */
import { likelyGuests, surelyGuest, type TrafficSigns } from '../../../attack/traffic/identify-guest.js'
import { assert } from '../../../base/errors.js'
import { leakQuantities } from '../../../base/leak-quantities.js'
import { milliseconds, seconds } from '../../../base/units.js'
import type { GuestScenario } from '../../scenario.js'
import type { Drill, DrillParts } from './drill.js'
import { RackLab } from './rack-lab.js'

const MIB = 1024 ** 2
/** Guests of one size, that do different things. */
const suspects: Readonly<Record<string, Partial<GuestScenario>>> = {
  'a quiet shell': { image: 'shell', workingSetPages: 16, dirtyPagesPerSecond: 200 },
  'a busy shell': { image: 'shell', workingSetPages: 256, dirtyPagesPerSecond: 8000 },
  'a full shell': { image: 'shell', fillOctets: 1.75 * MIB, workingSetPages: 16, dirtyPagesPerSecond: 200 },
}
/** How exactly the instant is to be known at which the guest stopped. */
const STOP_TOLERANCE_NS = milliseconds(5)

function movedGuest(parts: DrillParts, name: string, seed: string): RackLab {
  const lab = new RackLab({ ...parts, seed }, 'mirror', suspects[name])
  lab.migrate()
  lab.wait(seconds(1))
  return lab
}

function signsOf(lab: RackLab): TrafficSigns {
  return Object.fromEntries(
    lab
      .rows('traffic-estimate')
      .filter(({ quantity }) => (leakQuantities as readonly string[]).includes(quantity))
      .map(({ quantity, value }) => [quantity, value]),
  )
}

/** Each of them moves, and the listener, who has had each moved at home twice, says which it was if he can tell. */
export const identifyGuest: Drill = (parts) => {
  const names = Object.keys(suspects)
  const known = ['first', 'second'].flatMap((time) =>
    names.map((name) => ({ name, signs: signsOf(movedGuest(parts, name, `${parts.seed} at home, ${time}`)) })),
  )
  const labs = names.map((name) => ({ name, lab: movedGuest(parts, name, parts.seed) }))
  const said = labs.map(({ name, lab }) => {
    const seen = signsOf(lab)
    const told = surelyGuest(seen, known)
    const guess = told ?? likelyGuests(seen, known)[0]?.name ?? 'nobody knows which'
    const stoppedNs = lab.session.world.lastRun()?.pausedFromNs ?? null
    const saidNs = seen['stopped-at'] ?? null
    const knowsWhen = stoppedNs !== null && saidNs !== null && Math.abs(saidNs - stoppedNs) <= STOP_TOLERANCE_NS
    const who = told === null ? `perhaps ${guess}` : guess
    const text = `${who} moved, and stopped ${saidNs === null ? 'at no known instant' : `at ${(saidNs / 1e9).toFixed(4)} s`}: it was ${name}, at ${((stoppedNs ?? 0) / 1e9).toFixed(4)} s`
    return { isTold: told === name, knowsWhen, evidence: { atNs: lab.session.nowNs, text } }
  })
  const told = said.filter(({ isTold }) => isTold).length
  const timed = said.filter(({ knowsWhen }) => knowsWhen).length
  const summary = `the traffic told of ${told} of ${labs.length} moves whose they were, and of ${timed} when the guest stopped`
  const isAll = told === labs.length && timed === labs.length
  const [first] = labs
  assert(first !== undefined, 'somebody moves')
  const verdict = isAll ? 'succeeded' : told + timed > 0 ? 'residual' : 'stopped'
  return first.lab.end(
    verdict,
    summary,
    said.map(({ evidence }) => evidence),
  )
}
