/** Attacks on the program that receives a migration. */
import type { ExploitName } from '../../../attack/module/restore-exploits.js'
import type { Drill } from './drill.js'
import { ReceiverLab } from './receiver-lab.js'

export const receiverDrill =
  (exploit: ExploitName): Drill =>
  (parts) => {
    const lab = new ReceiverLab(parts)
    lab.attacker(`xensploit ${exploit} host-b${parts.configuration.startsWith('sealed') ? ' -tls host-a' : ''}`)
    const told = lab.rows('attack-stage').map(({ text }) => text)
    const read = lab.secrets.filter((secret) => told.some((text) => text.includes(secret)))
    const runs = lab.rows('receiver-run')
    const isTaken = runs.some(({ event }) => event === 'taken-over')
    if (read.length > 0) {
      const how = isTaken ? 'the host is taken over' : 'the receiver gave away what it had mapped'
      return lab.end('succeeded', `${how}: memory of ${read.length} of its ${lab.secrets.length} other guests was read`)
    }
    const last = runs.findLast(({ event }) => event !== 'corrupted')
    if (last?.event === 'crashed')
      return lab.end('residual', `the receiving process crashed in ${last.routine}: ${last.detail}`)
    return lab.end('stopped', last === undefined ? 'no receiver was reached' : `${last.event}: ${last.detail}`)
  }
