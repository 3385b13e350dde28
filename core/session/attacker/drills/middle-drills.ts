/** A man in the middle, and what he changes of a migration that passes. */
import { milliseconds } from '../../../base/units.js'
import type { Drill, DrillEvidence, DrillParts, DrillRun } from './drill.js'
import { RackLab } from './rack-lab.js'

/** He is in place before the guest is moved, as a person would put him there. */
function interposed(parts: DrillParts, name: string): RackLab {
  const lab = RackLab.begun(parts, name)
  lab.wait(milliseconds(500))
  return lab
}

/** What kept him from changing anything. */
export function stopped(lab: RackLab): DrillRun {
  const dropped = lab.evidence(
    'arp-inspection',
    ({ device, fault, senderAddress, senderMac }) =>
      `${device} drops an ARP message: ${senderAddress} at ${senderMac}, ${fault}`,
  )
  if (dropped.length > 0) return lab.end('stopped', 'the switch dropped what was forged', dropped)
  const isBelieved = lab.rows('attack-stage').some(({ stage }) => stage === 'intercept')
  const run = lab.session.world.lastRun()
  const end = `${run?.status ?? 'no'} migration over ${run?.channel ?? 'nothing'}`
  const evidence = [...lab.stages(), ...statuses(lab)]
  if (!isBelieved) {
    const staticArp = lab.evidence('host-defence', ({ host, defence }) => `${host} has ${defence}`)
    const why = staticArp.length > 0 ? 'the hosts did not believe it' : 'nothing of it came by the attacker'
    return lab.end('stopped', `${why}: ${end}`, [...staticArp, ...evidence])
  }
  return lab.end('stopped', `what passed could not be read, so nothing was changed: ${end}`, evidence)
}

function statuses(lab: RackLab): DrillEvidence[] {
  return lab.evidence(
    'migration-status',
    ({ migration, status, cause }) => `migration ${migration}: ${status}${cause === '' ? '' : `, ${cause}`}`,
  )
}

function differences(lab: RackLab): DrillEvidence[] {
  return lab.evidence(
    'migration-compare',
    ({ ramDifferences, deviceDifferences }) =>
      `the copies differ in ${ramDifferences} octets of memory and ${deviceDifferences} device values`,
  )
}

/** What the guest wrote that holds `words`. */
export function shown(lines: ReturnType<RackLab['guest']>, words: string): DrillEvidence[] {
  return lines
    .filter(({ text }) => text.includes(words))
    .map(({ atNs, text }) => ({ atNs, text: `the guest: ${text}` }))
}

export const middleText: Drill = (parts) => {
  const lab = interposed(parts, 'middle-text')
  lab.migrate()
  const proof = shown(lab.guest('root', 'wrong'), 'All yours, Eve!')
  if (proof.length === 0) return stopped(lab)
  return lab.end('succeeded', 'the guest shows the attacker’s words', [...lab.stages(), ...differences(lab), ...proof])
}

export const middleLogin: Drill = (parts) => {
  const lab = new RackLab(parts, 'access')
  const before = shown(lab.guest('root', 'wrong'), 'Login incorrect')
  lab.byHand('middle-login')
  lab.wait(milliseconds(500))
  lab.migrate()
  const after = shown(lab.guest('root', 'wrong'), 'Welcome')
  if (after.length === 0) return stopped(lab)
  const summary = 'a wrong password is refused on host-a, and enters on host-b'
  return lab.end('succeeded', summary, [...before, ...lab.stages(), ...differences(lab), ...after])
}

export const middleRollback: Drill = (parts) => {
  const lab = interposed(parts, 'middle-rollback')
  lab.migrate()
  const [compared] = lab.rows('migration-compare')
  if (compared === undefined || compared.ramDifferences === 0) return stopped(lab)
  const summary = `the guest runs on with ${compared.ramDifferences} octets of memory of an earlier instant`
  return lab.end('succeeded', summary, [...lab.stages(), ...differences(lab)])
}

export const middleSwap: Drill = (parts) => {
  const lab = interposed(parts, 'middle-swap')
  lab.migrate()
  const [compared] = lab.rows('migration-compare')
  if (compared === undefined || compared.ramDifferences === 0) return stopped(lab)
  const summary = 'two pages of the guest’s constants stand in each other’s place'
  return lab.end('succeeded', summary, [...lab.stages(), ...differences(lab)])
}

export const middleDevice: Drill = (parts) => {
  const lab = interposed(parts, 'middle-device')
  lab.guest('alice', lab.passwordOf('alice'))
  const [before] = shown(lab.guest('date'), '20')
  lab.migrate()
  const [after] = shown(lab.guest('date'), '20')
  const compared = lab.rows('migration-compare')[0]
  if (before === undefined || after === undefined || (compared?.deviceDifferences ?? 0) === 0) return stopped(lab)
  const summary = 'the guest’s clock has gone back ten years: what had expired is valid again'
  return lab.end('succeeded', summary, [before, ...lab.stages(), ...differences(lab), after])
}

export const middleTruncate: Drill = (parts) => {
  const lab = interposed(parts, 'middle-truncate')
  lab.migrate()
  const run = lab.session.world.lastRun()
  const host = lab.session.world.liveVm()?.hostName ?? 'no host'
  if (run?.status === 'completed') return stopped(lab)
  const summary = `the migration failed, and the guest goes on on ${host}`
  return lab.end('succeeded', summary, [...lab.stages(), ...statuses(lab)])
}
