/**
 * TLS 1.3 as migrations use it: QEMU runs it on the migration's own port (`tls-creds`), the client holding the server's
 * certificate against the destination's name (`tls-hostname`), the server asking for the client's certificate.
 */
import type { ByteStream } from '../base/byte-stream.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import { SecureChannel, type ChannelPlace } from './channel.js'
import { libraryCosts, type CipherCosts, type CipherName } from './costs.js'
import { MIGRATION_PORT, type ChannelProtection } from './protection.js'
import { TlsClient, type TlsClientCredentials } from './tls/client.js'
import type { TlsOptions } from './tls/connection.js'
import { cipherSuiteNames, cipherSuites } from './tls/key-schedule.js'
import { TlsServer, type TlsServerCredentials } from './tls/server.js'

export type { TlsClientCredentials, TlsServerCredentials }

export interface TlsChannelOptions extends TlsOptions {
  readonly lower: ByteStream
  readonly cores: HostCores
  readonly hostName: string
  /** In the trace, and the name of the lane; `tls` if absent. */
  readonly channelName?: string
  readonly costs?: CipherCosts
}

/** With certificates at both ends. */
export const tlsProtection: ChannelProtection = Object.freeze({
  title: 'TLS 1.3',
  port: MIGRATION_PORT,
  hidesContent: true,
  hidesRepetition: true,
  protectsIntegrity: true,
  authenticates: 'both',
  refusesDowngrade: true,
  hasForwardSecrecy: true,
  keyBits: 256,
  stillShows: ['which hosts talk', 'how much, and when', 'that it is TLS, the cipher suite, and the name asked for'],
})

/** A key that both hosts were given beforehand; ephemeral keys all the same (psk_dhe_ke). */
export const tlsPskProtection: ChannelProtection = Object.freeze({
  ...tlsProtection,
  title: 'TLS 1.3, pre-shared key',
  stillShows: ['which hosts talk', 'how much, and when', "that it is TLS, the cipher suite, and the key's name"],
})

export class TlsClientChannel extends SecureChannel {
  constructor(kernel: Kernel, options: TlsChannelOptions & TlsClientCredentials) {
    super(placeOf(kernel, options), new TlsClient(options, options))
  }
}

export class TlsServerChannel extends SecureChannel {
  constructor(kernel: Kernel, options: TlsChannelOptions & TlsServerCredentials) {
    super(placeOf(kernel, options), new TlsServer(options, options))
  }
}

function placeOf(kernel: Kernel, options: TlsChannelOptions): ChannelPlace {
  const { lower, cores, hostName, channelName = 'tls' } = options
  return { kernel, lower, cores, hostName, channelName, costs: options.costs ?? libraryCosts(bestTlsCipher(options)) }
}

/** Work is priced before it is known what the other end agrees to: by the best suite of this one. */
export function bestTlsCipher({
  cipherSuites: suites = cipherSuiteNames,
}: Pick<TlsOptions, 'cipherSuites'>): CipherName {
  const { cipher, keyOctets } = cipherSuites[suites[0] ?? cipherSuiteNames[0]]
  return cipher === 'aes-gcm' ? (keyOctets === 16 ? 'aes-128-gcm' : 'aes-256-gcm') : cipher
}
