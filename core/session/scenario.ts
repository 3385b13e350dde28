/** What a session starts from: the hosts, the network between them, the guest, and who watches. */
import { microseconds, milliseconds, type Nanos } from '../base/units.js'

export type ChannelName = 'none' | 'nacl' | 'ssh'
export const channelNames: readonly ChannelName[] = ['none', 'nacl', 'ssh']
export type Strategy = 'precopy' | 'stop-and-copy'
export const strategies: readonly Strategy[] = ['precopy', 'stop-and-copy']

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
}

export interface Scenario {
  readonly guest: GuestScenario
  readonly coresPerHost: number
  readonly hostRamOctets: number
  /** Bits a second and one-way delay of every link but the attacker's, which carries both directions of a mirrored one. */
  readonly bandwidthBps: number
  readonly latencyNs: Nanos
  /** The client asks the guest this often. */
  readonly probeIntervalNs: Nanos
  readonly migration: MigrationScenario
}

export interface MigrationScenario {
  readonly strategy: Strategy
  readonly channel: ChannelName
  readonly downtimeLimitNs: Nanos
  /** Octets a second, enforced in 100 ms windows as QEMU does; 0 is no limit. */
  readonly maxBandwidth: number
  readonly roundsMax: number
}

/** QEMU's and libvirt's defaults where they have one (migration/options.c), else a small lab network. */
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
  },
  coresPerHost: 4,
  hostRamOctets: 4 * 1024 ** 3,
  bandwidthBps: 1e9,
  latencyNs: microseconds(100),
  probeIntervalNs: milliseconds(2),
  migration: {
    strategy: 'precopy',
    channel: 'none',
    downtimeLimitNs: milliseconds(300),
    maxBandwidth: 128 * 1024 ** 2,
    roundsMax: 30,
  },
}
