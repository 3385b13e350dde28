/**
 * SSH 2 as octets: what crosses before anything is sealed (RFC 4253, RFC 5656 section 4, RFC 8731) and the message
 * numbers of all layers (RFC 4250 section 4.1.2). No state, no keys.
 *
 *     packet (RFC 4253 section 6, before the first NEWKEYS):
 *       uint32 packet_length ‖ byte padding_length ‖ payload ‖ padding         packet_length counts what follows it
 *     payload: byte message number ‖ fields; string = uint32 length ‖ octets; name-list = string of names with commas
 */
import { WireError } from '../../base/errors.js'
import { latin1Octets, latin1Text, OctetReader, OctetWriter } from '../../base/octets.js'

export const sshMessageNumbers = {
  SSH_MSG_DISCONNECT: 1,
  SSH_MSG_IGNORE: 2,
  SSH_MSG_UNIMPLEMENTED: 3,
  SSH_MSG_DEBUG: 4,
  SSH_MSG_SERVICE_REQUEST: 5,
  SSH_MSG_SERVICE_ACCEPT: 6,
  SSH_MSG_EXT_INFO: 7,
  SSH_MSG_KEXINIT: 20,
  SSH_MSG_NEWKEYS: 21,
  SSH_MSG_KEX_ECDH_INIT: 30,
  SSH_MSG_KEX_ECDH_REPLY: 31,
  SSH_MSG_USERAUTH_REQUEST: 50,
  SSH_MSG_USERAUTH_FAILURE: 51,
  SSH_MSG_USERAUTH_SUCCESS: 52,
  SSH_MSG_USERAUTH_BANNER: 53,
  SSH_MSG_USERAUTH_PK_OK: 60,
  SSH_MSG_GLOBAL_REQUEST: 80,
  SSH_MSG_REQUEST_SUCCESS: 81,
  SSH_MSG_REQUEST_FAILURE: 82,
  SSH_MSG_CHANNEL_OPEN: 90,
  SSH_MSG_CHANNEL_OPEN_CONFIRMATION: 91,
  SSH_MSG_CHANNEL_OPEN_FAILURE: 92,
  SSH_MSG_CHANNEL_WINDOW_ADJUST: 93,
  SSH_MSG_CHANNEL_DATA: 94,
  SSH_MSG_CHANNEL_EXTENDED_DATA: 95,
  SSH_MSG_CHANNEL_EOF: 96,
  SSH_MSG_CHANNEL_CLOSE: 97,
  SSH_MSG_CHANNEL_REQUEST: 98,
  SSH_MSG_CHANNEL_SUCCESS: 99,
  SSH_MSG_CHANNEL_FAILURE: 100,
} as const
export type SshMessageName = keyof typeof sshMessageNumbers

const messageNames: ReadonlyMap<number, SshMessageName> = new Map(
  (Object.keys(sshMessageNumbers) as SshMessageName[]).map((name) => [sshMessageNumbers[name], name]),
)

/** `SSH_MSG_KEXINIT` for 20; undefined for a number no layer here has. */
export function sshMessageName(number: number): SshMessageName | undefined {
  return messageNames.get(number)
}

/** `SSH_MSG_DISCONNECT` reasons this program gives (RFC 4253 section 11.1). */
export const sshDisconnectReasons = { hostKeyNotVerifiable: 9, byApplication: 11, noMoreAuthMethods: 14 } as const

/** Largest packet_length that is taken; RFC 4253 section 6.1 asks for at least 35000 octets of packet. */
export const SSH_PACKET_OCTETS_MAX = 35_000
/** Length of the identification line with its CR LF (RFC 4253 section 4.2). */
export const SSH_VERSION_OCTETS_MAX = 255

export const ED25519_KEY_TYPE = 'ssh-ed25519'

/** Reads SSH's field types; what is missing is a `WireError` of protocol `ssh`. */
export class SshReader extends OctetReader {
  constructor(octets: Uint8Array) {
    super(octets, 'ssh')
  }
  string(what: string): Uint8Array {
    return this.view(this.u32(`length of ${what}`), what)
  }
  text(what: string): string {
    return latin1Text(this.string(what))
  }
  boolean(what: string): boolean {
    return this.u8(what) !== 0
  }
  nameList(what: string): string[] {
    const text = this.text(what)
    return text === '' ? [] : text.split(',')
  }
}

