/** Tell what a direction of a stream carries by its first octets, whatever its port. */
import { latin1Text, readU32be } from '../../base/octets.js'
import { MULTIFD_MAGIC, opensRecovery, QEMU_VM_FILE_MAGIC } from '../../migration/wire/qevm.js'
import { RECORDS_MAGIC } from '../../secure/wire/records.js'
import { VMOTION_MAGIC } from '../../secure/wire/vmotion-offer.js'
import { httpProtocol } from './http.js'
import { libxcProtocol } from './libxc.js'
import { multifdProtocol } from './multifd.js'
import { naclProtocol } from './nacl.js'
import { recordsProtocol } from './records.js'
import { vmotionProtocol } from './vmotion.js'
import { qevmProtocol } from './qevm.js'
import { respProtocol } from './resp.js'
import { returnPathProtocol } from './return-path.js'
import { sshProtocol } from './ssh.js'
import type { StreamProtocol } from './stream-protocol.js'
import { tlsProtocol } from './tls.js'

export const streamProtocols: readonly StreamProtocol[] = [
  qevmProtocol,
  returnPathProtocol,
  libxcProtocol,
  multifdProtocol,
  sshProtocol,
  tlsProtocol,
  naclProtocol,
  recordsProtocol,
  vmotionProtocol,
  httpProtocol,
  respProtocol,
]

/** So many octets are enough to tell. */
export const RECOGNISED_OCTETS_MAX = 16
const ENOUGH_OCTETS = 8

/** Both directions of these speak the same way, whoever began. */
const symmetric: ReadonlySet<StreamProtocol> = new Set([sshProtocol, tlsProtocol, naclProtocol])

/** Null when more octets are needed. `opposite` is what the other direction carries. */
export function recogniseStream(
  opening: Uint8Array,
  opposite: StreamProtocol | null,
): StreamProtocol | 'unknown' | null {
  if (latin1Text(opening.subarray(0, VMOTION_MAGIC.length)) === VMOTION_MAGIC) return vmotionProtocol
  if (opposite === qevmProtocol || opposite === libxcProtocol) return returnPathProtocol
  if (opposite !== null && symmetric.has(opposite)) return opposite
  const text = latin1Text(opening)
  // A RESP value ends in CR LF, and may be shorter than other openings.
  if (/^([*$:]-?\d+|[+-][ -~]*)\r\n/.test(text) || /^[*$]\d{1,10}$/.test(text.slice(0, -1))) return respProtocol
  if (opening.length < ENOUGH_OCTETS) return null
  const magic = readU32be(opening, 0)
  if (magic === QEMU_VM_FILE_MAGIC || opensRecovery(opening)) return qevmProtocol
  if (magic === MULTIFD_MAGIC) return multifdProtocol
  if (opening.subarray(0, 8).every((octet) => octet === 0xff)) return libxcProtocol
  const isHello = opening[5] === 1 || opening[5] === 2
  if (opening[0] === 22 && opening[1] === 3 && (opening[2] ?? 255) <= 4 && isHello) return tlsProtocol
  if (text.startsWith('SSH-')) return sshProtocol
  if (text.startsWith('MIDNACL')) return naclProtocol
  if (text.startsWith(RECORDS_MAGIC)) return recordsProtocol
  if (/^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH) |^HTTP\/1\./.test(text)) return httpProtocol
  return 'unknown'
}
