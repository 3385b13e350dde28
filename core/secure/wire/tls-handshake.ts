/**
 * TLS 1.3 as its ends write and read it: handshake messages (RFC 8446 section 4), extensions (section 4.2), alerts
 * (section 6). No state, no keys. What an onlooker reads is in `tls-records.ts`.
 *
 *     handshake message: uint8 type ‖ uint24 length ‖ body; vectors have a length of 1, 2 or 3 octets in front
 */
import { WireError } from '../../base/errors.js'
import { equalOctets, latin1Octets, latin1Text, octetsOfHex, OctetReader, OctetWriter } from '../../base/octets.js'

export const RECORD_HEADER_OCTETS = 5
/** Content of a record, and what sealing may add. */
export const RECORD_CONTENT_OCTETS_MAX = 2 ** 14
export const SEALED_EXPANSION_OCTETS_MAX = 256

export const contentTypes = { change_cipher_spec: 20, alert: 21, handshake: 22, application_data: 23 } as const

export const handshakeTypes = {
  ClientHello: 1,
  ServerHello: 2,
  NewSessionTicket: 4,
  EncryptedExtensions: 8,
  Certificate: 11,
  CertificateRequest: 13,
  CertificateVerify: 15,
  Finished: 20,
  KeyUpdate: 24,
} as const
export type HandshakeName = keyof typeof handshakeTypes

const handshakeNames: ReadonlyMap<number, HandshakeName> = new Map(
  (Object.keys(handshakeTypes) as HandshakeName[]).map((name) => [handshakeTypes[name], name]),
)

export function handshakeName(type: number): HandshakeName | undefined {
  return handshakeNames.get(type)
}

export const alertNumbers = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
} as const
export type TlsAlertName = keyof typeof alertNumbers

/** `alert 99` for one that RFC 8446 does not have. */
export function alertName(number: number): string {
  return (
    (Object.keys(alertNumbers) as TlsAlertName[]).find((name) => alertNumbers[name] === number) ?? `alert ${number}`
  )
}

export const extensionTypes = {
  server_name: 0,
  supported_groups: 10,
  signature_algorithms: 13,
  pre_shared_key: 41,
  supported_versions: 43,
  cookie: 44,
  psk_key_exchange_modes: 45,
  key_share: 51,
} as const

export const TLS_1_3 = 0x0304
const LEGACY_VERSION = 0x0303
export const X25519_GROUP = 0x001d
export const ED25519_SCHEME = 0x0807
const PSK_DHE_KE = 1

/** Random of a ServerHello that is a HelloRetryRequest (section 4.1.3): SHA-256 of that name. */
export const RETRY_RANDOM = octetsOfHex('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c')

/** Extension data by type, in the order they stand. */
export type Extensions = ReadonlyMap<number, Uint8Array>

export interface ClientHello {
  /** 32 octets. */
  readonly random: Uint8Array
  readonly sessionId: Uint8Array
  readonly cipherSuites: readonly number[]
  readonly extensions: Extensions
}

export interface ServerHello {
  readonly random: Uint8Array
  readonly sessionId: Uint8Array
  readonly cipherSuite: number
  readonly extensions: Extensions
}

/** Reads vectors; what is missing is a `WireError` of protocol `tls`. */
export class TlsReader extends OctetReader {
  constructor(octets: Uint8Array) {
    super(octets, 'tls')
  }
  u24(what: string): number {
    return (this.u8(what) << 16) | this.u16(what)
  }
  vector8(what: string): Uint8Array {
    return this.view(this.u8(`length of ${what}`), what)
  }
  vector16(what: string): Uint8Array {
    return this.view(this.u16(`length of ${what}`), what)
  }
  vector24(what: string): Uint8Array {
    return this.view(this.u24(`length of ${what}`), what)
  }
  expectEnd(what: string): void {
    if (this.remaining > 0) throw new WireError('tls', this.offset, `${this.remaining} octets after ${what}`)
  }
}

