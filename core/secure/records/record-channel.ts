/** Record channels as streams: what each is good for, what it costs, and how it is opened. */
import type { ByteStream } from '../../base/byte-stream.js'
import type { HostCores } from '../../kernel/cores.js'
import type { Kernel } from '../../kernel/kernel.js'
import { SecureChannel, type ChannelRole, type RandomOctets } from '../channel.js'
import { libraryCosts, type CipherCosts } from '../costs.js'
import { MIGRATION_PORT, type ChannelProtection } from '../protection.js'
import { recordSuites, type RecordChannelName } from '../wire/records.js'
import { RecordProtocol, type RecordCredentials } from './record-protocol.js'

/** Few enough secret bits for a search in the lab; a DES key has 56. */
export const LAB_DES_KEY_BITS = 24

export interface RecordChannelOptions extends RecordCredentials {
  readonly role: ChannelRole
  readonly lower: ByteStream
  readonly cores: HostCores
  readonly hostName: string
  readonly random: RandomOctets
  /** In the trace, and the name of the lane; the channel's name if absent. */
  readonly channelName?: string
  readonly costs?: CipherCosts
  /** Of the key; those that `recordProtections` says if absent. Both ends must be told the same. */
  readonly secretKeyBits?: number
}

export class RecordChannel extends SecureChannel {
  constructor(kernel: Kernel, name: RecordChannelName, options: RecordChannelOptions) {
    const { role, lower, cores, hostName, random, channelName = name } = options
    const secretKeyBits = options.secretKeyBits ?? recordKeyBits[name]
    const costs = options.costs ?? libraryCosts(recordSuites[name].cipher)
    const place = { kernel, lower, cores, hostName, channelName, costs }
    super(place, new RecordProtocol(role, { name, secretKeyBits }, options, random))
  }
}

/**
 * Bits that somebody has to try. Triple DES: two of its three keys, the third is met in the middle. RSA with 2048 bits is
 * as hard to break as 112 bits (NIST SP 800-57 part 1, table 2); textbook RSA with exponent 3 needs no trying.
 */
export const recordKeyBits: Readonly<Record<RecordChannelName, number>> = {
  'aes-128-ecb': 128,
  'aes-256-cbc': 256,
  'aes-256-ctr': 256,
  'aes-256-gcm': 256,
  'chacha20-poly1305': 256,
  'des-cbc': LAB_DES_KEY_BITS,
  '3des-cbc': 112,
  'rsa-aes': 112,
  'rsa-aes-textbook': 0,
}

const seenByAll = ['which hosts talk', 'how much, and when', 'which cipher it is', 'the length of every record']

/** A pre-shared key, nothing ephemeral: whoever steals it opens every capture. */
const preShared = {
  port: MIGRATION_PORT,
  hidesContent: true,
  hidesRepetition: true,
  refusesDowngrade: true,
  hasForwardSecrecy: false,
  stillShows: seenByAll,
} as const
const withoutTag = { ...preShared, protectsIntegrity: false, authenticates: 'nobody' } as const
/** Whoever steals the server's RSA key opens every capture. The client proves nothing. */
const wrapped = { ...preShared, protectsIntegrity: true, authenticates: 'server' } as const
const withTag = { ...preShared, protectsIntegrity: true, authenticates: 'both' } as const

export const recordProtections: Readonly<Record<RecordChannelName, ChannelProtection>> = {
  'aes-128-ecb': protection('aes-128-ecb', {
    ...withoutTag,
    title: 'AES-128-ECB',
    hidesRepetition: false,
    stillShows: [...seenByAll, 'which blocks of 16 octets are equal'],
  }),
  'aes-256-cbc': protection('aes-256-cbc', { ...withoutTag, title: 'AES-256-CBC' }),
  'aes-256-ctr': protection('aes-256-ctr', { ...withoutTag, title: 'AES-256-CTR' }),
  'aes-256-gcm': protection('aes-256-gcm', { ...withTag, title: 'AES-256-GCM' }),
  'chacha20-poly1305': protection('chacha20-poly1305', { ...withTag, title: 'ChaCha20-Poly1305' }),
  'des-cbc': protection('des-cbc', {
    ...withoutTag,
    title: 'DES-CBC',
    stillShows: [...seenByAll, 'all but a few bits of the key'],
  }),
  '3des-cbc': protection('3des-cbc', { ...withoutTag, title: '3DES-CBC' }),
  'rsa-aes': protection('rsa-aes', { ...wrapped, title: 'RSA-OAEP and AES-256-GCM' }),
  'rsa-aes-textbook': protection('rsa-aes-textbook', {
    ...wrapped,
    title: 'Textbook RSA and AES-256-GCM',
    authenticates: 'nobody',
    hidesContent: false,
    hidesRepetition: false,
    protectsIntegrity: false,
    stillShows: [...seenByAll, 'the session key, as a cube root'],
  }),
}

function protection(name: RecordChannelName, rest: Omit<ChannelProtection, 'keyBits'>): ChannelProtection {
  return Object.freeze({ ...rest, keyBits: recordKeyBits[name] })
}
