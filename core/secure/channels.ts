/** The channels a migration can choose from, and one way to open any of them. */
import type { ByteStream } from '../base/byte-stream.js'
import { assert } from '../base/errors.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import type { ChannelRole, RandomOctets } from './channel.js'
import { NaclChannel, type NaclCredentials } from './nacl-channel.js'
import { SshClientTunnel, SshServerTunnel } from './ssh-tunnel.js'
import type { SshClientCredentials, SshServerCredentials } from './ssh/connection.js'

export const channelNames = ['none', 'nacl', 'ssh'] as const
export type ChannelName = (typeof channelNames)[number]

/** TCP ports that carry migrations: QEMU's first under libvirt, and SSH's. */
export const MIGRATION_PORT = 49152
export const SSH_PORT = 22

/** What someone on the path can still do to a channel. Tests do each of these and compare. */
export interface ChannelProtection {
  readonly title: string
  /** TCP port on the destination. */
  readonly port: number
  /** Can an eavesdropper read what is carried? */
  readonly hidesContent: boolean
  /** Can it be changed, cut, repeated or reordered without the reader noticing? */
  readonly protectsIntegrity: boolean
  /** Do the ends know who the other is? */
  readonly authenticates: 'nobody' | 'both'
  /** Does a long-term key stolen later leave earlier captures closed? */
  readonly hasForwardSecrecy: boolean
  /** What an eavesdropper learns all the same. */
  readonly stillShows: readonly string[]
}

export const channelProtections: Readonly<Record<ChannelName, ChannelProtection>> = Object.freeze({
  none: {
    title: 'In clear',
    port: MIGRATION_PORT,
    hidesContent: false,
    protectsIntegrity: false,
    authenticates: 'nobody',
    hasForwardSecrecy: false,
    stillShows: ['everything'],
  },
  nacl: {
    title: 'NaCl box',
    port: MIGRATION_PORT,
    hidesContent: true,
    protectsIntegrity: true,
    authenticates: 'both',
    hasForwardSecrecy: true,
    stillShows: ['which hosts talk', 'how much, and when', 'that it is the migration port'],
  },
  ssh: {
    title: 'SSH tunnel',
    port: SSH_PORT,
    hidesContent: true,
    protectsIntegrity: true,
    authenticates: 'both',
    hasForwardSecrecy: true,
    stillShows: ['which hosts talk', 'how much, and when', 'that it is SSH, its version and algorithms'],
  },
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
}

/** Both ends must be opened with the same name. With 'none' the lower stream itself comes back. */
export function openChannel(name: ChannelName, kernel: Kernel, end: ChannelEnd): ByteStream {
  const { nacl, sshClient, sshServer } = end.credentials
  switch (name) {
    case 'none':
      return end.lower
    case 'nacl':
      assert(nacl !== undefined, 'the nacl channel needs its keys')
      return new NaclChannel(kernel, { ...end, ...nacl })
    case 'ssh':
      if (end.role === 'client') {
        assert(sshClient !== undefined, 'the ssh client needs its keys')
        return new SshClientTunnel(kernel, { ...end, ...sshClient })
      }
      assert(sshServer !== undefined, 'the ssh server needs its keys')
      return new SshServerTunnel(kernel, { ...end, ...sshServer })
  }
}
