/**
 * The SSH tunnel as migrations use it: a proxy on each host, and between the proxies one SSH connection with one
 * forwarded channel, so that nothing crosses the network in clear.
 *
 *     migration → loopback → SSH client ═══ TCP port 22 ═══ SSH server → loopback → migration's port 49152
 *
 * The loopback connections carry nothing anyone could capture, so they are not built: what they cost, a copy in and a
 * copy out on each host, is booked with the proxy's work. Each tunnel end is a `ByteStream` that is open when the
 * forwarded channel is.
 */
import type { ByteStream } from '../base/byte-stream.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import { SecureChannel, type ChannelPlace, type RandomOctets } from './channel.js'
import { libraryCosts, type CipherCosts } from './costs.js'
import { SSH_PORT, type ChannelProtection } from './protection.js'
import {
  SshConnection,
  type SshClientCredentials,
  type SshConnectionOptions,
  type SshServerCredentials,
} from './ssh/connection.js'
import type { SshCipher } from './ssh/packet-cipher.js'

export interface SshTunnelOptions {
  readonly lower: ByteStream
  readonly cores: HostCores
  readonly hostName: string
  readonly random: RandomOctets
  /** In the trace, and the name of the lane; `ssh` if absent. */
  readonly channelName?: string
  readonly costs?: CipherCosts
  /** Octets in one direction after which keys are changed; 2^30 if absent. */
  readonly rekeyOctets?: number
  /** Offered, best first; all there are if absent. */
  readonly ciphers?: readonly SshCipher[]
}

export const sshProtection: ChannelProtection = Object.freeze({
  title: 'SSH tunnel',
  port: SSH_PORT,
  hidesContent: true,
  hidesRepetition: true,
  protectsIntegrity: true,
  authenticates: 'both',
  refusesDowngrade: true,
  hasForwardSecrecy: true,
  keyBits: 256,
  stillShows: ['which hosts talk', 'how much, and when', 'that it is SSH, its version and algorithms'],
})

export class SshClientTunnel extends SecureChannel {
  constructor(kernel: Kernel, options: SshTunnelOptions & SshClientCredentials) {
    super(placeOf(kernel, options), SshConnection.client(options, connectionOptionsOf(options)))
  }
}

export class SshServerTunnel extends SecureChannel {
  constructor(kernel: Kernel, options: SshTunnelOptions & SshServerCredentials) {
    super(placeOf(kernel, options), SshConnection.server(options, connectionOptionsOf(options)))
  }
}

function placeOf(kernel: Kernel, options: SshTunnelOptions): ChannelPlace {
  const { lower, cores, hostName, channelName = 'ssh', costs = libraryCosts('chacha20-poly1305') } = options
  return { kernel, lower, cores, hostName, channelName, costs }
}

function connectionOptionsOf({ random, rekeyOctets, ciphers }: SshTunnelOptions): SshConnectionOptions {
  return {
    random,
    ...(rekeyOctets === undefined ? {} : { rekeyOctets }),
    ...(ciphers === undefined ? {} : { ciphers }),
  }
}
