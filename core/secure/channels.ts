/** The channels a migration can choose from, and one way to open any of them. */
import type { ByteStream } from '../base/byte-stream.js'
import { assert } from '../base/errors.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import type { ChannelRole, RandomOctets } from './channel.js'
import { espProtection, espTunnelProtection } from './esp/esp-protection.js'
import type { EspMode } from './esp/security-policies.js'
import { costTables } from './cost-tables.js'
import { costsOf, type CipherName, type CostTable } from './costs.js'
import { NaclChannel, naclProtection, type NaclCredentials } from './nacl-channel.js'
import { MIGRATION_PORT, SSH_PORT, type ChannelProtection } from './protection.js'
import { recordChannelNames, recordSuites, type RecordChannelName } from './wire/records.js'
import { RecordChannel, recordProtections } from './records/record-channel.js'
import type { RecordCredentials } from './records/record-protocol.js'
import type { SshCipher } from './ssh/packet-cipher.js'
import type { TlsPsk } from './tls/connection.js'
import { SshClientTunnel, sshProtection, SshServerTunnel } from './ssh-tunnel.js'
import type { SshClientCredentials, SshServerCredentials } from './ssh/connection.js'
import {
  bestTlsCipher,
  TlsClientChannel,
  tlsProtection,
  tlsPskProtection,
  TlsServerChannel,
  type TlsClientCredentials,
  type TlsServerCredentials,
} from './tls-channel.js'
import {
  VmotionChannel,
  vmotionChannelNames,
  vmotionProtections,
  type VmotionChannelName,
  type VmotionCredentials,
} from './vmotion-channel.js'

export const channelNames = [
  'none',
  'nacl',
  'ssh',
  'ssh-aes-gcm',
  'tls',
  'tls-psk',
  ...recordChannelNames,
  'esp',
  'esp-tunnel',
  ...vmotionChannelNames,
] as const
export type ChannelName = (typeof channelNames)[number]

/** Whether a source holds who answers against what it knows of him; `skip` is the mistake of taking anybody. */
export const peerChecks = ['strict', 'skip'] as const
export type PeerCheck = (typeof peerChecks)[number]

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
  readonly tlsClient?: TlsClientCredentials
  readonly tlsServer?: TlsServerCredentials
  /** Both ends alike; the name is the server's. */
  readonly tlsPsk?: { readonly serverName: string; readonly psk: TlsPsk }
  readonly records?: RecordCredentials
  readonly vmotion?: VmotionCredentials
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

function recordChannel(name: RecordChannelName): Channel {
  return {
    protection: recordProtections[name],
    open: (kernel, end, { records }) =>
      new RecordChannel(kernel, name, {
        ...end,
        costs: costsOf(end.costTable, recordSuites[name].cipher),
        ...needed(records, `the ${name} channel`),
      }),
  }
}

/** Without `only`, both ends offer every cipher, and agree on the first. */
function sshChannel(channelName: ChannelName, cipher: CipherName, only?: SshCipher): Channel {
  return {
    protection: sshProtection,
    open: (kernel, end, { sshClient, sshServer }) => {
      const place = {
        channelName,
        ...end,
        ...(only !== undefined && { ciphers: [only] }),
        costs: costsOf(end.costTable, cipher),
      }
      return end.role === 'client'
        ? new SshClientTunnel(kernel, { ...place, ...needed(sshClient, 'the ssh client') })
        : new SshServerTunnel(kernel, { ...place, ...needed(sshServer, 'the ssh server') })
    },
  }
}

function vmotionChannel(name: VmotionChannelName): Channel {
  return {
    protection: vmotionProtections[name],
    open: (kernel, end, { vmotion }) =>
      new VmotionChannel(kernel, name, {
        ...end,
        costs: costsOf(end.costTable, 'aes-256-gcm'),
        ...needed(vmotion, `the ${name} channel`),
      }),
  }
}

const channels: Readonly<Record<ChannelName, Channel>> = {
  ...(Object.fromEntries(recordChannelNames.map((name) => [name, recordChannel(name)])) as Record<
    RecordChannelName,
    Channel
  >),
  none: { protection: clearProtection, open: (_kernel, { lower }) => lower },
  nacl: {
    protection: naclProtection,
    open: (kernel, end, { nacl }) => {
      const costs = costsOf(end.costTable, 'xsalsa20-poly1305')
      return new NaclChannel(kernel, { ...end, costs, ...needed(nacl, 'the nacl channel') })
    },
  },
  ssh: sshChannel('ssh', 'chacha20-poly1305'),
  'ssh-aes-gcm': sshChannel('ssh-aes-gcm', 'aes-256-gcm', 'aes256-gcm@openssh.com'),
  tls: {
    protection: tlsProtection,
    open: (kernel, end, { tlsClient, tlsServer }) => {
      const costs = costsOf(end.costTable, bestTlsCipher({}))
      return end.role === 'client'
        ? new TlsClientChannel(kernel, { ...end, costs, ...needed(tlsClient, 'the tls client') })
        : new TlsServerChannel(kernel, { ...end, costs, ...needed(tlsServer, 'the tls server') })
    },
  },
  'tls-psk': {
    protection: tlsPskProtection,
    open: (kernel, end, { tlsPsk }) => {
      const { serverName, psk } = needed(tlsPsk, 'tls')
      // RFC 8446 section 4.2.11: the key goes with a hash, and ours with SHA-256.
      const cipherSuites = ['TLS_AES_128_GCM_SHA256'] as const
      const place = {
        channelName: 'tls-psk',
        ...end,
        cipherSuites,
        costs: costsOf(end.costTable, bestTlsCipher({ cipherSuites })),
      }
      return end.role === 'client'
        ? new TlsClientChannel(kernel, { ...place, serverName, psk })
        : new TlsServerChannel(kernel, { ...place, psks: [psk] })
    },
  },
  'vmotion-opportunistic': vmotionChannel('vmotion-opportunistic'),
  'vmotion-required': vmotionChannel('vmotion-required'),
  // Below TCP: the hosts' stacks do it (core/secure/esp).
  esp: { protection: espProtection, open: (_kernel, { lower }) => lower },
  'esp-tunnel': { protection: espTunnelProtection, open: (_kernel, { lower }) => lower },
}

/** How packets are sealed under a channel that is below TCP; null for those that are above it. */
export function espModeOf(name: ChannelName): EspMode | null {
  return name === 'esp' ? 'transport' : name === 'esp-tunnel' ? 'tunnel' : null
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
