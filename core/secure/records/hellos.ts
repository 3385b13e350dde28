/**
 * How a record channel begins, and the keys that come of it.
 *
 *     ClientHello   magic "MIDRECS1" (8) ‖ channel (1) ‖ secret key bits (2) ‖ random (32)
 *     ServerHello   the same form; with RSA, then modulus (256)
 *     ClientKeyExchange   with RSA only: 32 random octets, wrapped (256)
 *
 * Nothing is negotiated: both say what they were told to use, and whoever hears something else refuses. The keys are
 * HKDF-SHA256 (RFC 5869) of the secret (the hosts' pre-shared key, or what RSA wrapped), the salt being SHA-256 of both
 * hellos, and the info `midstream records`, the channel's name, and `key` or `iv` with the direction. So other hellos,
 * other keys. A DES key may have fewer secret bits than 56; the rest are the first bits of that salt, which everybody on
 * the path can compute, as SSL 2.0 sent the rest of an export key in clear (its CLEAR-KEY-DATA).
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { WireError } from '../../base/errors.js'
import { concatOctets, latin1Octets, OctetReader, OctetWriter, utf8Octets } from '../../base/octets.js'
import { limitDesKey } from './reduced-des-key.js'
import { RSA_MODULUS_OCTETS, type RsaPadding } from './rsa.js'
import { recordCiphers, type RecordCipherName } from './record-ciphers.js'

export const RECORDS_MAGIC = 'MIDRECS1'
export const HELLO_OCTETS = 43
const RANDOM_OCTETS = 32

/** A channel of records: a cipher, and where its key comes from. */
export interface RecordSuite {
  /** On the wire. */
  readonly number: number
  readonly cipher: RecordCipherName
  readonly keyExchange: 'pre-shared' | RsaPadding
}

export const recordSuites = {
  'aes-128-ecb': { number: 1, cipher: 'aes-128-ecb', keyExchange: 'pre-shared' },
  'aes-256-cbc': { number: 2, cipher: 'aes-256-cbc', keyExchange: 'pre-shared' },
  'aes-256-ctr': { number: 3, cipher: 'aes-256-ctr', keyExchange: 'pre-shared' },
  'aes-256-gcm': { number: 4, cipher: 'aes-256-gcm', keyExchange: 'pre-shared' },
  'chacha20-poly1305': { number: 5, cipher: 'chacha20-poly1305', keyExchange: 'pre-shared' },
  'des-cbc': { number: 6, cipher: 'des-cbc', keyExchange: 'pre-shared' },
  '3des-cbc': { number: 7, cipher: '3des-cbc', keyExchange: 'pre-shared' },
  'rsa-aes': { number: 8, cipher: 'aes-256-gcm', keyExchange: 'oaep' },
  'rsa-aes-textbook': { number: 9, cipher: 'aes-256-gcm', keyExchange: 'textbook' },
} as const satisfies Readonly<Record<string, RecordSuite>>
export type RecordChannelName = keyof typeof recordSuites
export const recordChannelNames = Object.keys(recordSuites) as readonly RecordChannelName[]

/** What a server's hello has; a client's is `HELLO_OCTETS`. */
export function serverHelloOctets(name: RecordChannelName): number {
  return HELLO_OCTETS + (recordSuites[name].keyExchange === 'pre-shared' ? 0 : RSA_MODULUS_OCTETS)
}

export interface RecordHello {
  readonly name: RecordChannelName
  /** Of the key; the rest is public. */
  readonly secretKeyBits: number
}

export function encodeHello({ name, secretKeyBits }: RecordHello, random: Uint8Array): Uint8Array {
  return new OctetWriter()
    .octets(latin1Octets(RECORDS_MAGIC))
    .u8(recordSuites[name].number)
    .u16(secretKeyBits)
    .octets(random)
    .take()
}

/** Throws `WireError` unless the first `HELLO_OCTETS` of `octets` are a hello. */
export function decodeHello(octets: Uint8Array): RecordHello {
  const reader = new OctetReader(octets, 'records')
  if (reader.latin1(RECORDS_MAGIC.length, 'magic') !== RECORDS_MAGIC)
    throw new WireError('records', 0, `does not begin with ${RECORDS_MAGIC}`)
  const number = reader.u8('channel')
  const name = recordChannelNames.find((each) => recordSuites[each].number === number)
  if (name === undefined) throw new WireError('records', RECORDS_MAGIC.length, `channel ${number}`)
  const secretKeyBits = reader.u16('secret key bits')
  reader.view(RANDOM_OCTETS, 'random')
  return { name, secretKeyBits }
}

export interface DirectionKey {
  readonly key: Uint8Array
  /** The first IV, where IVs are counted on both ends. */
  readonly iv: Uint8Array
}

/** What anybody who saw the hellos knows: the salt of all keys. */
export function saltOf(clientHello: Uint8Array, serverHello: Uint8Array): Uint8Array {
  return sha256(concatOctets([clientHello, serverHello]))
}

export function deriveKey(
  { name, secretKeyBits }: RecordHello,
  secret: Uint8Array,
  salt: Uint8Array,
  direction: 'to server' | 'to client',
): DirectionKey {
  const suite: RecordSuite = recordSuites[name]
  const { keyOctets, ivOctets } = recordCiphers[suite.cipher]
  const derive = (what: string, octets: number): Uint8Array =>
    hkdf(sha256, secret, salt, utf8Octets(`midstream records ${name} ${what} ${direction}`), octets)
  const key = derive('key', keyOctets)
  return {
    key: suite.cipher === 'des-cbc' ? limitDesKey(key, secretKeyBits, salt) : key,
    iv: derive('iv', Math.max(1, ivOctets)),
  }
}
