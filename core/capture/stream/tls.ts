/** TLS records, and the handshake as far as it is in clear (RFC 8446 sections 4 and 5, RFC 5246 section 7.4). */
import { WireError } from '../../base/errors.js'
import { latin1Text, readU16be } from '../../base/octets.js'
import { decodeServerHello } from '../../secure/wire/tls-records.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UnitWalker } from './unit-walker.js'

const FRAGMENT_OCTETS_MAX = 2 ** 14 + 2048
const CHANGE_CIPHER_SPEC = 20
const ALERT = 21
const HANDSHAKE = 22
const APPLICATION_DATA = 23
/** Detail of a record whose fragment is sealed. */
const SEALED = 1

const contentWords: Readonly<Record<number, string>> = {
  20: 'Change Cipher Spec',
  21: 'Alert',
  22: 'Handshake',
  23: 'Application Data',
  24: 'Heartbeat',
}
const handshakeWords: Readonly<Record<number, string>> = {
  0: 'Hello Request',
  1: 'Client Hello',
  2: 'Server Hello',
  4: 'New Session Ticket',
  8: 'Encrypted Extensions',
  11: 'Certificate',
  12: 'Server Key Exchange',
  13: 'Certificate Request',
  14: 'Server Hello Done',
  15: 'Certificate Verify',
  16: 'Client Key Exchange',
  20: 'Finished',
}
const versionWords = { 0x0300: 'SSL 3.0', 0x0301: 'TLS 1.0', 0x0302: 'TLS 1.1', 0x0303: 'TLS 1.2', 0x0304: 'TLS 1.3' }
const extensionWords = {
  0: 'server_name',
  10: 'supported_groups',
  11: 'ec_point_formats',
  13: 'signature_algorithms',
  16: 'application_layer_protocol_negotiation',
  22: 'encrypt_then_mac',
  23: 'extended_master_secret',
  35: 'session_ticket',
  43: 'supported_versions',
  45: 'psk_key_exchange_modes',
  51: 'key_share',
}

export const tlsFields = {
  tls: protocol('tls', 'Transport Layer Security'),
  contentType: field('tls.record.content_type', 'Content type', 'uint8', { words: contentWords }),
  opaqueType: field('tls.record.opaque_type', 'Opaque type', 'uint8', { words: contentWords }),
  recordVersion: field('tls.record.version', 'Version', 'uint16', { base: 'hex', words: versionWords }),
  recordLength: field('tls.record.length', 'Length', 'uint16'),
  handshakeType: field('tls.handshake.type', 'Handshake type', 'uint8', { words: handshakeWords }),
  handshakeLength: field('tls.handshake.length', 'Length', 'uint24'),
  handshakeVersion: field('tls.handshake.version', 'Version', 'uint16', { base: 'hex', words: versionWords }),
  random: field('tls.handshake.random', 'Random', 'octets'),
  sessionIdLength: field('tls.handshake.session_id_length', 'Session id length', 'uint8'),
  sessionId: field('tls.handshake.session_id', 'Session id', 'octets'),
  cipherSuite: field('tls.handshake.ciphersuite', 'Cipher suite', 'uint16', {
    base: 'hex',
    words: {
      0x1301: 'TLS_AES_128_GCM_SHA256',
      0x1302: 'TLS_AES_256_GCM_SHA384',
      0x1303: 'TLS_CHACHA20_POLY1305_SHA256',
      0xc02b: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
      0xc02c: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
      0xc02f: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
      0xc030: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
      0xcca8: 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
      0xcca9: 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
    },
  }),
  extensionsLength: field('tls.handshake.extensions_length', 'Extensions length', 'uint16'),
  extensionType: field('tls.handshake.extension.type', 'Extension', 'uint16', { words: extensionWords }),
  extensionLength: field('tls.handshake.extension.len', 'Length', 'uint16'),
  serverName: field('tls.handshake.extensions_server_name', 'Server name', 'text'),
  supportedVersion: field('tls.handshake.extensions.supported_version', 'Supported version', 'uint16', {
    base: 'hex',
    words: versionWords,
  }),
  alertLevel: field('tls.alert_message.level', 'Level', 'uint8', { words: { 1: 'Warning', 2: 'Fatal' } }),
  alertDescription: field('tls.alert_message.desc', 'Description', 'uint8', {
    words: {
      0: 'Close Notify',
      10: 'Unexpected Message',
      20: 'Bad Record MAC',
      40: 'Handshake Failure',
      42: 'Bad Certificate',
    },
  }),
  changeCipherSpec: field('tls.change_cipher_spec', 'Change cipher spec message', 'none'),
  applicationData: field('tls.app_data', 'Encrypted application data', 'octets'),
  sealedHandshake: field('tls.handshake.sealed', 'Encrypted handshake message', 'octets'),
}

class TlsWalker extends UnitWalker {
  private isSealed = false

  protected measure(octets: Uint8Array, start: number, end: number): number {
    this.needed = 5
    if (end - start < 5) return 0
    const type = octets[start] ?? 0
    const version = readU16be(octets, start + 1)
    const length = readU16be(octets, start + 3)
    if (contentWords[type] === undefined) throw new WireError('tls', 0, `content type ${type}`)
    if (version >>> 8 !== 3) throw new WireError('tls', 1, `version 0x${version.toString(16)}`)
    if (length > FRAGMENT_OCTETS_MAX) throw new WireError('tls', 3, `fragment of ${length} octets`)
    if (this.columnName === null && type === HANDSHAKE) {
      // The version that was agreed on stands in the server's hello.
      this.needed = 5 + length
      if (end - start < 5 + length) return 0
      this.columnName = versionOf(octets.subarray(start + 5, start + 5 + length))
    }
    this.is(type, this.isSealed && type !== CHANGE_CIPHER_SPEC ? SEALED : 0)
    this.isSealed ||= type === CHANGE_CIPHER_SPEC
    return 5 + length
  }
}

