/**
 * The arithmetic of the key exchange: curve25519-sha256 (RFC 8731), host keys ssh-ed25519 (RFC 8709), the exchange hash
 * and the keys derived from it (RFC 4253 sections 7.2 and 8, RFC 5656 section 4). And the choice of algorithms.
 */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { AuthenticationError, WireError } from '../../base/errors.js'
import { concatOctets, latin1Octets } from '../../base/octets.js'
import type { ChannelRole } from '../channel.js'
import { ED25519_KEY_TYPE, encodeKexInit, SshWriter, type SshKexInit } from '../wire/ssh-messages.js'
import { sshCiphers, type PacketKeys, type SshCipher } from './packet-cipher.js'

/** Strict key exchange (OpenSSH's PROTOCOL section 1.10): the answer to prefix truncation, CVE-2023-48795. */
export const strictKexNames = {
  client: 'kex-strict-c-v00@openssh.com',
  server: 'kex-strict-s-v00@openssh.com',
} as const satisfies Record<ChannelRole, string>

const KEX_ALGORITHMS = ['curve25519-sha256', 'curve25519-sha256@libssh.org']
// The ciphers authenticate by themselves; a list must not be empty for peers that check.
const MACS = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-256']

/** What this side offers. `cookie` is 16 random octets; `ciphers` are in the order of preference. */
export function offerKexInit(
  role: ChannelRole,
  cookie: Uint8Array,
  ciphers: readonly SshCipher[] = sshCiphers,
): Uint8Array {
  return encodeKexInit({
    cookie,
    kexAlgorithms: [...KEX_ALGORITHMS, strictKexNames[role]],
    serverHostKeyAlgorithms: [ED25519_KEY_TYPE],
    encryptionClientToServer: ciphers,
    encryptionServerToClient: ciphers,
    macClientToServer: MACS,
    macServerToClient: MACS,
    compressionClientToServer: ['none'],
    compressionServerToClient: ['none'],
    languagesClientToServer: [],
    languagesServerToClient: [],
    firstKexPacketFollows: false,
  })
}

/** The cipher of each direction. */
export interface ChosenCiphers {
  readonly toServer: SshCipher
  readonly toClient: SshCipher
}

/**
 * Of each kind the first of the client's that the server has too (RFC 4253 section 7.1); only of ciphers is there more
 * than one here. Throws `WireError` naming what is missing.
 */
export function chooseAlgorithms(client: SshKexInit, server: SshKexInit): ChosenCiphers {
  const common = (what: string, wanted: readonly string[], theirs: readonly string[]): string => {
    const chosen = wanted.find((name) => theirs.includes(name))
    if (chosen === undefined)
      throw new WireError('ssh', 0, `no common ${what}: ${wanted.join(',')} against ${theirs.join(',')}`)
    return chosen
  }
  common('key exchange', withoutMarkers(client.kexAlgorithms), server.kexAlgorithms)
  common('host key algorithm', client.serverHostKeyAlgorithms, server.serverHostKeyAlgorithms)
  common('compression to the server', client.compressionClientToServer, server.compressionClientToServer)
  common('compression to the client', client.compressionServerToClient, server.compressionServerToClient)
  // One side of the two lists is ours, so what is common is a cipher we have.
  return {
    toServer: common('cipher to the server', client.encryptionClientToServer, server.encryptionClientToServer),
    toClient: common('cipher to the client', client.encryptionServerToClient, server.encryptionServerToClient),
  } as ChosenCiphers
}

/** A guessed first packet is dropped unless both sides would have chosen the same (RFC 4253 section 7). */
export function guessWasRight(client: SshKexInit, server: SshKexInit): boolean {
  return (
    client.kexAlgorithms[0] === server.kexAlgorithms[0] &&
    client.serverHostKeyAlgorithms[0] === server.serverHostKeyAlgorithms[0]
  )
}

function withoutMarkers(names: readonly string[]): string[] {
  return names.filter((name) => !name.startsWith('kex-strict-') && !name.startsWith('ext-info-'))
}

export function ephemeralPublicOf(secret: Uint8Array): Uint8Array {
  return x25519.getPublicKey(secret)
}

/** K as 32 octets, big-endian. A peer's key of small order is refused (RFC 8731 section 3). */
export function agreeOnSecret(secret: Uint8Array, peerPublic: Uint8Array): Uint8Array {
  if (peerPublic.length !== 32) throw new WireError('ssh', 0, `x25519 public key of ${peerPublic.length} octets`)
  try {
    return x25519.getSharedSecret(secret, peerPublic)
  } catch {
    // The only input that is refused: the result would be zero whatever our secret is.
    throw new AuthenticationError('ssh', 'the peer sent an x25519 public key of small order')
  }
}

export interface ExchangeHashInput {
  /** Identification lines without CR LF. */
  readonly clientVersion: string
  readonly serverVersion: string
  /** Payloads of the two KEXINIT messages. */
  readonly clientInit: Uint8Array
  readonly serverInit: Uint8Array
  readonly hostKeyBlob: Uint8Array
  readonly clientEphemeral: Uint8Array
  readonly serverEphemeral: Uint8Array
  /** K, 32 octets. */
  readonly shared: Uint8Array
}

/** H, 32 octets, and how much was hashed to get it. */
export function exchangeHash(input: ExchangeHashInput): { readonly hash: Uint8Array; readonly hashedOctets: number } {
  const octets = new SshWriter(4096)
    .string(input.clientVersion)
    .string(input.serverVersion)
    .string(input.clientInit)
    .string(input.serverInit)
    .string(input.hostKeyBlob)
    .string(input.clientEphemeral)
    .string(input.serverEphemeral)
    .mpint(input.shared)
    .take()
  return { hash: sha256(octets), hashedOctets: octets.length }
}

/** What one direction is sealed with, by RFC 4253 section 7.2: keys of letter C to the server, D back; nonces A and B. */
export function derivePacketKeys(
  cipher: SshCipher,
  shared: Uint8Array,
  hash: Uint8Array,
  sessionId: Uint8Array,
  sender: ChannelRole,
): PacketKeys {
  const prefix = concatOctets([new SshWriter().mpint(shared).take(), hash])
  const derive = (letter: string): Uint8Array => sha256(concatOctets([prefix, latin1Octets(letter), sessionId]))
  const mainKey = derive(sender === 'client' ? 'C' : 'D')
  if (cipher === 'aes256-gcm@openssh.com')
    return { cipher, mainKey, nonce: derive(sender === 'client' ? 'A' : 'B').slice(0, 12) }
  return { cipher, mainKey, headerKey: sha256(concatOctets([prefix, mainKey])) }
}

/** 64 octets. `seed` is the 32-octet secret key. */
export function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed)
}

/** By RFC 8032's strict rules. Never throws: what is no signature or no key is false. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  return ed25519.verify(signature, message, publicKey, { zip215: false })
}

/** The public key (32 octets) of a seed (32 octets). */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed)
}
