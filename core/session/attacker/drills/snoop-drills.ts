/** Listening: what a capture alone gives. */
import type { AttackerPosition } from '../../../attack/catalogue/attack-definition.js'

import type { Drill } from './drill.js'
import { RackLab } from './rack-lab.js'

export const snoopAt =
  (position: AttackerPosition): Drill =>
  (parts) => {
    const lab = new RackLab(parts, position)
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
    return lab.end('stopped', 'nothing of the migration came to the attacker’s port', [])
  }
