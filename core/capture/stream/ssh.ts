/** SSH 2 as far as it is in clear (RFC 4253): the version lines, the packets up to NEWKEYS, and that the rest is sealed. */
import { WireError } from '../../base/errors.js'
import { latin1Text, readU32be } from '../../base/octets.js'
import { SSH_PACKET_OCTETS_MAX, sshMessageName, sshMessageNumbers } from '../../secure/wire/ssh-messages.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol, type FieldDefinition } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UNIT, UnitWalker } from './unit-walker.js'

const VERSION_LINE = 1
const PACKET = 2
const LINE_OCTETS_MAX = 4096

const messageWords: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(sshMessageNumbers).map(([name, number]) => [number, name]),
)
const list = (name: string, label: string): FieldDefinition => field(`ssh.${name}`, label, 'text')

export const sshFields = {
  ssh: protocol('ssh', 'SSH Protocol'),
  protocol: field('ssh.protocol', 'Protocol', 'text'),
  packetLength: field('ssh.packet_length', 'Packet length', 'uint32'),
  paddingLength: field('ssh.padding_length', 'Padding length', 'uint8'),
  messageCode: field('ssh.message_code', 'Message', 'uint8', { words: messageWords }),
  cookie: field('ssh.cookie', 'Cookie', 'octets'),
  kex: list('kex_algorithms', 'Key exchange'),
  hostKeys: list('server_host_key_algorithms', 'Host keys of the server'),
  ciphersToServer: list('encryption_algorithms_client_to_server', 'Ciphers to the server'),
  ciphersToClient: list('encryption_algorithms_server_to_client', 'Ciphers to the client'),
  macsToServer: list('mac_algorithms_client_to_server', 'MACs to the server'),
  macsToClient: list('mac_algorithms_server_to_client', 'MACs to the client'),
  compressionToServer: list('compression_algorithms_client_to_server', 'Compression to the server'),
  compressionToClient: list('compression_algorithms_server_to_client', 'Compression to the client'),
  languagesToServer: list('languages_client_to_server', 'Languages to the server'),
  languagesToClient: list('languages_server_to_client', 'Languages to the client'),
  firstFollows: field('ssh.first_kex_packet_follows', 'First key exchange packet follows', 'uint8'),
  ephemeralClient: field('ssh.ecdh.q_c', 'Ephemeral public key of the client', 'octets'),
  ephemeralServer: field('ssh.ecdh.q_s', 'Ephemeral public key of the server', 'octets'),
  hostKeyLength: field('ssh.host_key.length', 'Host key length', 'uint32'),
  hostKeyType: field('ssh.host_key.type', 'Host key type', 'text'),
  signatureLength: field('ssh.host_sig.length', 'Signature length', 'uint32'),
  signatureType: field('ssh.host_sig.type', 'Signature type', 'text'),
  paddingString: field('ssh.padding_string', 'Padding', 'octets'),
  sealed: field('ssh.sealed', 'Encrypted packets', 'octets'),
}

const KEXINIT_LISTS = [
  sshFields.kex,
  sshFields.hostKeys,
  sshFields.ciphersToServer,
  sshFields.ciphersToClient,
  sshFields.macsToServer,
  sshFields.macsToClient,
  sshFields.compressionToServer,
  sshFields.compressionToClient,
  sshFields.languagesToServer,
  sshFields.languagesToClient,
]

class SshWalker extends UnitWalker {
  override columnName = 'SSHv2'
  private state: 'line' | 'packets' | 'sealed' = 'line'

  protected measure(octets: Uint8Array, start: number, end: number): number {
    if (this.state === 'line') return this.measureLine(octets, start, end)
    if (this.state === 'sealed') {
      this.is(UNIT.sealed)
      return Infinity
    }
    this.needed = 6
    if (end - start < 6) return 0
    const packetLength = readU32be(octets, start)
    if (packetLength < 8 || packetLength > SSH_PACKET_OCTETS_MAX)
      throw new WireError('ssh', 0, `packet_length is ${packetLength}`)
    const code = octets[start + 5] ?? 0
    if (code === sshMessageNumbers.SSH_MSG_NEWKEYS) this.state = 'sealed'
    this.is(PACKET, code)
    return 4 + packetLength
  }

