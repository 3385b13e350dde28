/** What a session starts from: the hosts, the network between them, the guest, and who watches. */
import type { AttackerPosition } from '../attack/catalogue/attack-definition.js'
import { InputError } from '../base/errors.js'
import { microseconds, milliseconds, PAGE_OCTETS, seconds, type Nanos } from '../base/units.js'
import { RAM_OCTETS_MAX, RAM_OCTETS_MIN } from '../machine/ram.js'
import {
  DEFAULT_MIGRATION_PARAMETERS,
  strategies,
  type MigrationParameters,
  type MigrationStrategy,
  includesPostcopy,
} from '../migration/migration.js'
import { channelNames, peerChecks, type ChannelName, type PeerCheck } from '../secure/channels.js'
import { destinationCpus, hostCpus, type DestinationCpu, type HostCpu } from '../secure/cost-tables.js'
import type { CostTable } from '../secure/costs.js'

import { DEFAULT_SHAPING, type ShapingParameters } from '../secure/shaping/shaping.js'
import { hypervisorNames, type HypervisorName } from '../hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../hypervisor/profiles/profiles.js'
import type { CongestionControlName } from '../net/tcp/congestion-control.js'
import type { GuestOptions } from './guest-options.js'
import { checkLinkConditions, type LinkConditions } from './link-conditions.js'
import { migrationProblem, type MigrationSetting } from './migration-problem.js'

export {
  channelNames,
  peerChecks,
  destinationCpus,
  hostCpus,
  strategies,
  type ChannelName,
  type HostCpu,
  type MigrationStrategy,
}

export interface GuestScenario {
  readonly name: string
  /** A guest image in labs/guests. */
  readonly image: string
  readonly ramOctets: number
  readonly address: string
  /** Octets of RAM the guest fills with non-zero data when it boots. */
  readonly fillOctets: number
  readonly workingSetPages: number
  readonly dirtyPagesPerSecond: number
  /** False: a guest in which there is nothing to find. */
  readonly hasSecrets: boolean
  /** Its machine is QEMU's board to the last device, for a stream that a real QEMU is to save again (docs/decisions/0006). */
  readonly qemuBoard: boolean
  /** Octets of its disk: whole blocks of 64 KiB; 0 for none. */
  readonly diskOctets: number
  /** Those the image has (guest-options.ts); its own defaults for the rest. */
  readonly options: Partial<GuestOptions>
}

/** What hosts are set up against. */
export interface HostDefences {
  /** Monitors answer on the host itself alone, as on QEMU's UNIX sockets, and not in the network. */
  readonly closedMonitors: boolean
  /** Guests are sent to the lab's own hosts and to no other address. */
  readonly listedDestinations: boolean
  /** The frames of its cable are looked through for signs of an intruder. */
  readonly intruderWatch: boolean
}

/** In the trace. */
export const hostDefenceNames = {
  closedMonitors: 'closed-monitors',
  listedDestinations: 'listed-destinations',
  intruderWatch: 'intruder-watch',
} as const satisfies Record<keyof HostDefences, string>

export interface Scenario {
  /** The hypervisor of both hosts. */
  readonly profile: HypervisorName
  readonly guest: GuestScenario
  readonly coresPerHost: number
  readonly hostRamOctets: number
  /** Bits a second and one-way delay of every link but the attacker's, which carries both directions of a mirrored one. */
  readonly bandwidthBps: number
  readonly latencyNs: Nanos
  /** What cables do beside that, by the name of the place they lead to; nothing unless told. */
  readonly links: Readonly<Partial<Record<LinkName, Partial<LinkConditions>>>>
  /** How the hosts' TCP reacts to loss. */
  readonly tcp: TcpScenario
  readonly attackerPosition: AttackerPosition
  readonly hostDefences: HostDefences
  /** The client asks the guest this often. */
  readonly probeIntervalNs: Nanos
  readonly migration: MigrationScenario
  /** What cryptography costs hosts of `hostCpu: measured`. */
  readonly measuredCosts?: CostTable
}