/** Writes SSH's field types. */
export class SshWriter extends OctetWriter {
  string(value: Uint8Array | string): this {
    const octets = typeof value === 'string' ? latin1Octets(value) : value
    return this.u32(octets.length).octets(octets)
  }
  boolean(value: boolean): this {
    return this.u8(value ? 1 : 0)
  }
  nameList(names: readonly string[]): this {
    return this.string(names.join(','))
  }
  /** A non-negative integer given as big-endian octets, in the shortest form (RFC 4251 section 5). */
  mpint(bigEndian: Uint8Array): this {
    let start = 0
    while (start < bigEndian.length && bigEndian[start] === 0) start++
    const digits = bigEndian.subarray(start)
    const needsSignOctet = (digits[0] ?? 0) >= 0x80
    this.u32(digits.length + (needsSignOctet ? 1 : 0))
    if (needsSignOctet) this.u8(0)
    return this.octets(digits)
  }
}

/** Begin a message. */
export function sshMessage(name: SshMessageName): SshWriter {
  return new SshWriter().u8(sshMessageNumbers[name])
}

/** `SSH_MSG_KEXINIT` (RFC 4253 section 7.1). */
export interface SshKexInit {
  /** 16 octets. */
  readonly cookie: Uint8Array
  readonly kexAlgorithms: readonly string[]
  readonly serverHostKeyAlgorithms: readonly string[]
  readonly encryptionClientToServer: readonly string[]
  readonly encryptionServerToClient: readonly string[]
  readonly macClientToServer: readonly string[]
  readonly macServerToClient: readonly string[]
  readonly compressionClientToServer: readonly string[]
  readonly compressionServerToClient: readonly string[]
  readonly languagesClientToServer: readonly string[]
  readonly languagesServerToClient: readonly string[]
  readonly firstKexPacketFollows: boolean
}

export function encodeKexInit(init: SshKexInit): Uint8Array {
  const writer = sshMessage('SSH_MSG_KEXINIT')
  writer.octets(init.cookie)
  for (const names of [
    init.kexAlgorithms,
    init.serverHostKeyAlgorithms,
    init.encryptionClientToServer,
    init.encryptionServerToClient,
    init.macClientToServer,
    init.macServerToClient,
    init.compressionClientToServer,
    init.compressionServerToClient,
    init.languagesClientToServer,
    init.languagesServerToClient,
  ])
    writer.nameList(names)
  return writer.boolean(init.firstKexPacketFollows).u32(0).take()
}

/** `payload` begins with the message number. */
export function decodeKexInit(payload: Uint8Array): SshKexInit {
  const reader = readerOf('SSH_MSG_KEXINIT', payload)
  const init = {
    cookie: reader.view(16, 'cookie').slice(),
    kexAlgorithms: reader.nameList('kex_algorithms'),
    serverHostKeyAlgorithms: reader.nameList('server_host_key_algorithms'),
    encryptionClientToServer: reader.nameList('encryption_algorithms_client_to_server'),
    encryptionServerToClient: reader.nameList('encryption_algorithms_server_to_client'),
    macClientToServer: reader.nameList('mac_algorithms_client_to_server'),
    macServerToClient: reader.nameList('mac_algorithms_server_to_client'),
    compressionClientToServer: reader.nameList('compression_algorithms_client_to_server'),
    compressionServerToClient: reader.nameList('compression_algorithms_server_to_client'),
    languagesClientToServer: reader.nameList('languages_client_to_server'),
    languagesServerToClient: reader.nameList('languages_server_to_client'),
    firstKexPacketFollows: reader.boolean('first_kex_packet_follows'),
  }
  reader.u32('reserved')
  return init
}

/** `SSH_MSG_KEX_ECDH_REPLY` (RFC 5656 section 4): K_S, Q_S and the signature of the exchange hash. */
export interface SshEcdhReply {
  readonly hostKeyBlob: Uint8Array
  readonly ephemeralPublic: Uint8Array
  readonly signatureBlob: Uint8Array
}

export function encodeEcdhReply(reply: SshEcdhReply): Uint8Array {
  return sshMessage('SSH_MSG_KEX_ECDH_REPLY')
    .string(reply.hostKeyBlob)
    .string(reply.ephemeralPublic)
    .string(reply.signatureBlob)
    .take()
}

export function decodeEcdhReply(payload: Uint8Array): SshEcdhReply {
  const reader = readerOf('SSH_MSG_KEX_ECDH_REPLY', payload)
  return {
    hostKeyBlob: reader.string('K_S'),
    ephemeralPublic: reader.string('Q_S'),
    signatureBlob: reader.string('signature of H'),
  }
}

/** A reader past the message number, which must be `name`'s. */
export function readerOf(name: SshMessageName, payload: Uint8Array): SshReader {
  const reader = new SshReader(payload)
  const number = reader.u8('message number')
  if (number !== sshMessageNumbers[name])
    throw new WireError('ssh', 0, `message ${sshMessageName(number) ?? number} where ${name} belongs`)
  return reader
}