export class TlsWriter extends OctetWriter {
  u24(value: number): this {
    return this.u8(value >>> 16).u16(value & 0xffff)
  }
  vector8(octets: Uint8Array): this {
    return this.u8(octets.length).octets(octets)
  }
  vector16(octets: Uint8Array): this {
    return this.u16(octets.length).octets(octets)
  }
  vector24(octets: Uint8Array): this {
    return this.u24(octets.length).octets(octets)
  }
}

/** Type, length and body. */
export function encodeHandshake(name: HandshakeName, body: Uint8Array): Uint8Array {
  return new TlsWriter(4 + body.length).u8(handshakeTypes[name]).vector24(body).take()
}

export function encodeClientHello({ random, sessionId, cipherSuites, extensions }: ClientHello): Uint8Array {
  const suites = new TlsWriter()
  for (const suite of cipherSuites) suites.u16(suite)
  const body = new TlsWriter()
    .u16(LEGACY_VERSION)
    .octets(random)
    .vector8(sessionId)
    .vector16(suites.take())
    .vector8(Uint8Array.of(0)) // no compression
    .vector16(encodeExtensions(extensions))
  return encodeHandshake('ClientHello', body.take())
}

/** `body` without type and length. */
export function parseClientHello(body: Uint8Array): ClientHello {
  const reader = new TlsReader(body)
  expectLegacyVersion(reader)
  const random = reader.view(32, 'random').slice()
  const sessionId = readSessionId(reader)
  const cipherSuites = readU16List(reader.vector16('cipher_suites'), 'cipher_suites')
  const compression = reader.vector8('legacy_compression_methods')
  if (!compression.includes(0)) throw new WireError('tls', reader.offset, 'compression is asked for')
  // Older versions allow none at all; what they lack is found missing later.
  const extensions = reader.remaining === 0 ? new Map<number, Uint8Array>() : readExtensions(reader)
  reader.expectEnd('extensions')
  return { random, sessionId, cipherSuites, extensions }
}

export function encodeServerHello({ random, sessionId, cipherSuite, extensions }: ServerHello): Uint8Array {
  const body = new TlsWriter()
    .u16(LEGACY_VERSION)
    .octets(random)
    .vector8(sessionId)
    .u16(cipherSuite)
    .u8(0)
    .vector16(encodeExtensions(extensions))
  return encodeHandshake('ServerHello', body.take())
}

export function parseServerHello(body: Uint8Array): ServerHello {
  const reader = new TlsReader(body)
  expectLegacyVersion(reader)
  const random = reader.view(32, 'random').slice()
  const sessionId = readSessionId(reader)
  const cipherSuite = reader.u16('cipher_suite')
  if (reader.u8('legacy_compression_method') !== 0) throw new WireError('tls', reader.offset - 1, 'compression chosen')
  const extensions = reader.remaining === 0 ? new Map<number, Uint8Array>() : readExtensions(reader)
  reader.expectEnd('extensions')
  return { random, sessionId, cipherSuite, extensions }
}

export function isRetryRequest({ random }: ServerHello): boolean {
  return equalOctets(random, RETRY_RANDOM)
}

export function encodeEncryptedExtensions(): Uint8Array {
  return encodeHandshake('EncryptedExtensions', new TlsWriter().vector16(new Uint8Array(0)).take())
}

export function parseEncryptedExtensions(body: Uint8Array): Extensions {
  const reader = new TlsReader(body)
  const extensions = readExtensions(reader)
  reader.expectEnd('extensions')
  return extensions
}

export function encodeCertificateRequest(): Uint8Array {
  const extensions = new Map([[extensionTypes.signature_algorithms, encodeU16List([ED25519_SCHEME])]])
  return encodeHandshake('CertificateRequest', new TlsWriter().u8(0).vector16(encodeExtensions(extensions)).take())
}

