/** Tell a protocol by the first octets of a connection, whatever its port. */
import { readU32be } from '../base/octets.js'
import { MULTIFD_MAGIC, QEMU_VM_FILE_MAGIC } from '../migration/wire/qevm.js'
import type { StreamProtocol } from './analysis-report.js'

/** Octets of each direction that are kept to describe an opening: a TLS certificate chain fits. */
export const OPENING_OCTETS_MAX = 16_384

/** SSH (RFC 4253 section 4.2), this lab's NaCl and record channels of any version, methods and version of HTTP. */
const texts: readonly (readonly [string, StreamProtocol])[] = [
  ['SSH-', 'ssh'],
  ['MIDNACL', 'nacl'],
  ['MIDRECS', 'records'],
  ['GET ', 'http'],
  ['POST ', 'http'],
  ['PUT ', 'http'],
  ['HEAD ', 'http'],
  ['DELETE ', 'http'],
  ['OPTIONS ', 'http'],
  ['PATCH ', 'http'],
  ['HTTP/1.', 'http'],
]

/** `unknown` when the octets open nothing that is known; null when fewer octets are there than it takes to tell. */
export function protocolOf(octets: Uint8Array): StreamProtocol | null {
  if (octets.length < 8) return null
  const magic = readU32be(octets, 0)
  if (magic === QEMU_VM_FILE_MAGIC) return 'qevm'
  if (magic === MULTIFD_MAGIC) return 'multifd'
  // Only a marker so far; what it marks is looked at when it is read.
  if (octets.subarray(0, 8).every((octet) => octet === 0xff)) return 'libxc'
  // TLSPlaintext (RFC 8446 section 5.1): handshake, legacy version 3.x, then ClientHello or ServerHello.
  if (octets[0] === 0x16 && octets[1] === 3 && octets[2]! <= 4 && (octets[5] === 1 || octets[5] === 2)) return 'tls'
  const head = String.fromCharCode(...octets.subarray(0, 8))
  return texts.find(([text]) => head.startsWith(text))?.[1] ?? 'unknown'
}

/**
 * Whether octets look sealed: a chi-squared test of their distribution against the uniform one. 255 degrees of freedom;
 * random octets stay under 350 but once in ten thousand, text and programs are in the tens of thousands.
 */
export function looksSealed(octets: Uint8Array): boolean {
  if (octets.length < 1024) return false
  const counts = new Uint32Array(256)
  for (const octet of octets) counts[octet]!++
  const expected = octets.length / 256
  let chiSquared = 0
  for (const count of counts) chiSquared += ((count - expected) * (count - expected)) / expected
  return chiSquared < 400
}
