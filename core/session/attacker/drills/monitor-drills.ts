/** What a monitor that anybody can reach is good for. */
import { seconds } from '../../../base/units.js'
import type { Drill, DrillEvidence, DrillRun } from './drill.js'
import { RackLab } from './rack-lab.js'

const QMP_ERROR = / refuses: /
/** How long the guest is moved to and fro, and how long the client was watched before. */
const SPAN_NS = seconds(0.8)
const MOVES_MIN = 2

/** The guest is sent to the attacker's hypervisor, which runs it and reads it. */
export const incomingControl: Drill = (parts) => {
  const lab = RackLab.begun(parts, 'incoming-control')
  const { attacker } = lab.session.world
  lab.session.runWhile(() => (lab.session.world.lastRun()?.endNs ?? null) === null, seconds(10))
  lab.wait(seconds(1))
  const guest = lab.session.world.liveVm()
  if (guest?.hostName !== attacker.name) return refused(lab)
  const login = lab
    .guest('root', 'wrong')
    .map(({ atNs, text }) => ({ atNs, text: `the guest, on ${attacker.name}: ${text}` }))
  const run = lab.session.world.lastRun()
  const found = lab.evidence('finding', ({ kind, name, packet }) => `${kind} ${name}, in packet ${packet}`)
  const summary = `the guest runs on ${attacker.name}’s own host, with all of its ${run?.ramOctets ?? 0} octets of memory`
  return lab.end('succeeded', summary, [
    ...lab.stages(),
    ...defences(lab),
    ...statuses(lab),
    ...found,
    ...login.slice(0, 2),
  ])
}

/** The guest is moved to and fro until its client feels it. */
export const needlessMigrations: Drill = (parts) => {
  const lab = new RackLab(parts, 'access')
  const before = harmOf(lab)
  lab.byHand('needless-migrations')
  const during = harmOf(lab)
  const moves = lab.rows('migration-status').filter(({ status }) => status === 'completed').length
  if (moves < MOVES_MIN) return refused(lab)
  const gap = (ns: number): string => `${(ns / 1e6).toFixed(1)} ms`
  const summary =
    `${moves} moves in ${SPAN_NS / 1e9} s: ${during.migrationOctets} octets of the network, ` +
    `and the client waited up to ${gap(during.longestGapNs)} for an answer (before: ${gap(before.longestGapNs)})`
  const verdict = during.longestGapNs > 2 * before.longestGapNs ? 'succeeded' : 'residual'
  return lab.end(verdict, summary, [...lab.stages(), ...statuses(lab)])
}

interface Harm {
  readonly longestGapNs: number
  readonly migrationOctets: number
}

/** What the client and the source's cable saw in a while from now on. */
function harmOf(lab: RackLab): Harm {
  const fromNs = lab.session.nowNs
  lab.session.runUntil(fromNs + SPAN_NS)
  let last = fromNs
  let longestGapNs = 0
  for (const { replyNs, lost } of lab.rows('probe')) {
    if (lost === 1 || replyNs < fromNs) continue
    longestGapNs = Math.max(longestGapNs, replyNs - last)
    last = replyNs
  }
  longestGapNs = Math.max(longestGapNs, lab.session.nowNs - last)
  const migrationOctets = lab
    .rows('link-traffic')
    .filter(({ link, atNs }) => link === 'host-a' && atNs >= fromNs)
    .reduce((sum, row) => sum + row.migrationOctets, 0)
  return { longestGapNs, migrationOctets }
}

/** Why the monitor, or the source, did not do it. */
function refused(lab: RackLab): DrillRun {
  const asked = lab.rows('attack-stage').filter(({ stage }) => stage === 'ask')
  const said = asked.find(({ text }) => QMP_ERROR.test(text)) ?? asked.at(-1)
  const run = lab.session.world.lastRun()
  const host = lab.session.world.liveVm()?.hostName ?? 'no host'
  const end =
    run === undefined ? (said?.text ?? 'nothing came of it') : `${run.status} over ${run.channel}: ${run.cause}`
  return lab.end('stopped', `${end}; the guest stays on ${host}`, [...lab.stages(), ...defences(lab), ...statuses(lab)])
}

function defences(lab: RackLab): DrillEvidence[] {
  return lab.evidence('host-defence', ({ host, defence }) => `${host} has ${defence}`)
}

const statuses = (lab: RackLab): DrillEvidence[] =>
  lab.evidence(
    'migration-status',
    ({ migration, status, cause }) => `migration ${migration}: ${status}${cause === '' ? '' : `, ${cause}`}`,
  )
