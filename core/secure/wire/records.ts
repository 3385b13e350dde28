/**
 * What a record channel (core/secure/records) puts on the wire, without a key: how it begins, and how its records are framed.
 *
 *     ClientHello   magic "MIDRECS1" (8) ‖ channel (1) ‖ secret key bits (2) ‖ random (32)
 *     ServerHello   the same form; with RSA, then modulus (256)
 *     ClientKeyExchange   with RSA only: 32 random octets, wrapped (256)
 *     record        type (1) ‖ length of the rest (3) ‖ IV, if the cipher sends one ‖ sealed ‖ tag, if the cipher has one
 */
import { WireError } from '../../base/errors.js'
import { latin1Octets, OctetReader, OctetWriter } from '../../base/octets.js'

/** Octets of an RSA modulus, and of what is wrapped under it. */
export const RSA_MODULUS_OCTETS = 256
/** Payload of one record, at most. */
export const RECORD_OCTETS_MAX = 16_384
export const RECORD_HEADER_OCTETS = 4
export const recordTypes = { data: 0, close: 1, finished: 2 } as const
export type RecordType = keyof typeof recordTypes
export const recordTypeNames = Object.keys(recordTypes) as readonly RecordType[]

export const recordCipherNames = [
  'aes-128-ecb',
  'aes-256-cbc',
  'aes-256-ctr',
  'aes-256-gcm',
  'chacha20-poly1305',
  'des-cbc',
  '3des-cbc',
] as const
export type RecordCipherName = (typeof recordCipherNames)[number]

/** Sizes in octets of a record under a cipher. */
export interface RecordForm {
  readonly ivOctets: number
  /**
   * Where the IV of a record comes from. `random` and `counter` (the record's number, then zeros) travel in front of the
   * body, so that any record can be opened by itself; `sequence` (RFC 8446 section 5.3) is not sent: both ends count.
   */
  readonly ivSource: 'none' | 'random' | 'counter' | 'sequence'
  /** Bodies are padded to whole blocks (PKCS#7); 1: not padded. */
  readonly blockOctets: number
  /** 0: nobody notices a change. */
  readonly tagOctets: number
}

const AES_BLOCK_OCTETS = 16
const DES_BLOCK_OCTETS = 8
const TAG_OCTETS = 16
const authenticated = { ivOctets: 12, ivSource: 'sequence', blockOctets: 1, tagOctets: TAG_OCTETS } as const
const desCbc = { ivOctets: DES_BLOCK_OCTETS, ivSource: 'random', blockOctets: DES_BLOCK_OCTETS, tagOctets: 0 } as const

export const recordForms: Readonly<Record<RecordCipherName, RecordForm>> = {
  'aes-128-ecb': { ivOctets: 0, ivSource: 'none', blockOctets: AES_BLOCK_OCTETS, tagOctets: 0 },
  'aes-256-cbc': { ivOctets: AES_BLOCK_OCTETS, ivSource: 'random', blockOctets: AES_BLOCK_OCTETS, tagOctets: 0 },
  'aes-256-ctr': { ivOctets: AES_BLOCK_OCTETS, ivSource: 'counter', blockOctets: 1, tagOctets: 0 },
  'aes-256-gcm': authenticated,
  'chacha20-poly1305': authenticated,
  'des-cbc': desCbc,
  '3des-cbc': desCbc,
}

export const RECORDS_MAGIC = 'MIDRECS1'
export const HELLO_OCTETS = 43
/** Of a hello. */
export const HELLO_RANDOM_OCTETS = 32

/** A channel of records: a cipher, and where its key comes from. */
export interface RecordSuite {
  /** On the wire. */
  readonly number: number
  readonly cipher: RecordCipherName
  readonly keyExchange: 'pre-shared' | 'oaep' | 'textbook'
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
  reader.view(HELLO_RANDOM_OCTETS, 'random')
  return { name, secretKeyBits }
}