/** `string "ssh-ed25519" ‖ string value`: the form of both keys (32 octets) and signatures (64), RFC 8709. */
export function encodeEd25519Blob(value: Uint8Array): Uint8Array {
  return new SshWriter().string(ED25519_KEY_TYPE).string(value).take()
}

export function decodeEd25519Blob(blob: Uint8Array, octetCount: 32 | 64): Uint8Array {
  const reader = new SshReader(blob)
  const type = reader.text('key type')
  if (type !== ED25519_KEY_TYPE) throw new WireError('ssh', 0, `key type ${type}, only ${ED25519_KEY_TYPE} is known`)
  const value = reader.string('ed25519 value')
  if (value.length !== octetCount || reader.remaining !== 0)
    throw new WireError('ssh', 4, `ed25519 value of ${value.length} octets, ${octetCount} belong here`)
  return value
}

/** The length in octets of the packet that begins with `octets`, or null when fewer than 4 are there. Clear packets only. */
export function clearPacketOctets(octets: Uint8Array): number | null {
  if (octets.length < 4) return null
  const packetLength = new SshReader(octets).u32()
  if (packetLength < 12 || packetLength > SSH_PACKET_OCTETS_MAX || (packetLength + 4) % 8 !== 0)
    throw new WireError('ssh', 0, `packet_length is ${packetLength}`)
  return 4 + packetLength
}

/** The payload, a view, of a whole clear packet. */
export function clearPacketPayload(packet: Uint8Array): Uint8Array {
  return payloadOf(packet.subarray(4))
}

/** The payload, a view, of what follows packet_length: padding_length ‖ payload ‖ padding. */
export function payloadOf(padded: Uint8Array): Uint8Array {
  const paddingOctets = padded[0] ?? 0
  const payloadOctets = padded.length - 1 - paddingOctets
  if (paddingOctets < 4 || payloadOctets < 1)
    throw new WireError('ssh', 4, `padding_length is ${paddingOctets} in a packet of ${padded.length}`)
  return padded.subarray(1, 1 + payloadOctets)
}

/** What one direction of an SSH connection shows to anyone, before it is sealed. */
export interface SshOpening {
  /** Such as `SSH-2.0-OpenSSH_9.2p1 Debian-2`. */
  readonly version: string
  readonly kexInit: SshKexInit | null
  /** Clear packets in order, with their names (or numbers) and lengths in octets. */
  readonly messages: readonly { readonly name: string; readonly octets: number }[]
  /** K_S of the server's reply: `string type ‖ ...`. Null on the client's side, or not seen. */
  readonly hostKeyBlob: Uint8Array | null
  /** Where sealed packets begin; null if NEWKEYS was not seen. */
  readonly sealedOffset: number | null
}

/** Clear packets that are looked at; a real opening has fewer. */
const OPENING_PACKETS_MAX = 32

/**
 * Recognise an SSH connection from the first octets of one direction, and tell what is in clear there. Null if it is not
 * SSH. Ends without complaint where the octets end or stop making sense.
 */
export function describeSshOpening(octets: Uint8Array): SshOpening | null {
  const start = latin1Text(octets.subarray(0, SSH_VERSION_OCTETS_MAX))
  const version = /^SSH-\d[^\r\n]*/.exec(start)?.[0]
  const lineEnd = start.indexOf('\n')
  if (version === undefined) return null
  const messages: { name: string; octets: number }[] = []
  const seen = { kexInit: null as SshKexInit | null, hostKeyBlob: null as Uint8Array | null }
  let sealedOffset: number | null = null
  let offset = lineEnd < 0 ? octets.length : lineEnd + 1
  try {
    while (sealedOffset === null && messages.length < OPENING_PACKETS_MAX) {
      const packetOctets = clearPacketOctets(octets.subarray(offset))
      if (packetOctets === null || offset + packetOctets > octets.length) break
      const payload = clearPacketPayload(octets.subarray(offset, offset + packetOctets))
      offset += packetOctets
      const number = payload[0] ?? 0
      const name = sshMessageName(number)
      messages.push({ name: name ?? `message ${number}`, octets: packetOctets })
      if (name === 'SSH_MSG_KEXINIT') seen.kexInit = decodeKexInit(payload)
      if (name === 'SSH_MSG_KEX_ECDH_REPLY') seen.hostKeyBlob = decodeEcdhReply(payload).hostKeyBlob
      if (name === 'SSH_MSG_NEWKEYS') sealedOffset = offset
    }
  } catch (error) {
    // Cut or changed after the version line: what was understood so far is the answer.
    if (!(error instanceof WireError)) throw error
  }
  return { version, ...seen, messages, sealedOffset }
}
