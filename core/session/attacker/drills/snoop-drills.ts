/** Listening: what a capture alone gives. */
import type { AttackerPosition } from '../../../attack/catalogue/attack-definition.js'

import { seconds } from '../../../base/units.js'
import type { Drill, DrillRun } from './drill.js'
import { RackLab } from './rack-lab.js'

export const snoopAt =
  (position: AttackerPosition): Drill =>
  (parts) =>
    listened(new RackLab(parts, position))

/** Two stations that the switch has not learned yet are heard by everybody, and its table has no room to learn them. */
export const snoopFlooding: Drill = (parts) => {
  const lab = RackLab.begun(parts, 'snoop-flood')
  lab.wait(seconds(0.3))
  return listened(lab)
}

function listened(lab: RackLab): DrillRun {
  lab.migrate()
  lab.wait(1e9)
  const run = lab.session.world.lastRun()
  const found = lab.evidence('finding', ({ kind, name, packet }) => `${kind} ${name}, in packet ${packet}`)
  if (run !== undefined && run.ramOctetsRecovered > 0) {
    const { secretsFound, secretsPlanted, ramOctetsRecovered, ramOctets } = run
    const gained = `${ramOctetsRecovered} of ${ramOctets} octets of memory, ${secretsFound} of ${secretsPlanted} secrets`
    return lab.end('succeeded', gained, found)
  }
  const estimates = lab.evidence(
    'traffic-estimate',
    ({ quantity, value, low, high }) => `${quantity} about ${value} (${low} to ${high}), from lengths and times`,
  )
  if (estimates.length > 0)
    return lab.end(
      'residual',
      'nothing could be read; lengths and times still tell what kind of move it was',
      estimates,
    )
  const violations = lab.evidence(
    'port-violation',
    ({ device, switchPort, kind, action }) => `${device}, port ${switchPort}: ${kind}: ${action}`,
  )
  return lab.end('stopped', 'nothing of the migration came to the attacker’s port', [...lab.stages(), ...violations])
}
