/** The two ends of a migration's channel, with keys that were handed out when the hosts were set up. */
import type { ByteStream } from '../base/byte-stream.js'
import type { HypervisorProfile } from '../hypervisor/profiles/hypervisor-profile.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import {
  MIGRATION_PORT,
  openChannel,
  protectionOf,
  type ChannelCredentials,
  type ChannelName,
} from '../secure/channels.js'
import { costTables } from '../secure/cost-tables.js'
import type { CostTable } from '../secure/costs.js'
import { libxcFraming } from './libxc-framing.js'
import { naclPublicKey } from '../secure/nacl-channel.js'
import { ed25519PublicKey } from '../secure/ssh/key-exchange.js'

const KEY_OCTETS = 32
/** As who the source host's proxy logs in at the destination's. */
const SSH_USER = 'migration'

/** Long-term secrets of one host. */
export interface HostCredentials {
  readonly host: string
  /** x25519. */
  readonly naclSecretKey: Uint8Array
  /** Seeds of ed25519 keys: what its SSH server proves itself with, and what its SSH client logs in with. */
  readonly sshHostKey: Uint8Array
  readonly sshIdentity: Uint8Array
}

export function makeCredentials(kernel: Kernel, hosts: readonly string[]): readonly HostCredentials[] {
  return hosts.map((host) => {
    const random = kernel.random(`${host}/identity`)
    return {
      host,
      naclSecretKey: random.octets(KEY_OCTETS),
      sshHostKey: random.octets(KEY_OCTETS),
      sshIdentity: random.octets(KEY_OCTETS),
    }
  })
}

/** Opens the same channel at both ends. Each host trusts the other's keys and no others. */
export class ChannelPair {
  constructor(
    private readonly kernel: Kernel,
    readonly name: ChannelName,
    private readonly source: HostCredentials,
    private readonly destination: HostCredentials,
    private readonly profile: Pick<HypervisorProfile, 'migrationPort' | 'streamFormat'>,
    private readonly costTable: CostTable = costTables.libraries,
  ) {}

  /** TCP port on the destination. */
  get port(): number {
    const { port } = protectionOf(this.name)
    return port === MIGRATION_PORT ? this.profile.migrationPort : port
  }

  /** `connection`: 0 for the main stream's, and from 1 on those of multifd. */
  client(lower: ByteStream, cores: HostCores, connection = 0): ByteStream {
    const { source, destination } = this
    return this.open('client', lower, cores, connection, {
      nacl: { secretKey: source.naclSecretKey, peerPublicKey: naclPublicKey(destination.naclSecretKey) },
      sshClient: {
        user: SSH_USER,
        identity: source.sshIdentity,
        trustedHostKeys: [ed25519PublicKey(destination.sshHostKey)],
        target: { host: '127.0.0.1', port: this.profile.migrationPort },
      },
    })
  }

  server(lower: ByteStream, cores: HostCores, connection = 0): ByteStream {
    const { source, destination } = this
    return this.open('server', lower, cores, connection, {
      nacl: { secretKey: destination.naclSecretKey, peerPublicKey: naclPublicKey(source.naclSecretKey) },
      sshServer: {
        hostKey: destination.sshHostKey,
        authorizedKeys: [ed25519PublicKey(source.sshIdentity)],
        acceptTarget: { host: '127.0.0.1', port: this.profile.migrationPort },
      },
    })
  }

  private open(
    role: 'client' | 'server',
    lower: ByteStream,
    cores: HostCores,
    connection: number,
    credentials: ChannelCredentials,
  ): ByteStream {
    const random = this.kernel.random(`${cores.host}/${this.name}`)
    const stream = openChannel(this.name, this.kernel, {
      role,
      lower,
      cores,
      hostName: cores.host,
      random,
      credentials,
      costTable: this.costTable,
      // Each connection has a thread of its own.
      channelName: connection === 0 ? this.name : `${this.name} ${connection}`,
    })
    return this.profile.streamFormat === 'libxc' ? libxcFraming(this.kernel, role, stream, cores) : stream
  }
}
