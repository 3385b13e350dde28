/** The channels a migration can choose from, and one way to open any of them. */
import type { ByteStream } from '../base/byte-stream.js'
import { assert } from '../base/errors.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import type { ChannelRole, RandomOctets } from './channel.js'
import { costTables } from './cost-tables.js'
import { costsOf, type CostTable } from './costs.js'
import { NaclChannel, naclProtection, type NaclCredentials } from './nacl-channel.js'
import { MIGRATION_PORT, SSH_PORT, type ChannelProtection } from './protection.js'
import { SshClientTunnel, sshProtection, SshServerTunnel } from './ssh-tunnel.js'
import type { SshClientCredentials, SshServerCredentials } from './ssh/connection.js'

export const channelNames = ['none', 'nacl', 'ssh'] as const
export type ChannelName = (typeof channelNames)[number]

export { MIGRATION_PORT, SSH_PORT, type ChannelProtection }

const clearProtection: ChannelProtection = Object.freeze({
  title: 'In clear',
  port: MIGRATION_PORT,
  hidesContent: false,
  hidesRepetition: false,
  protectsIntegrity: false,
  authenticates: 'nobody',
  refusesDowngrade: true,
  hasForwardSecrecy: false,
  keyBits: null,
  stillShows: ['everything'],
})

/** Long-term keys of one end, for every channel it may be asked for. */
export interface ChannelCredentials {
  readonly nacl?: NaclCredentials
  readonly sshClient?: SshClientCredentials
  readonly sshServer?: SshServerCredentials
}

export interface ChannelEnd {
  readonly role: ChannelRole
  /** An open or opening connection to the other host. The channel takes it over. */
  readonly lower: ByteStream
  readonly credentials: ChannelCredentials
  readonly cores: HostCores
  readonly hostName: string
  readonly random: RandomOctets
  /** In the trace, and the name of the lane; the channel's name if absent. */
  readonly channelName?: string
  /** What cryptography costs this host; this program's own libraries if absent. */
  readonly costTable?: CostTable
}

type PricedEnd = ChannelEnd & { readonly costTable: CostTable }

/** One way of protecting a migration. */
interface Channel {
  readonly protection: ChannelProtection
  readonly open: (kernel: Kernel, end: PricedEnd, credentials: ChannelCredentials) => ByteStream
}

const channels: Readonly<Record<ChannelName, Channel>> = {
  none: { protection: clearProtection, open: (_kernel, { lower }) => lower },
  nacl: {
    protection: naclProtection,
    open: (kernel, end, { nacl }) => {
      const costs = costsOf(end.costTable, 'xsalsa20-poly1305')
      return new NaclChannel(kernel, { ...end, costs, ...needed(nacl, 'the nacl channel') })
    },
  },
  ssh: {
    protection: sshProtection,
    open: (kernel, end, { sshClient, sshServer }) => {
      const costs = costsOf(end.costTable, 'chacha20-poly1305')
      return end.role === 'client'
        ? new SshClientTunnel(kernel, { ...end, costs, ...needed(sshClient, 'the ssh client') })
        : new SshServerTunnel(kernel, { ...end, costs, ...needed(sshServer, 'the ssh server') })
    },
  },
}

/** Both ends must be opened with the same name. With 'none' the lower stream itself comes back. */
export function openChannel(name: ChannelName, kernel: Kernel, end: ChannelEnd): ByteStream {
  return channels[name].open(kernel, { costTable: costTables.libraries, ...end }, end.credentials)
}

export function protectionOf(name: ChannelName): ChannelProtection {
  return channels[name].protection
}

function needed<T>(credentials: T | undefined, who: string): T {
  assert(credentials !== undefined, `${who} needs its keys`)
  return credentials
}
