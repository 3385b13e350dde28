/**
 * TLS as octets, as far as anyone on the path can read it: records (RFC 8446 section 5.1, RFC 5246 section 6.2.1) and
 * the two hellos (RFC 8446 sections 4.1.2, 4.1.3; extensions of sections 4.2.1 and RFC 6066 section 3, RFC 7301).
 *
 *     record: uint8 type ‖ uint16 legacy version ‖ uint16 length ‖ fragment
 *     handshake message: uint8 type ‖ uint24 length ‖ body; may be spread over records
 */
import { WireError } from '../../base/errors.js'
import { concatOctets, latin1Text, OctetReader, readU32be } from '../../base/octets.js'

const tlsContentTypes = {
  20: 'change_cipher_spec',
  21: 'alert',
  22: 'handshake',
  23: 'application_data',
  24: 'heartbeat',
} as const
export type TlsContentType = (typeof tlsContentTypes)[keyof typeof tlsContentTypes]

const TLS_HEADER_OCTETS = 5
/** 2^14 octets, and what the oldest versions allow sealing to add. */
const FRAGMENT_OCTETS_MAX = 2 ** 14 + 2048
/** A hello longer than this is not looked at. */
const HELLO_OCTETS_MAX = 65_536

const versionNames: ReadonlyMap<number, string> = new Map([
  [0x0300, 'SSL 3.0'],
  [0x0301, 'TLS 1.0'],
  [0x0302, 'TLS 1.1'],
  [0x0303, 'TLS 1.2'],
  [0x0304, 'TLS 1.3'],
])