export const congestionControls = ['cubic', 'newreno'] as const satisfies readonly CongestionControlName[]

export interface TcpScenario {
  readonly congestionControl: CongestionControlName
  /** Selective acknowledgments. */
  readonly hasSack: boolean
  /** SYNs that find no room are answered with a cookie (RFC 4987): false. */
  readonly synCookies?: boolean
}

/** Cables have the names of the places they lead to. */
export const linkNames = ['host-a', 'host-b', 'client', 'mallory'] as const
export type LinkName = (typeof linkNames)[number]

export interface MigrationScenario extends MigrationParameters, ShapingParameters {
  readonly channel: ChannelName
  /** What the hosts seal and open with, for the core time it takes, and for what vMotion can. */
  readonly hostCpu: HostCpu
  /** Where the host that it goes to differs from the one that it leaves. */
  readonly destinationCpu: DestinationCpu
  /** Of a host key under SSH, and of a certificate under TLS. */
  readonly peerCheck: PeerCheck
}

/** A small lab network; for a migration, QEMU's defaults. */
export const defaultScenario: Scenario = {
  guest: {
    name: 'web',
    image: 'shell',
    ramOctets: 16 * 1024 ** 2,
    address: '10.0.0.80',
    fillOctets: 8 * 1024 ** 2,
    workingSetPages: 256,
    dirtyPagesPerSecond: 2000,
    hasSecrets: true,
    qemuBoard: false,
    diskOctets: 0,
    options: {},
  },
  profile: 'kvm',
  coresPerHost: 4,
  hostRamOctets: 4 * 1024 ** 3,
  bandwidthBps: 1e9,
  latencyNs: microseconds(100),
  links: {},
  tcp: { congestionControl: 'cubic', hasSack: true },
  attackerPosition: 'mirror',
  hostDefences: { closedMonitors: false, listedDestinations: false, intruderWatch: false },
  probeIntervalNs: milliseconds(2),
  migration: {
    ...DEFAULT_MIGRATION_PARAMETERS,
    ...DEFAULT_SHAPING,
    channel: 'none',
    hostCpu: 'libraries',
    destinationCpu: 'same',
    peerCheck: 'strict',
  },
}

/** What of a scenario is out of bounds: the setting by the name of the command line's option, and why. */
export interface ScenarioProblem {
  readonly setting:
    'ram' | 'fill' | 'disk' | 'working-set' | 'dirty-rate' | 'bandwidth' | 'latency' | 'profile' | MigrationSetting
  readonly reason: string
}

const DIRTY_PAGES_PER_SECOND_MAX = 1e6
const DISK_OCTETS_MAX = 64 * 1024 ** 2
const DISK_BLOCK_OCTETS = 64 * 1024

const isWithin = (value: number, min: number, max: number): boolean => value >= min && value <= max

/** The first setting that cannot be used, or null. */
export function scenarioProblem({
  profile,
  guest,
  bandwidthBps,
  latencyNs,
  migration,
  measuredCosts,
}: Scenario): ScenarioProblem | null {
  const { ramOctets, fillOctets } = guest
  if (!hypervisorNames.includes(profile))
    return { setting: 'profile', reason: `${String(profile)}: choose one of ${hypervisorNames.join(', ')}` }
  if (!isWithin(ramOctets, RAM_OCTETS_MIN, RAM_OCTETS_MAX) || ramOctets % PAGE_OCTETS !== 0)
    return { setting: 'ram', reason: `${ramOctets} octets: choose whole pages of 4 KiB, from 1MiB to 1GiB` }
  if (!isWithin(fillOctets, 0, ramOctets))
    return { setting: 'fill', reason: `${fillOctets} octets do not fit a guest of ${ramOctets}` }
  if (!isWithin(guest.diskOctets, 0, DISK_OCTETS_MAX) || guest.diskOctets % DISK_BLOCK_OCTETS !== 0)
    return { setting: 'disk', reason: `${guest.diskOctets} octets: choose whole blocks of 64 KiB, up to 64MiB` }
  if (!isWithin(latencyNs, 0, seconds(1)))
    return { setting: 'latency', reason: `${latencyNs / 1e6} ms: choose a one-way delay from 0us to 1s` }
  for (const [setting, cpu] of [
    ['host-cpu', migration.hostCpu],
    ['destination-cpu', migration.destinationCpu],
  ] as const)
    if (cpu === 'measured' && measuredCosts === undefined)
      return { setting, reason: 'measured, but no table was given: midstream calibrate makes one' }
  return (
    workloadProblem(guest) ??
    bandwidthProblem(bandwidthBps) ??
    migrationProblem(migration) ??
    profileProblem(profile, migration)
  )
}

