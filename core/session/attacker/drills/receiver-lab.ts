/** A host that lets migrations in, with two guests of other tenants on it; the attacker is at an ordinary port of the segment. */
import type { Verdict } from '../../../attack/catalogue/attack-definition.js'
import type { ConfigurationName } from '../../../attack/catalogue/configurations.js'
import type { ByteStream } from '../../../base/byte-stream.js'
import { assert } from '../../../base/errors.js'
import { hexOf, latin1Octets } from '../../../base/octets.js'
import { seconds, type Nanos } from '../../../base/units.js'
import type { Host } from '../../../hypervisor/host.js'
import { receiverFixNames, type ReceiverFix } from '../../../hypervisor/vulnerable-receiver/fixes.js'
import { programLayout } from '../../../hypervisor/vulnerable-receiver/program-layout.js'
import type { ReceiverOptions } from '../../../hypervisor/vulnerable-receiver/receiver.js'
import { RELOCATION_PORT } from '../../../hypervisor/wire/restore-stream.js'
import type { Kernel } from '../../../kernel/kernel.js'
import type { RandomStream } from '../../../kernel/random.js'
import type { TimedRow, TraceKind } from '../../../kernel/trace-tables.js'
import { HART_HZ, RAM_BLOCK } from '../../../machine/machine.js'
import { RAM_OCTETS_MIN } from '../../../machine/ram.js'
import { TlsServerChannel } from '../../../secure/tls-channel.js'
import type { GuestPlace } from '../../guest-desk.js'
import type { LabAuthority } from '../../lab-authority.js'
import { places } from '../../rack.js'
import { RelocationPort, type RelocationHost } from '../../relocation-port.js'
import { defaultScenario } from '../../scenario.js'
import { Session } from '../../session.js'
import type { DrillEvidence, DrillOutcome, DrillParts, DrillRun } from './drill.js'

const TENANTS = [
  { name: 'shop', mac: Uint8Array.of(0x52, 0x54, 0, 0x10, 0, 1) },
  { name: 'clinic', mac: Uint8Array.of(0x52, 0x54, 0, 0x10, 0, 2) },
] as const
const TOKEN_OCTETS = 16
/** Addresses that are chosen anew have so many places, a page apart. */
const SLIDES = 256

const fixesOf: Readonly<Partial<Record<ConfigurationName, readonly ReceiverFix[]>>> = {
  'batch-check': ['batch-check'],
  'free-list-check': ['free-list-check'],
  'index-check': ['index-check'],
  'length-check': ['length-check'],
  'all-fixes': receiverFixNames,
}

export class ReceiverLab {
  readonly session: Session
  /** What is in page 0 of each tenant's memory, and nobody else's business. */
  readonly secrets: readonly string[]
  /** What hosts prove themselves with. */
  readonly authority: LabAuthority

  constructor({ configuration, seed, image }: DrillParts) {
    const scenario = { ...defaultScenario, attackerPosition: 'access' as const }
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
    const tenantsHost = new TenantsHost(kernel, place.host, this.authority, configuration)
    place.stack.listen(RELOCATION_PORT, new RelocationPort(kernel, tenantsHost))
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
    const runs = this.rows('receiver-run').map(({ atNs, host, event, routine, detail }) => ({
      atNs,
      text: `${host}, ${event} in ${routine}: ${detail}`,
    }))
    return [...stages, ...runs].toSorted((a, b) => a.atNs - b.atNs)
  }

  end(verdict: Verdict, summary: string): DrillRun {
    const { attacker, rack } = this.session.world
    const { framesSent, octetsSent } = attacker
    const outcome: DrillOutcome = { verdict, summary, evidence: this.evidence(), framesSent, octetsSent }
    return { outcome, trace: this.session.trace, capture: rack.tap }
  }
}

/** What the receiver's processes have of their host. */
class TenantsHost implements RelocationHost {
  private readonly random: RandomStream

  constructor(
    private readonly kernel: Kernel,
    private readonly host: Host,
    private readonly authority: LabAuthority,
    private readonly configuration: ConfigurationName,
  ) {
    this.random = kernel.random(`${host.name}/receiver`)
  }

  get name(): string {
    return this.host.name
  }

  get guestNames(): readonly string[] {
    return this.host.allVms().map(({ name }) => name)
  }

  guestPage(name: string, page: number): Uint8Array | null {
    const memory = this.host.vm(name)?.memory.find((block) => block.name === RAM_BLOCK)?.memory
    if (memory === undefined || !Number.isInteger(page) || page < 0 || page >= memory.pageCount) return null
    return memory.page(page).slice()
  }

  receiverOptions(): ReceiverOptions {
    const { configuration, random } = this
    const slide = (): number => (configuration === 'random-addresses' ? 1 + random.below(SLIDES) : 0)
    return {
      layout: programLayout({ code: slide(), heap: slide(), stack: slide(), mapped: slide() }),
      fixes: new Set(fixesOf[configuration] ?? []),
      canary: configuration === 'stack-canary' ? random.u32() : null,
      checksRedZones: false,
      mappedPages: this.guestNames.map((name) => this.guestPage(name, 0) ?? new Uint8Array(0)),
    }
  }

  secured(lower: ByteStream): ByteStream {
    const { authority, configuration, kernel, name: hostName } = this
    if (configuration !== 'sealed' && configuration !== 'sealed-any-certificate') return lower
    const client =
      configuration === 'sealed'
        ? { clientTrust: authority.trust(), clientName: places.hostA.name }
        : { clientTrust: 'any' as const }
    const { cores } = this.host
    const server = { lower, cores, hostName, random: this.random, identity: authority.identityOf(hostName) }
    return new TlsServerChannel(kernel, { ...server, ...client })
  }
}
