/** The two ends of a migration's channel, with keys that were handed out when the hosts were set up. */
import type { ByteStream } from '../base/byte-stream.js'
import { latin1Octets } from '../base/octets.js'
import type { HypervisorProfile } from '../hypervisor/profiles/hypervisor-profile.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import {
  MIGRATION_PORT,
  espModeOf,
  openChannel,
  protectionOf,
  type ChannelCredentials,
  type ChannelName,
  type PeerCheck,
} from '../secure/channels.js'
import { LabAuthority } from './lab-authority.js'
import type { EspMode } from '../secure/esp/security-policies.js'
import { ESP_CIPHER, type IpsecHost, type IpsecPeer } from './ipsec-host.js'
import { costsOf, type CostTable } from '../secure/costs.js'
import { libxcFraming } from './libxc-framing.js'
import { shape } from '../secure/shaping/shape.js'
import type { ShapingParameters } from '../secure/shaping/shaping.js'
import { naclPublicKey } from '../secure/nacl-channel.js'
import { rsaKeyOf } from '../secure/records/rsa.js'
import type { TlsClientCredentials, TlsServerCredentials } from '../secure/tls-channel.js'
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
  /** Who has its certificate ready. */
  readonly authority: LabAuthority
  /** Seed of the ed25519 key that it proves itself with in IKE. */
  readonly ikeIdentity: Uint8Array
  /** Handed out to all hosts of one rack alike. */
  readonly preSharedKey: Uint8Array
  /** What its RSA key is made from, if a channel needs one. */
  readonly rsaSeed: Uint8Array
}

/** `realm`: of hosts that are set up apart from the lab's, and share nothing with them. */
export function makeCredentials(kernel: Kernel, hosts: readonly string[], realm = ''): readonly HostCredentials[] {
  const authority = new LabAuthority(kernel, realm)
  const preSharedKey = kernel.random(`${realm}hosts/pre-shared-key`).octets(KEY_OCTETS)
  return hosts.map((host) => {
    const random = kernel.random(`${host}/identity`)
    return {
      host,
      naclSecretKey: random.octets(KEY_OCTETS),
      sshHostKey: random.octets(KEY_OCTETS),
      sshIdentity: random.octets(KEY_OCTETS),
      authority,
      ikeIdentity: random.octets(KEY_OCTETS),
      preSharedKey,
      rsaSeed: random.octets(KEY_OCTETS),
    }
  })
}

/** A host, as an end of a channel. */
export interface PairedEnd {
  readonly credentials: HostCredentials
  /**
   * Whom the other end takes a stranger for: it expects that host's keys, and is expected to have its own. No stranger holds them
   * against it.
   */
  readonly takenFor?: HostCredentials
  /** What cryptography costs it. */
  readonly costTable: CostTable
  /** Whether its processor has the instructions that vMotion seals with. */
  readonly hasAes: boolean
}

/** Opens the same channel at both ends. Each host trusts the other's keys and no others. */
export class ChannelPair {
  constructor(
    private readonly kernel: Kernel,
    readonly name: ChannelName,
    private readonly sourceEnd: PairedEnd,
    private readonly destinationEnd: PairedEnd,
    private readonly profile: Pick<HypervisorProfile, 'migrationPort' | 'streamFormat'>,
    private readonly way: ShapingParameters & { readonly peerCheck: PeerCheck },
  ) {}

  private get source(): HostCredentials {
    return this.sourceEnd.credentials
  }

  private get destination(): HostCredentials {
    return this.destinationEnd.credentials
  }

  /** What the source expects of its destination. */
  private get expected(): HostCredentials {
    return this.destinationEnd.takenFor ?? this.destination
  }

  /** TCP port on the destination. */
  get port(): number {
    const { port } = protectionOf(this.name)
    return port === MIGRATION_PORT ? this.profile.migrationPort : port
  }

  /** Making an RSA key takes long, so none is made for the other channels. */
  private get needsRsa(): boolean {
    return this.name === 'rsa-aes' || this.name === 'rsa-aes-textbook'
  }

  /** Have the packets between the hosts sealed below TCP. False where the channel is above it, and there is nothing to do. */
  protectPackets(from: IpsecHost, to: IpsecHost): boolean {
    const mode = espModeOf(this.name)
    if (mode === null) return false
    // Policies name pairs of hosts (RFC 4301 section 4.4.1): what goes to another address is none of theirs.
    if (this.destinationEnd.takenFor !== undefined) {
      this.kernel.trace.add('channel-clear', { channel: this.name, host: this.source.host })
      return false
    }
    const { sourceEnd, destinationEnd } = this
    from.protect(peerOf(destinationEnd, to, mode, sourceEnd))
    to.protect(peerOf(sourceEnd, from, mode, destinationEnd))
    return true
  }