export function parseCertificateRequest(body: Uint8Array): { context: Uint8Array; extensions: Extensions } {
  const reader = new TlsReader(body)
  const context = reader.vector8('certificate_request_context').slice()
  const extensions = readExtensions(reader)
  reader.expectEnd('extensions')
  return { context, extensions }
}

/** `chain` in DER, the end's own certificate first; empty for none. */
export function encodeCertificate(context: Uint8Array, chain: readonly Uint8Array[]): Uint8Array {
  const list = new TlsWriter()
  for (const certificate of chain) list.vector24(certificate).u16(0)
  return encodeHandshake('Certificate', new TlsWriter().vector8(context).vector24(list.take()).take())
}

export interface CertificateMessage {
  readonly context: Uint8Array
  readonly chain: readonly Uint8Array[]
}

export function parseCertificate(body: Uint8Array): CertificateMessage {
  const reader = new TlsReader(body)
  const context = reader.vector8('certificate_request_context').slice()
  const list = new TlsReader(reader.vector24('certificate_list'))
  reader.expectEnd('certificate_list')
  const chain: Uint8Array[] = []
  while (list.remaining > 0) {
    chain.push(list.vector24('certificate').slice())
    // Nothing that a certificate could carry beside it was asked for.
    if (readExtensions(list).size > 0) throw new WireError('tls', list.offset, 'extensions beside a certificate')
  }
  return { context, chain }
}

export function encodeCertificateVerify(signature: Uint8Array): Uint8Array {
  return encodeHandshake('CertificateVerify', new TlsWriter().u16(ED25519_SCHEME).vector16(signature).take())
}

export function parseCertificateVerify(body: Uint8Array): { scheme: number; signature: Uint8Array } {
  const reader = new TlsReader(body)
  const scheme = reader.u16('algorithm')
  const signature = reader.vector16('signature')
  reader.expectEnd('signature')
  return { scheme, signature }
}

/** Supported versions, groups, signature schemes: uint16 values behind a length of 2 octets (1 for versions). */
export function encodeU16List(values: readonly number[], lengthOctets: 1 | 2 = 2): Uint8Array {
  const list = new TlsWriter()
  for (const value of values) list.u16(value)
  const octets = list.take()
  return (lengthOctets === 1 ? new TlsWriter().vector8(octets) : new TlsWriter().vector16(octets)).take()
}

export function parseU16List(data: Uint8Array, what: string, lengthOctets: 1 | 2 = 2): number[] {
  const reader = new TlsReader(data)
  const list = readU16List(lengthOctets === 1 ? reader.vector8(what) : reader.vector16(what), what)
  reader.expectEnd(what)
  return list
}

export function encodeServerName(name: string): Uint8Array {
  return new TlsWriter().vector16(new TlsWriter().u8(0).vector16(latin1Octets(name)).take()).take()
}

/** The host name asked for, or null if the list has none. */
export function parseServerName(data: Uint8Array): string | null {
  const reader = new TlsReader(data)
  const list = new TlsReader(reader.vector16('server_name_list'))
  reader.expectEnd('server_name_list')
  while (list.remaining > 0) {
    const type = list.u8('name_type')
    const name = list.vector16('name')
    if (type === 0) return latin1Text(name)
  }
  return null
}

/** One share, as a server sends it. */
export function encodeKeyShare(publicKey: Uint8Array): Uint8Array {
  return new TlsWriter().u16(X25519_GROUP).vector16(publicKey).take()
}

export function parseKeyShare(data: Uint8Array): { group: number; publicKey: Uint8Array } {
  const reader = new TlsReader(data)
  const group = reader.u16('group')
  const publicKey = reader.vector16('key_exchange').slice()
  reader.expectEnd('key_exchange')
  return { group, publicKey }
}

/** The shares of a client. */
export function encodeKeyShares(publicKey: Uint8Array): Uint8Array {
  return new TlsWriter().vector16(encodeKeyShare(publicKey)).take()
}