/** What the hypervisor cannot do, or null. */
export function profileProblem(profile: HypervisorName, migration: MigrationScenario): ScenarioProblem | null {
  const { title, features, encryption } = profiles[profile]
  const { channel, strategy, xbzrle, compression, multifdChannels, copyStorage } = migration
  if (encryption === 'required' && channel === 'none')
    return { setting: 'channel', reason: `${title} moves it sealed or not at all: choose another channel than none` }
  const refuse = (setting: MigrationSetting, what: string): ScenarioProblem => ({
    setting,
    reason: `${title} has no ${what}`,
  })
  if (!features.postcopy && includesPostcopy(strategy)) return refuse('strategy', 'post-copy')
  if (!features.xbzrle && xbzrle) return refuse('xbzrle', 'XBZRLE')
  if (!features.compression && compression !== 'none') return refuse('compression', 'compression')
  if (!features.blockMigration && copyStorage) return refuse('copy-storage', 'disk in its migration stream')
  return !features.multifd && multifdChannels > 0 ? refuse('multifd-channels', 'multifd') : null
}

export function workloadProblem({
  ramOctets,
  workingSetPages,
  dirtyPagesPerSecond,
}: Pick<GuestScenario, 'ramOctets' | 'workingSetPages' | 'dirtyPagesPerSecond'>): ScenarioProblem | null {
  const pagesMax = ramOctets / PAGE_OCTETS
  if (!isWithin(workingSetPages, 0, pagesMax) || !Number.isInteger(workingSetPages))
    return { setting: 'working-set', reason: `${workingSetPages} pages do not fit a guest of ${pagesMax} pages` }
  if (!isWithin(dirtyPagesPerSecond, 0, DIRTY_PAGES_PER_SECOND_MAX))
    return { setting: 'dirty-rate', reason: `${dirtyPagesPerSecond} pages a second: choose from 0 to 1000000` }
  return null
}

export function bandwidthProblem(bandwidthBps: number): ScenarioProblem | null {
  if (isWithin(bandwidthBps, 1e5, 1e12) && Number.isInteger(bandwidthBps)) return null
  return { setting: 'bandwidth', reason: `${bandwidthBps} bit/s: choose from 100kbit to 1000Gbit, in whole bits` }
}

/** Throws `InputError`. */
export function checkLinks(links: Scenario['links']): void {
  for (const [name, conditions] of Object.entries(links)) {
    checkLinkName(name)
    checkLinkConditions(conditions)
  }
}

/** Throws `InputError`. */
export function checkLinkName(name: string): asserts name is LinkName {
  if (!(linkNames as readonly string[]).includes(name))
    throw new InputError(`there is no cable to ${name}; there are: ${linkNames.join(', ')}`)
}

/** Throws `InputError` when there is a problem. */
export function refuseProblem(problem: ScenarioProblem | null): void {
  if (problem !== null) throw new InputError(`${problem.setting.replaceAll('-', ' ')}: ${problem.reason}`)
}
