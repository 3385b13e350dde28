/**
 * A man in the middle who cannot read what passes, and knows what must be where: he has the same machine at home, and looks there
 * at which octet of the stream the guest's program has its parts.
 */
import { LOGIN_BRANCH, LOGIN_PATCH } from '../../../attack/catalogue/data-plane.js'
import { findPattern, parsePattern } from '../../../attack/middle/octet-pattern.js'
import { hexOf } from '../../../base/octets.js'
import { milliseconds } from '../../../base/units.js'
import { FOOTER_OCTETS } from '../../../migration/wire/qevm.js'
import { SilentObserver } from '../../../migration/wire/stream-observer.js'
import { StreamReader } from '../../../migration/wire/stream-reader.js'
import { RECORD_OCTETS_MAX } from '../../../secure/wire/records.js'
import type { Drill, DrillParts, DrillRun } from './drill.js'
import { shown, stopped } from './middle-drills.js'
import { RackLab } from './rack-lab.js'

const BLOCK_OCTETS = 16
/** A text of the guest's program, and how far before it another one lies that is pasted over its middle. */
const REFUSAL = 'Login incorrect'
const PASTED_FROM = 8 * BLOCK_OCTETS

/** He is in place, with a filter, before the guest is moved. */
function interposed(parts: DrillParts, filter: string): RackLab {
  const lab = new RackLab(parts, 'access')
  lab.attacker(filter, 'ettercap host-a host-b')
  lab.wait(milliseconds(500))
  return lab
}

/** The stream of a migration of the same machine, at home: other secrets, the same program. */
function practiceStream(parts: DrillParts): Uint8Array {
  const home = new RackLab({ ...parts, configuration: 'vulnerable', seed: `${parts.seed} at home` }, 'mirror')
  home.session.world.guestDesk.evidence = { hashRam: false, recordStream: true }
  home.migrate()
  return home.session.world.crossing?.recording?.recorded() ?? new Uint8Array(0)
}

/** The first record of a migration has its opening: all that comes before the first round (core/migration/wire/qevm.ts). */
function openingOctets(stream: Uint8Array): number {
  const opening = new OpeningEnd()
  const reader = new StreamReader(opening, { unknownDevices: 'recover', stopsAfterRecords: true })
  for (let at = 0; at < stream.length && !opening.isOver; at++) reader.push(stream.subarray(at, at + 1))
  return reader.octetsRead + FOOTER_OCTETS
}

class OpeningEnd extends SilentObserver {
  isOver = false
  override endOfRecords(): void {
    this.isOver = true
  }
}

/** Where an octet of the payload lies with the padding of the records before it: a block for each full one. */
function paddedPlace(at: number, opening: number): number {
  const padded = Math.floor(opening / BLOCK_OCTETS + 1) * BLOCK_OCTETS
  const behind = at - opening
  return behind < 0 ? at : padded + behind + BLOCK_OCTETS * Math.floor(behind / RECORD_OCTETS_MAX)
}

/** How a change that was made without reading ended, if it did not do what it should. */
function spoilt(lab: RackLab): DrillRun {
  const [compared] = lab.rows('migration-compare')
  if (compared === undefined || compared.ramDifferences === 0) return stopped(lab)
  const summary = `${compared.ramDifferences} octets are spoilt: not what was wanted, and nobody noticed`
  return lab.end('residual', summary, [...lab.stages(), ...differences(lab)])
}

const differences = (lab: RackLab) =>
  lab.evidence('migration-compare', ({ ramDifferences }) => `the copies differ in ${ramDifferences} octets of memory`)

export const middleFlip: Drill = (parts) => {
  const at = findPattern(parsePattern(LOGIN_BRANCH), practiceStream(parts))
  const lab = interposed(parts, `filter flip ${at} ${LOGIN_BRANCH} ${LOGIN_PATCH}`)
  lab.migrate()
  const after = shown(lab.guest('root', 'wrong'), 'Welcome')
  if (after.length === 0) return spoilt(lab)
  const summary = 'bits of the sealed login check were flipped: any password enters'
  return lab.end('succeeded', summary, [...lab.stages(), ...differences(lab), ...after])
}

export const middlePaste: Drill = (parts) => {
  const stream = practiceStream(parts)
  const text = findPattern(parsePattern(`"${REFUSAL}"`), stream)
  const opening = openingOctets(stream)
  // The block that holds the most of it: blocks count from the beginning of a record, and full records are whole blocks.
  const to = opening + Math.floor((text - opening + REFUSAL.length / 2) / BLOCK_OCTETS) * BLOCK_OCTETS
  const from = to - PASTED_FROM
  const place = (at: number): number => (parts.configuration === 'aes-128-ecb' ? paddedPlace(at, opening) : at)
  const pasted = stream.subarray(from, from + BLOCK_OCTETS)
  const lab = interposed(parts, `filter paste ${place(from)} ${place(to)} ${BLOCK_OCTETS}`)
  lab.migrate()
  const found = memoryHas(lab, pasted, stream.subarray(to + BLOCK_OCTETS, to + 3 * BLOCK_OCTETS))
  if (!found) return spoilt(lab)
  const summary = `a block of the guest’s program stands in another one’s place: ${hexOf(pasted)}`
  return lab.end('succeeded', summary, [...lab.stages(), ...differences(lab)])
}

/** Whether the guest that arrived has these octets before those. */
function memoryHas(lab: RackLab, pasted: Uint8Array, then: Uint8Array): boolean {
  const octets = lab.session.world.liveVm()?.machine.ram.octets
  if (octets === undefined) return false
  return findPattern({ octets: [...pasted, ...then] }, octets.subarray(0, 64 * 1024)) >= 0
}

export const middleDowngrade: Drill = (parts) => {
  const lab = RackLab.begun(parts, 'middle-downgrade')
  lab.wait(milliseconds(500))
  if (!lab.channel.startsWith('vmotion'))
    return lab.end('not applicable', 'nothing is offered that could be declined', [])
  lab.migrate()
  const run = lab.session.world.lastRun()
  const found = lab.evidence('finding', ({ kind, name, packet }) => `${kind} ${name}, in packet ${packet}`)
  if (run === undefined || run.ramOctetsRecovered === 0) return stopped(lab)
  const { secretsFound, secretsPlanted, ramOctetsRecovered, ramOctets } = run
  const summary = `went in clear: ${ramOctetsRecovered} of ${ramOctets} octets of memory, ${secretsFound} of ${secretsPlanted} secrets`
  return lab.end('succeeded', summary, [...lab.stages(), ...found])
}