  private measureLine(octets: Uint8Array, start: number, end: number): number {
    const newline = octets.indexOf(0x0a, start)
    if (newline < 0 || newline >= end) {
      if (end - start > LINE_OCTETS_MAX) throw new WireError('ssh', 0, 'the version line does not end')
      return 0
    }
    // A server may send lines before its version (RFC 4253 section 4.2).
    if (latin1Text(octets.subarray(start, start + 4)) === 'SSH-') this.state = 'packets'
    this.is(VERSION_LINE)
    return newline + 1 - start
  }
}

export const sshProtocol: StreamProtocol = Object.freeze({
  columnName: 'SSH',
  layer: sshFields.ssh,
  makeWalker: (): UnitWalker => new SshWalker(),
  dissectUnit(dissection: Dissection, _walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    const { octets, sink } = dissection
    sink.open(sshFields.ssh, start, end - start, null)
    if (unit.type === VERSION_LINE) {
      const line = latin1Text(octets.subarray(start, end)).replace(/\r?\n$/, '')
      sink.field(sshFields.protocol, start, end - start, line)
    } else if (unit.type === UNIT.sealed) {
      const text = sink.wantsText ? `Encrypted packets: ${end - start} octets` : ''
      sink.field(sshFields.sealed, start, end - start, null, text)
    } else putPacket(dissection, unit.detail, start, end)
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    return units
      .map(({ first, head, packetOctets }) => {
        if (first.type === VERSION_LINE) return `Protocol (${latin1Text(head).replace(/\r?\n[\s\S]*$/, '')})`
        if (first.type === UNIT.sealed) return `Encrypted packet (len=${packetOctets})`
        if (first.type !== PACKET) return 'not read on'
        return (sshMessageName(first.detail) ?? `Message ${first.detail}`).replace('SSH_MSG_', '')
      })
      .join(', ')
  },
})

function putPacket(dissection: Dissection, code: number, start: number, end: number): void {
  const { octets, sink } = dissection
  need('ssh', start, 6, end)
  const paddingOctets = octets[start + 4] ?? 0
  sink.field(sshFields.packetLength, start, 4, readU32be(octets, start))
  sink.field(sshFields.paddingLength, start + 4, 1, paddingOctets)
  sink.field(sshFields.messageCode, start + 5, 1, code)
  const payloadEnd = Math.max(start + 6, end - paddingOctets)
  if (code === sshMessageNumbers.SSH_MSG_KEXINIT) putKexInit(dissection, start + 6, payloadEnd)
  else if (code === sshMessageNumbers.SSH_MSG_KEX_ECDH_INIT) {
    putString(dissection, sshFields.ephemeralClient, null, start + 6, payloadEnd)
  } else if (code === sshMessageNumbers.SSH_MSG_KEX_ECDH_REPLY) {
    const keyEnd = putTyped(dissection, sshFields.hostKeyLength, sshFields.hostKeyType, start + 6, payloadEnd)
    const publicEnd = putString(dissection, sshFields.ephemeralServer, null, keyEnd, payloadEnd)
    putTyped(dissection, sshFields.signatureLength, sshFields.signatureType, publicEnd, payloadEnd)
  }
  sink.field(sshFields.paddingString, payloadEnd, end - payloadEnd, null)
}

function putKexInit(dissection: Dissection, start: number, end: number): void {
  const { octets, sink } = dissection
  need('ssh', start, 16, end)
  sink.field(sshFields.cookie, start, 16, null)
  let at = start + 16
  for (const definition of KEXINIT_LISTS) at = putString(dissection, definition, 'text', at, end)
  need('ssh', at, 1, end)
  sink.field(sshFields.firstFollows, at, 1, octets[at] ?? 0)
}

/** A string of SSH's: its length, then so many octets. Returns where it ends. */
function putString(
  { octets, sink }: Dissection,
  definition: FieldDefinition,
  kind: 'text' | null,
  at: number,
  end: number,
): number {
  need('ssh', at, 4, end)
  const length = readU32be(octets, at)
  need('ssh', at + 4, length, end)
  const value = kind === 'text' ? latin1Text(octets.subarray(at + 4, at + 4 + length)) : null
  sink.field(definition, at + 4, length, value)
  return at + 4 + length
}

/** A string that holds a string, the name of its type, first: keys and signatures. */
function putTyped(
  dissection: Dissection,
  lengthField: FieldDefinition,
  typeField: FieldDefinition,
  at: number,
  end: number,
): number {
  need('ssh', at, 4, end)
  const length = readU32be(dissection.octets, at)
  dissection.sink.field(lengthField, at, 4, length)
  need('ssh', at + 4, length, end)
  putString(dissection, typeField, 'text', at + 4, at + 4 + length)
  return at + 4 + length
}
