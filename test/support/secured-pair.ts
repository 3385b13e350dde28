import { ed25519PublicKey } from '../../core/secure/ssh/key-exchange.js'
import { rsaKeyOf } from '../../core/secure/records/rsa.js'
import { HostCores } from '../../core/kernel/cores.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { openChannel, type ChannelCredentials, type ChannelName } from '../../core/secure/channels.js'
import type { SecureChannel } from '../../core/secure/channel.js'
import { naclPublicKey } from '../../core/secure/nacl-channel.js'
import { LabAuthority } from '../../core/session/lab-authority.js'
import { StreamEndpoint } from './stream-endpoint.js'
import { streamPair, type PairedStream, type StreamPairOptions } from './stream-pair.js'

const secret = (octet: number): Uint8Array => new Uint8Array(32).fill(octet)

export const clientSecret = secret(1)
export const serverSecret = secret(2)
export const strangerSecret = secret(3)
const authority = new LabAuthority(new Kernel('secured-pair authority'))
const preSharedKey = secret(4)
const rsaKey = rsaKeyOf(secret(5))
const target = { host: '127.0.0.1', port: 49152 }

const tlsPsk = { serverName: 'b', psk: { identity: new Uint8Array(4).fill(113), key: preSharedKey } }
export const clientCredentials: ChannelCredentials = {
  vmotion: { preSharedKey, canSeal: true },
  records: { preSharedKey, trustedRsaKey: { n: rsaKey.n, e: rsaKey.e } },
  nacl: { secretKey: clientSecret, peerPublicKey: naclPublicKey(serverSecret) },
  sshClient: {
    identity: clientSecret,
    user: 'migration',
    trustedHostKeys: [ed25519PublicKey(serverSecret)],
    target,
  },
  tlsPsk,
  tlsClient: { serverName: 'b', trust: authority.trust(), identity: authority.identityOf('a') },
}
export const serverCredentials: ChannelCredentials = {
  vmotion: { preSharedKey, canSeal: true },
  records: { preSharedKey, rsaSecretKey: rsaKey },
  nacl: { secretKey: serverSecret, peerPublicKey: naclPublicKey(clientSecret) },
  sshServer: { hostKey: serverSecret, authorizedKeys: [ed25519PublicKey(clientSecret)], acceptTarget: target },
  tlsPsk,
  tlsServer: { identity: authority.identityOf('b'), clientTrust: authority.trust(), clientName: 'a' },
}

export interface SecuredPairOptions {
  readonly seed?: string
  readonly link?: StreamPairOptions
  readonly toServer?: Uint8Array
  readonly toClient?: Uint8Array
  readonly clientCredentials?: ChannelCredentials
  readonly serverCredentials?: ChannelCredentials
  readonly endsAfter?: 'sending' | 'peer' | 'never'
}

/** A client and a server of a channel over a joined pair of streams; one object, so that a copy holds all of it. */
export interface SecuredPair {
  readonly kernel: Kernel
  readonly lower: readonly [PairedStream, PairedStream]
  readonly channels: readonly [SecureChannel, SecureChannel]
  readonly client: StreamEndpoint
  readonly server: StreamEndpoint
  readonly cores: readonly [HostCores, HostCores]
}

export function securedPair(
  name: Exclude<ChannelName, 'none' | 'esp' | 'esp-tunnel'>,
  options: SecuredPairOptions = {},
): SecuredPair {
  const kernel = new Kernel(options.seed ?? 'secured-pair')
  const lower = streamPair(kernel, options.link)
  const cores = [new HostCores(kernel, 'a', 2), new HostCores(kernel, 'b', 2)] as const
  const channels = (['client', 'server'] as const).map((role, index) =>
    openChannel(name, kernel, {
      role,
      lower: lower[index] as PairedStream,
      credentials:
        role === 'client'
          ? (options.clientCredentials ?? clientCredentials)
          : (options.serverCredentials ?? serverCredentials),
      cores: cores[index] as HostCores,
      hostName: index === 0 ? 'a' : 'b',
      random: kernel.random(`channel ${role}`),
    }),
  ) as [SecureChannel, SecureChannel]
  const client = new StreamEndpoint(channels[0], options.toServer, 4096, options.endsAfter)
  const server = new StreamEndpoint(channels[1], options.toClient, 4096, options.endsAfter)
  return { kernel, lower, channels, client, server, cores }
}

/** Run until nothing is left to happen. */
export function runToEnd(kernel: Kernel): void {
  while (kernel.step());
}

/** `length` octets that repeat at no power of two. */
export function patternOctets(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255)
}
