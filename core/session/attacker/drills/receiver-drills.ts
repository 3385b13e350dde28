/** Attacks on the program that receives a migration. */
import type { ExploitName } from '../../../attack/module/restore-exploits.js'
import type { Drill } from './drill.js'
import { InputError } from '../../../base/errors.js'
import { seconds } from '../../../base/units.js'
import { ReceiverLab } from './receiver-lab.js'

/** The host has been asked for all of its memory, for longer than it waits for anybody. */
const HELD_NS = seconds(6)
const HELD_COUNT = 16
const MOVE_PATIENCE_NS = seconds(30)

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

/** Migrations that never end are begun; then a guest is to be moved to that host. */
export const heldMigrations =
  (pace: string): Drill =>
  (parts) => {
    const lab = new ReceiverLab(parts)
    const { session } = lab
    session.do({ kind: 'boot' })
    const sealed = parts.configuration.startsWith('sealed') ? ' -tls host-a' : ''
    lab.attacker(`slowloris -n ${HELD_COUNT}${pace}${sealed} host-b`, HELD_NS)
    try {
      session.do({ kind: 'migrate' })
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      return lab.end('succeeded', `no guest can be moved there: ${error.message}`)
    }
    session.runWhile(({ isMigrating }) => isMigrating, MOVE_PATIENCE_NS)
    const run = session.world.lastRun()
    return lab.end('stopped', `the guest was moved all the same: migration ${run?.status ?? 'none'}`)
  }
