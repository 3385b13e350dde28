/** A host that lets migrations in, with two guests of other tenants on it; the attacker is at an ordinary port of the segment. */
import type { Verdict } from '../../../attack/catalogue/attack-definition.js'
import type { ConfigurationName } from '../../../attack/catalogue/configurations.js'
import { assert } from '../../../base/errors.js'
import { hexOf, latin1Octets } from '../../../base/octets.js'
import { seconds, type Nanos } from '../../../base/units.js'
import { receiverFixNames } from '../../../hypervisor/vulnerable-receiver/fixes.js'
import { RELOCATION_PORT } from '../../../hypervisor/wire/restore-stream.js'
import type { TimedRow, TraceKind } from '../../../kernel/trace-tables.js'
import { HART_HZ, RAM_BLOCK } from '../../../machine/machine.js'
import { RAM_OCTETS_MIN } from '../../../machine/ram.js'
import type { GuestPlace } from '../../guest-desk.js'
import { HostReceiver, vulnerableBuild, type ReceiverBuild } from '../../host-receiver.js'
import type { LabAuthority } from '../../lab-authority.js'
import { places } from '../../rack.js'
import { RelocationPort, type ReceiverLimits } from '../../relocation-port.js'
import { defaultScenario } from '../../scenario.js'
import { Session } from '../../session.js'
import type { DrillEvidence, DrillOutcome, DrillParts, DrillRun } from './drill.js'

const TENANTS = [
  { name: 'shop', mac: Uint8Array.of(0x52, 0x54, 0, 0x10, 0, 1) },
  { name: 'clinic', mac: Uint8Array.of(0x52, 0x54, 0, 0x10, 0, 2) },
] as const
const TOKEN_OCTETS = 16
/** Of one event of one routine, as evidence. */
const LIKE_ROWS_MAX = 4
/** Small hosts: there is room for the tenants, the guest of the session, and not much else. */
const HOST_RAM_OCTETS = 64 * 1024 ** 2

export class ReceiverLab {
  readonly session: Session
  /** What is in page 0 of each tenant's memory, and nobody else's business. */
  readonly secrets: readonly string[]
  /** What hosts prove themselves with. */
  readonly authority: LabAuthority

  constructor({ configuration, seed, image }: DrillParts) {
    const scenario = { ...defaultScenario, hostRamOctets: HOST_RAM_OCTETS, attackerPosition: 'access' as const }
    this.session = new Session({ scenario, seed, image: image(scenario.guest.image) })
    const { kernel, guestDesk } = this.session.world
    const place = guestDesk.monitoredHosts[1]?.place as GuestPlace | undefined
    assert(place !== undefined, 'a rack has two hosts')
    const random = kernel.random('tenants')
    this.secrets = TENANTS.map(({ name, mac }) => {
      const vm = place.host.create({ name, mac, ramOctets: RAM_OCTETS_MIN, hartHz: HART_HZ })
      const secret = `${name}: token ${hexOf(random.octets(TOKEN_OCTETS))}`
      vm.memory.find((block) => block.name === RAM_BLOCK)?.memory.write(0, latin1Octets(secret))
      return secret
    })
    this.authority = place.credentials.authority
    const receiver = new HostReceiver(kernel, place.host, buildOf(configuration, this.authority, place.host.name))
    place.stack.listen(RELOCATION_PORT, new RelocationPort(kernel, receiver))
  }

  /** A line typed at the attacker's shell, and time for what comes of it. */
  attacker(line: string, spanNs: Nanos = seconds(2)): void {
    this.session.do({ kind: 'type', console: 'attacker', text: `${line}\r` })
    this.session.runFor(spanNs)
  }

  rows<K extends TraceKind>(kind: K): readonly TimedRow<K>[] {
    return this.session.trace.rows(kind)
  }

  /** What the attacker said of its own progress, and what the receiver's processes went through. */
  evidence(): DrillEvidence[] {
    const stages = this.rows('attack-stage').map(({ atNs, stage, text }) => ({ atNs, text: `${stage}: ${text}` }))
    const seen = new Map<string, number>()
    const runs = this.rows('receiver-run').flatMap(({ atNs, host, event, routine, detail }) => {
      const what = `${host}, ${event} in ${routine}`
      const count = (seen.get(what) ?? 0) + 1
      seen.set(what, count)
      return count > LIKE_ROWS_MAX ? [] : [{ atNs, text: `${what}: ${detail}` }]
    })
    return [...stages, ...runs].toSorted((a, b) => a.atNs - b.atNs)
  }

  end(verdict: Verdict, summary: string): DrillRun {
    const { attacker, rack } = this.session.world
    const { framesSent, octetsSent } = attacker
    const outcome: DrillOutcome = { verdict, summary, evidence: this.evidence(), framesSent, octetsSent }
    return { outcome, trace: this.session.trace, capture: rack.tap }
  }
}

/** How the program is built that receives migrations, against the vulnerable one. */
function buildOf(configuration: ConfigurationName, authority: LabAuthority, host: string): ReceiverBuild {
  const identity = authority.identityOf(host)
  switch (configuration) {
    case 'stack-canary':
      return { ...vulnerableBuild, hasCanary: true }
    case 'random-addresses':
      return { ...vulnerableBuild, hasRandomAddresses: true }
    case 'sealed':
      return {
        ...vulnerableBuild,
        tls: { identity, clientTrust: authority.trust(), clientName: places.hostA.name },
      }
    case 'sealed-any-certificate':
      return { ...vulnerableBuild, tls: { identity, clientTrust: 'any' } }
    case 'idle-timeout':
      return limited({ idleNs: seconds(2) })
    case 'receive-deadline':
      return limited({ deadlineNs: seconds(4) })
    case 'peer-slots':
      return limited({ peerSlots: 2 })
    case 'all-fixes':
      return { ...vulnerableBuild, fixes: receiverFixNames }
    default:
      return { ...vulnerableBuild, fixes: receiverFixNames.filter((fix) => fix === configuration) }
  }
}

function limited(limits: Partial<ReceiverLimits>): ReceiverBuild {
  return { ...vulnerableBuild, limits: { ...vulnerableBuild.limits, ...limits } }
}