/** `TLSv1.3` of a server's hello; null for anything else, since a client only offers. */
function versionOf(message: Uint8Array): string | null {
  if (message[0] !== 2) return null
  try {
    return decodeServerHello(message).version.replace('TLS ', 'TLSv').replace('SSL ', 'SSLv')
  } catch (error) {
    if (error instanceof WireError) return null
    throw error
  }
}

export const tlsProtocol: StreamProtocol = Object.freeze({
  columnName: 'TLS',
  layer: tlsFields.tls,
  makeWalker: (): UnitWalker => new TlsWalker(),
  dissectUnit(dissection: Dissection, _walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    const { octets, sink } = dissection
    need('tls', start, 5, end)
    const title = sink.wantsText ? `Transport Layer Security, ${contentWords[unit.type] ?? 'record'}` : ''
    sink.open(tlsFields.tls, start, end - start, null, title)
    const typeField = unit.type === APPLICATION_DATA ? tlsFields.opaqueType : tlsFields.contentType
    sink.field(typeField, start, 1, unit.type)
    sink.field(tlsFields.recordVersion, start + 1, 2, readU16be(octets, start + 1))
    sink.field(tlsFields.recordLength, start + 3, 2, end - start - 5)
    putFragment(dissection, unit, start + 5, end)
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    const parts: string[] = []
    for (const { first, count, head } of units) {
      const isClearHandshake = first.type === HANDSHAKE && first.detail !== SEALED
      const name = isClearHandshake
        ? (handshakeWords[head[5] ?? 255] ?? 'Handshake')
        : first.type === HANDSHAKE
          ? 'Encrypted Handshake Message'
          : (contentWords[first.type] ?? 'not read on')
      for (let index = 0; index < Math.min(count, 8); index++) parts.push(name)
    }
    return parts.join(', ')
  },
})

function putFragment(dissection: Dissection, unit: StreamUnit, start: number, end: number): void {
  const { octets, sink } = dissection
  if (unit.type === CHANGE_CIPHER_SPEC) return sink.field(tlsFields.changeCipherSpec, start, end - start, null)
  if (unit.type === APPLICATION_DATA) return sink.field(tlsFields.applicationData, start, end - start, null)
  if (unit.type === ALERT && unit.detail !== SEALED && end - start === 2) {
    sink.field(tlsFields.alertLevel, start, 1, octets[start] ?? 0)
    return sink.field(tlsFields.alertDescription, start + 1, 1, octets[start + 1] ?? 0)
  }
  if (unit.detail === SEALED || unit.type !== HANDSHAKE)
    return sink.field(tlsFields.sealedHandshake, start, end - start, null)
  for (let at = start; at < end;) {
    need('tls', at, 4, end)
    const length = ((octets[at + 1] ?? 0) << 16) | readU16be(octets, at + 2)
    // A message may go on in the next record: then it is shown to the end of this one.
    const messageEnd = Math.min(end, at + 4 + length)
    const type = octets[at] ?? 0
    sink.field(tlsFields.handshakeType, at, 1, type)
    sink.field(tlsFields.handshakeLength, at + 1, 3, length)
    if (type === 1 || type === 2) putHello(dissection, type, at + 4, messageEnd)
    at = messageEnd
  }
}

function putHello(dissection: Dissection, type: number, start: number, end: number): void {
  const { octets, sink } = dissection
  need('tls', start, 35, end)
  sink.field(tlsFields.handshakeVersion, start, 2, readU16be(octets, start))
  sink.field(tlsFields.random, start + 2, 32, null)
  const sessionOctets = octets[start + 34] ?? 0
  sink.field(tlsFields.sessionIdLength, start + 34, 1, sessionOctets)
  if (sessionOctets > 0) sink.field(tlsFields.sessionId, start + 35, sessionOctets, null)
  let at = start + 35 + sessionOctets
  need('tls', at, 3, end)
  const suitesOctets = type === 1 ? readU16be(octets, at) : 2
  if (type === 1) at += 2
  need('tls', at, suitesOctets + 1, end)
  for (const last = at + suitesOctets; at < last; at += 2)
    sink.field(tlsFields.cipherSuite, at, 2, readU16be(octets, at))
  at += type === 1 ? 1 + (octets[at] ?? 0) : 1 // compression methods
  if (at + 2 > end) return
  const extensionsEnd = Math.min(end, at + 2 + readU16be(octets, at))
  sink.field(tlsFields.extensionsLength, at, 2, readU16be(octets, at))
  for (at += 2; at < extensionsEnd;) {
    need('tls', at, 4, extensionsEnd)
    const extension = readU16be(octets, at)
    const length = readU16be(octets, at + 2)
    need('tls', at + 4, length, extensionsEnd)
    sink.open(tlsFields.extensionType, at, 4 + length, extension)
    sink.field(tlsFields.extensionLength, at + 2, 2, length)
    putExtension(dissection, extension, type, at + 4, at + 4 + length)
    sink.close()
    at += 4 + length
  }
}

function putExtension({ octets, sink }: Dissection, extension: number, hello: number, at: number, end: number): void {
  if (extension === 0 && end - at >= 5) {
    const length = Math.min(end - at - 5, readU16be(octets, at + 3))
    sink.field(tlsFields.serverName, at + 5, length, latin1Text(octets.subarray(at + 5, at + 5 + length)))
  } else if (extension === 43) {
    for (let version = hello === 1 ? at + 1 : at; version + 2 <= end; version += 2)
      sink.field(tlsFields.supportedVersion, version, 2, readU16be(octets, version))
  }
}