export function parseKeyShares(data: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const reader = new TlsReader(data)
  const list = new TlsReader(reader.vector16('client_shares'))
  reader.expectEnd('client_shares')
  const shares = new Map<number, Uint8Array>()
  while (list.remaining > 0) {
    const group = list.u16('group')
    if (shares.has(group)) throw new WireError('tls', list.offset, `two shares for group ${group}`)
    shares.set(group, list.vector16('key_exchange').slice())
  }
  return shares
}

export function encodePskModes(): Uint8Array {
  return new TlsWriter().vector8(Uint8Array.of(PSK_DHE_KE)).take()
}

/** Does a client take a PSK together with a key agreement? */
export function hasPskDheMode(data: Uint8Array): boolean {
  const reader = new TlsReader(data)
  const modes = reader.vector8('ke_modes')
  reader.expectEnd('ke_modes')
  return modes.includes(PSK_DHE_KE)
}

export interface OfferedPsks {
  readonly identities: readonly Uint8Array[]
  readonly binders: readonly Uint8Array[]
  /** Octets at the end of the ClientHello that binders do not cover. */
  readonly bindersOctets: number
}

/** One external PSK; its binder's place is `binder`. */
export function encodeOfferedPsk(identity: Uint8Array, binder: Uint8Array): Uint8Array {
  return new TlsWriter()
    .vector16(new TlsWriter().vector16(identity).u32(0).take())
    .vector16(new TlsWriter().vector8(binder).take())
    .take()
}

export function parseOfferedPsks(data: Uint8Array): OfferedPsks {
  const reader = new TlsReader(data)
  const identityList = new TlsReader(reader.vector16('identities'))
  const identities: Uint8Array[] = []
  while (identityList.remaining > 0) {
    identities.push(identityList.vector16('identity').slice())
    identityList.u32('obfuscated_ticket_age')
  }
  const bindersOctets = reader.remaining
  const binderList = new TlsReader(reader.vector16('binders'))
  reader.expectEnd('binders')
  const binders: Uint8Array[] = []
  while (binderList.remaining > 0) binders.push(binderList.vector8('binder').slice())
  if (binders.length !== identities.length) throw new WireError('tls', 0, 'not one binder for every PSK')
  return { identities, binders, bindersOctets }
}

function encodeExtensions(extensions: Extensions): Uint8Array {
  const writer = new TlsWriter()
  for (const [type, data] of extensions) writer.u16(type).vector16(data)
  return writer.take()
}

/** Behind their length of 2 octets. No type may stand twice (section 4.2). */
function readExtensions(reader: TlsReader): Extensions {
  const list = new TlsReader(reader.vector16('extensions'))
  const extensions = new Map<number, Uint8Array>()
  while (list.remaining > 0) {
    const type = list.u16('extension_type')
    if (extensions.has(type)) throw new WireError('tls', list.offset, `extension ${type} stands twice`)
    extensions.set(type, list.vector16('extension_data').slice())
  }
  return extensions
}

function readSessionId(reader: TlsReader): Uint8Array {
  const sessionId = reader.vector8('legacy_session_id').slice()
  if (sessionId.length > 32) throw new WireError('tls', reader.offset, `session id of ${sessionId.length} octets`)
  return sessionId
}

function expectLegacyVersion(reader: TlsReader): void {
  const version = reader.u16('legacy_version')
  if (version !== LEGACY_VERSION) throw new WireError('tls', 0, `legacy_version is 0x${version.toString(16)}`)
}

function readU16List(octets: Uint8Array, what: string): number[] {
  if (octets.length % 2 !== 0) throw new WireError('tls', 0, `${what} of ${octets.length} octets`)
  const reader = new TlsReader(octets)
  const values: number[] = []
  while (reader.remaining > 0) values.push(reader.u16(what))
  return values
}