  /** `connection`: 0 for the main stream's, and from 1 on those of multifd. */
  client(lower: ByteStream, cores: HostCores, connection = 0): ByteStream {
    const { source, expected } = this
    return this.open('client', lower, cores, connection, {
      vmotion: { preSharedKey: source.preSharedKey, canSeal: this.sourceEnd.hasAes },
      records: {
        preSharedKey: source.preSharedKey,
        ...(this.needsRsa && { trustedRsaKey: rsaKeyOf(expected.rsaSeed) }),
      },
      nacl: { secretKey: source.naclSecretKey, peerPublicKey: naclPublicKey(expected.naclSecretKey) },
      sshClient: {
        user: SSH_USER,
        identity: source.sshIdentity,
        trustedHostKeys: this.way.peerCheck === 'strict' ? [ed25519PublicKey(expected.sshHostKey)] : 'any',
        target: { host: '127.0.0.1', port: this.profile.migrationPort },
      },
      ...(this.name === 'tls' ? { tlsClient: this.tlsClient() } : {}),
      tlsPsk: tlsPskOf(expected),
    })
  }

  server(lower: ByteStream, cores: HostCores, connection = 0): ByteStream {
    const { source, destination } = this
    return this.open('server', lower, cores, connection, {
      vmotion: { preSharedKey: destination.preSharedKey, canSeal: this.destinationEnd.hasAes },
      records: {
        preSharedKey: destination.preSharedKey,
        ...(this.needsRsa && { rsaSecretKey: rsaKeyOf(destination.rsaSeed) }),
      },
      nacl: { secretKey: destination.naclSecretKey, peerPublicKey: naclPublicKey(source.naclSecretKey) },
      sshServer: {
        hostKey: destination.sshHostKey,
        authorizedKeys: [ed25519PublicKey(source.sshIdentity)],
        acceptTarget: { host: '127.0.0.1', port: this.profile.migrationPort },
      },
      ...(this.name === 'tls' ? { tlsServer: this.tlsServer() } : {}),
      tlsPsk: tlsPskOf(destination),
    })
  }

  /** As libvirt sets QEMU up: the destination's name is checked (`tls-hostname`), the source's against a list (`tls-authz`). */
  private tlsClient(): TlsClientCredentials {
    const { source, destination } = this
    const { authority } = source
    return {
      serverName: destination.host,
      trust: this.way.peerCheck === 'strict' ? authority.trust() : 'any',
      identity: authority.identityOf(source.host),
    }
  }

  private tlsServer(): TlsServerCredentials {
    const { source, destination } = this
    const { authority } = destination
    return {
      identity: authority.identityOf(destination.host),
      clientTrust: this.destinationEnd.takenFor === undefined ? authority.trust() : 'any',
      clientName: source.host,
    }
  }

  private open(
    role: 'client' | 'server',
    lower: ByteStream,
    cores: HostCores,
    connection: number,
    credentials: ChannelCredentials,
  ): ByteStream {
    const random = this.kernel.random(`${cores.host}/${this.name}`)
    const { costTable } = role === 'client' ? this.sourceEnd : this.destinationEnd
    const channel = openChannel(this.name, this.kernel, {
      role,
      lower,
      cores,
      hostName: cores.host,
      random,
      credentials,
      costTable,
      // Each connection has a thread of its own.
      channelName: connection === 0 ? this.name : `${this.name} ${connection}`,
    })
    const stream = shape(this.kernel, role, channel, cores.host, this.way)
    return this.profile.streamFormat === 'libxc'
      ? libxcFraming(this.kernel, role, stream, { cores, costTable })
      : stream
  }
}

/** The name of the key is that of QEMU's only user of one (`-object tls-creds-psk`, username=qemu). */
function tlsPskOf({ host: serverName, preSharedKey: key }: HostCredentials): NonNullable<ChannelCredentials['tlsPsk']> {
  return { serverName, psk: { identity: latin1Octets('qemu'), key } }
}

/** A host as the other end, `own`, knows it. */
function peerOf({ credentials }: PairedEnd, { address }: IpsecHost, mode: EspMode, own: PairedEnd): IpsecPeer {
  const { host: name, ikeIdentity } = credentials
  return { name, address, publicKey: ed25519PublicKey(ikeIdentity), mode, costs: costsOf(own.costTable, ESP_CIPHER) }
}