/** IANA's names of the suites most often seen. */
const cipherSuiteNames: ReadonlyMap<number, string> = new Map([
  [0x1301, 'TLS_AES_128_GCM_SHA256'],
  [0x1302, 'TLS_AES_256_GCM_SHA384'],
  [0x1303, 'TLS_CHACHA20_POLY1305_SHA256'],
  [0x1304, 'TLS_AES_128_CCM_SHA256'],
  [0x002f, 'TLS_RSA_WITH_AES_128_CBC_SHA'],
  [0x0035, 'TLS_RSA_WITH_AES_256_CBC_SHA'],
  [0x00ff, 'TLS_EMPTY_RENEGOTIATION_INFO_SCSV'],
  [0xc02b, 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
  [0xc02c, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
  [0xc02f, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
  [0xc030, 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
  [0xcca8, 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'],
  [0xcca9, 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
])

const extensionTypes = { serverName: 0, alpn: 16, supportedVersions: 43 } as const

/** A ServerHello whose random begins so is a HelloRetryRequest: SHA-256 of that name (RFC 8446 section 4.1.3). */
const RETRY_RANDOM_START = 0xcf21ad74

export interface TlsRecordHeader {
  readonly type: TlsContentType
  /** As `TLS 1.2`; in TLS 1.3 records say 1.2 or 1.0 for old middleboxes. */
  readonly version: string
  /** Of the fragment that follows. */
  readonly length: number
}

/** `octets` has at least 5. Throws `WireError` if no TLS record begins so. */
export function decodeTlsRecordHeader(octets: Uint8Array): TlsRecordHeader {
  const reader = new OctetReader(octets, 'tls')
  const type = reader.u8('content type')
  const version = reader.u16('version')
  const length = reader.u16('length')
  const typeName = (tlsContentTypes as Readonly<Record<number, TlsContentType>>)[type]
  if (typeName === undefined) throw new WireError('tls', 0, `content type ${type}`)
  if (version >> 8 !== 3 || !versionNames.has(version))
    throw new WireError('tls', 1, `version 0x${version.toString(16)}`)
  if (length > FRAGMENT_OCTETS_MAX) throw new WireError('tls', 3, `fragment of ${length} octets`)
  return { type: typeName, version: nameVersion(version), length }
}

export interface TlsClientHello {
  /** What it offers, best first. */
  readonly versions: readonly string[]
  readonly cipherSuites: readonly string[]
  /** The host asked for by name (SNI), in clear; null if none was. */
  readonly serverName: string | null
  readonly applicationProtocols: readonly string[]
}

export interface TlsServerHello {
  readonly version: string
  readonly cipherSuite: string
  readonly isRetryRequest: boolean
}

/** What one direction consists of. */
export interface TlsDirection {
  /** Whole records. */
  readonly records: number
  /** Sum of the fragments of application data: what is carried, sealed. */
  readonly applicationOctets: number
  /** No record was cut or made no sense. */
  readonly isWhole: boolean
}

export interface TlsOpening {
  readonly clientHello: TlsClientHello | null
  readonly serverHello: TlsServerHello | null
  readonly client: TlsDirection
  readonly server: TlsDirection
}

/**
 * Recognise a TLS connection and tell what anyone can read of it. Null unless the client's direction (or, if that is
 * empty, the server's) begins with a handshake record that holds its hello.
 */
export function describeTlsOpening(octetsClient: Uint8Array, octetsServer: Uint8Array): TlsOpening | null {
  const client = walkRecords(octetsClient)
  const server = walkRecords(octetsServer)
  const clientHello = orNull(() => decodeClientHello(client.handshake))
  const serverHello = orNull(() => decodeServerHello(server.handshake))
  if (clientHello === null && (serverHello === null || octetsClient.length > 0)) return null
  return { clientHello, serverHello, client: client.direction, server: server.direction }
}

/** `message` begins with the handshake type. */
export function decodeClientHello(message: Uint8Array): TlsClientHello {
  const reader = handshakeReader(message, 1, 'ClientHello')
  const legacyVersion = reader.u16('legacy_version')
  reader.view(32, 'random')
  reader.view(reader.u8('length of legacy_session_id'), 'legacy_session_id')
  const suites = nested(reader, reader.u16('length of cipher_suites'), 'cipher_suites')
  const cipherSuites: string[] = []
  while (suites.remaining > 0) cipherSuites.push(nameCipherSuite(suites.u16('cipher suite')))
  reader.view(reader.u8('length of legacy_compression_methods'), 'legacy_compression_methods')
  const extensions = readExtensions(reader)
  const offered = extensions.get(extensionTypes.supportedVersions)
  return {
    versions: offered === undefined ? [nameVersion(legacyVersion)] : readVersions(offered),
    cipherSuites,
    serverName: readServerName(extensions.get(extensionTypes.serverName)),
    applicationProtocols: readApplicationProtocols(extensions.get(extensionTypes.alpn)),
  }
}

/** `message` begins with the handshake type. */
export function decodeServerHello(message: Uint8Array): TlsServerHello {
  const reader = handshakeReader(message, 2, 'ServerHello')
  const legacyVersion = reader.u16('legacy_version')
  const random = reader.view(32, 'random')
  reader.view(reader.u8('length of legacy_session_id_echo'), 'legacy_session_id_echo')
  const cipherSuite = nameCipherSuite(reader.u16('cipher_suite'))
  reader.u8('legacy_compression_method')
  const chosen = readExtensions(reader).get(extensionTypes.supportedVersions)
  return {
    version: nameVersion(chosen === undefined ? legacyVersion : new OctetReader(chosen, 'tls').u16('selected_version')),
    cipherSuite,
    isRetryRequest: readU32be(random, 0) === RETRY_RANDOM_START && chosen !== undefined,
  }
}

interface WalkedRecords {
  readonly direction: TlsDirection
  /** The clear handshake octets at the start. */
  readonly handshake: Uint8Array
}

function walkRecords(octets: Uint8Array): WalkedRecords {
  const fragments: Uint8Array[] = []
  let records = 0
  let applicationOctets = 0
  let offset = 0
  let isOpening = true
  try {
    while (offset + TLS_HEADER_OCTETS <= octets.length) {
      const { type, length } = decodeTlsRecordHeader(octets.subarray(offset, offset + TLS_HEADER_OCTETS))
      const end = offset + TLS_HEADER_OCTETS + length
      // The first record may be cut and still hold a whole hello; later ones count when whole.
      isOpening &&= type === 'handshake' && offset < HELLO_OCTETS_MAX
      if (isOpening) fragments.push(octets.subarray(offset + TLS_HEADER_OCTETS, end))
      if (end > octets.length) break
      if (type === 'application_data') applicationOctets += length
      records++
      offset = end
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
  }
  const direction = { records, applicationOctets, isWhole: offset === octets.length }
  return { direction, handshake: concatOctets(fragments) }
}

function handshakeReader(message: Uint8Array, type: number, name: string): OctetReader {
  const reader = new OctetReader(message, 'tls')
  const found = reader.u8('handshake type')
  if (found !== type) throw new WireError('tls', 0, `handshake type ${found} where ${name} belongs`)
  const length = (reader.u8('length') << 16) | reader.u16('length')
  return nested(reader, length, name)
}

function nested(reader: OctetReader, length: number, what: string): OctetReader {
  return new OctetReader(reader.view(length, what), 'tls')
}

/** Extension data by type; none at all is allowed (RFC 5246 section 7.4.1.2). */
function readExtensions(reader: OctetReader): ReadonlyMap<number, Uint8Array> {
  const extensions = new Map<number, Uint8Array>()
  if (reader.remaining === 0) return extensions
  const list = nested(reader, reader.u16('length of extensions'), 'extensions')
  while (list.remaining > 0) {
    const type = list.u16('extension type')
    extensions.set(type, list.view(list.u16('length of extension'), 'extension'))
  }
  return extensions
}

function readVersions(data: Uint8Array): string[] {
  const reader = new OctetReader(data, 'tls')
  const list = nested(reader, reader.u8('length of versions'), 'versions')
  const versions: string[] = []
  while (list.remaining > 0) versions.push(nameVersion(list.u16('version')))
  return versions
}

function readServerName(data: Uint8Array | undefined): string | null {
  if (data === undefined || data.length === 0) return null
  const reader = new OctetReader(data, 'tls')
  const list = nested(reader, reader.u16('length of server_name_list'), 'server_name_list')
  while (list.remaining > 0) {
    const type = list.u8('name type')
    const name = list.view(list.u16('length of name'), 'name')
    if (type === 0) return latin1Text(name)
  }
  return null
}

function readApplicationProtocols(data: Uint8Array | undefined): string[] {
  if (data === undefined) return []
  const reader = new OctetReader(data, 'tls')
  const list = nested(reader, reader.u16('length of protocols'), 'protocols')
  const protocols: string[] = []
  while (list.remaining > 0) protocols.push(list.latin1(list.u8('length of protocol'), 'protocol'))
  return protocols
}

function nameVersion(version: number): string {
  return versionNames.get(version) ?? `0x${version.toString(16).padStart(4, '0')}`
}

function nameCipherSuite(suite: number): string {
  return cipherSuiteNames.get(suite) ?? `0x${suite.toString(16).padStart(4, '0')}`
}

function orNull<T>(decode: () => T): T | null {
  try {
    return decode()
  } catch (error) {
    if (error instanceof WireError) return null
    throw error
  }
}
