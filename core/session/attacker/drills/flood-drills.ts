/** Floods: what the victim is there for does not come through. */
import { seconds } from '../../../base/units.js'
import type { Drill } from './drill.js'
import { RackLab } from './rack-lab.js'

/** A migration that has no connection by then is held up. */
const HELD_NS = seconds(20)

export const migrationFlood: Drill = (parts) => {
  const lab = RackLab.begun(parts, 'migration-flood')
  lab.wait(seconds(1))
  lab.session.do({ kind: 'migrate' })
  lab.session.runWhile(({ isMigrating }) => isMigrating, HELD_NS)
  const full = lab.evidence(
    'tcp-backlog',
    ({ host, port, full: isFull }) =>
      `${host}, port ${port}: the queue of half-open connections ${isFull === 1 ? 'is full' : 'has room again'}`,
  )
  const evidence = [...lab.stages(), ...full, ...statuses(lab)]
  const status = lab.session.world.lastRun()?.status ?? 'setup'
  const sent = `${lab.session.world.attacker.framesSent} frames`
  if (status === 'completed') return lab.end('stopped', `the guest was moved all the same, through ${sent}`, evidence)
  const host = lab.session.world.liveVm()?.hostName ?? 'no host'
  const summary = `the migration waits for its connection for ${HELD_NS / 1e9} s (${status}); the guest stays on ${host}`
  return lab.end('succeeded', summary, evidence)
}

const statuses = (lab: RackLab) =>
  lab.evidence('migration-status', ({ migration, status }) => `migration ${migration}: ${status}`)
