/**
 * ESP packets (RFC 4303) under AES-GCM with a 16-octet ICV (RFC 4106), 256-bit keys.
 *
 *     SPI (4) ‖ sequence number (4) ‖ IV (8) ‖ sealed(payload ‖ padding ‖ pad length (1) ‖ next header (1)) ‖ ICV (16)
 *
 * Padding is 1, 2, 3, ... and makes what is sealed a multiple of 4 octets. The nonce is the key's salt (4) and the IV; the IV
 * is the sequence number, so that none comes twice. SPI and sequence number are authenticated with the rest. Extended
 * sequence numbers are not used: an association ends with its 2^32nd packet.
 */
import { AuthenticationError, WireError } from '../../base/errors.js'
import { readU32be, writeU32be } from '../../base/octets.js'
import { openGcm, sealGcmInto } from '../aes-gcm.js'
import { sealedMemory } from '../sealed-memory.js'
import { ReplayWindow } from './replay-window.js'

const CIPHER = 'esp aes-256-gcm-16'
/** SPI, sequence number. */
const HEADER_OCTETS = 8
const IV_OCTETS = 8
const ICV_OCTETS = 16
const SALT_OCTETS = 4
const ALIGNMENT = 4
/** The least that an ESP packet has: nothing but padding is sealed. */
const PACKET_OCTETS_MIN = HEADER_OCTETS + IV_OCTETS + ALIGNMENT + ICV_OCTETS
const SEQUENCE_MAX = 0xffff_ffff

/** Of one direction. */
export interface EspKeys {
  /** Chosen by the receiver. */
  readonly spi: number
  /** 32 octets. */
  readonly key: Uint8Array
  /** 4 octets. */
  readonly salt: Uint8Array
}

/** What a sender keeps of an association. */
export class SealingAssociation {
  /** Of the packet that was sent last; the first has 1. */
  sequence = 0
  constructor(readonly keys: EspKeys) {}

  get isUsedUp(): boolean {
    return this.sequence >= SEQUENCE_MAX
  }
}

/** What a receiver keeps of an association. */
export class OpeningAssociation {
  readonly window = new ReplayWindow()
  constructor(readonly keys: EspKeys) {}
}

export interface EspPayload {
  /** The protocol of what was sealed. */
  readonly nextHeader: number
  readonly octets: Uint8Array
}

/** Octets that ESP makes of a payload of `payloadOctets`. */
export function espOctets(payloadOctets: number): number {
  return HEADER_OCTETS + IV_OCTETS + paddedOctets(payloadOctets) + ICV_OCTETS
}

/** The longest payload that fits `espOctetsMax` octets of ESP. */
export function espPayloadMax(espOctetsMax: number): number {
  return ((espOctetsMax - HEADER_OCTETS - IV_OCTETS - ICV_OCTETS) & -ALIGNMENT) - 2
}

/** Fills `packet`, which has `espOctets` of the payload, and gives it. `association` must not be used up. */
export function sealEsp(
  association: SealingAssociation,
  { nextHeader, octets }: EspPayload,
  packet: Uint8Array = new Uint8Array(espOctets(octets.length)),
): Uint8Array {
  const { keys } = association
  const sequence = ++association.sequence
  packet.fill(0, 8, 12)
  writeU32be(packet, 0, keys.spi)
  writeU32be(packet, 4, sequence)
  writeU32be(packet, 12, sequence)
  const nonce = nonceOf(keys, packet)
  const associated = packet.subarray(0, HEADER_OCTETS)
  const sealed = packet.subarray(HEADER_OCTETS + IV_OCTETS)
  const plain = paddedPayload(nextHeader, octets)
  sealGcmInto(sealed, keys.key, nonce, associated, plain)
  sealedMemory.remember(CIPHER, keys.key, nonce, { associated, sealed, plain })
  return packet
}

/** Filled anew for each packet. */
let padded = new Uint8Array(2048)

/** What is sealed: lent until the next call. */
function paddedPayload(nextHeader: number, octets: Uint8Array): Uint8Array {
  const length = paddedOctets(octets.length)
  if (length > padded.length) padded = new Uint8Array(2 * length)
  padded.set(octets)
  const padLength = length - octets.length - 2
  for (let pad = 1; pad <= padLength; pad++) padded[octets.length + pad - 1] = pad
  padded[length - 2] = padLength
  padded[length - 1] = nextHeader
  return padded.subarray(0, length)
}

/** `packet` begins with its SPI, which is the association's. The payload is lent until something else is sealed. Throws `WireError` or `AuthenticationError`. */
export function openEsp({ keys, window }: OpeningAssociation, packet: Uint8Array): EspPayload {
  checkEspLength(packet)
  const sequence = readU32be(packet, 4)
  const refusal = window.refusal(sequence)
  if (refusal !== null) throw new AuthenticationError('esp', refusal)
  const plain = openSealed(keys, packet)
  if (plain === null) throw new AuthenticationError('esp', 'the ICV was refused')
  window.take(sequence)
  const padLength = plain[plain.length - 2] ?? 0
  const end = plain.length - 2 - padLength
  if (end < 0) throw new WireError('esp', packet.length - ICV_OCTETS - 2, `pad length is ${padLength}`)
  for (let pad = 1; pad <= padLength; pad++)
    if (plain[end + pad - 1] !== pad)
      throw new WireError('esp', HEADER_OCTETS + IV_OCTETS + end + pad - 1, 'padding is not 1, 2, 3, ...')
  return { nextHeader: plain[plain.length - 1] ?? 0, octets: plain.subarray(0, end) }
}

/** Throws `WireError`. */
export function checkEspLength(packet: Uint8Array): void {
  if (packet.length < PACKET_OCTETS_MIN)
    throw new WireError('esp', packet.length, `shorter than ${PACKET_OCTETS_MIN} octets`)
  if (packet.length % ALIGNMENT !== 0) throw new WireError('esp', packet.length, 'not a multiple of 4 octets')
}

function openSealed(keys: EspKeys, packet: Uint8Array): Uint8Array | null {
  const nonce = nonceOf(keys, packet)
  const associated = packet.subarray(0, HEADER_OCTETS)
  const sealed = packet.subarray(HEADER_OCTETS + IV_OCTETS)
  const known = sealedMemory.recall(CIPHER, keys.key, nonce, associated, sealed)
  return known ?? openGcm(keys.key, nonce, associated, sealed)
}

function paddedOctets(payloadOctets: number): number {
  return (payloadOctets + 2 + ALIGNMENT - 1) & -ALIGNMENT
}

function nonceOf({ salt }: EspKeys, packet: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(SALT_OCTETS + IV_OCTETS)
  nonce.set(salt)
  nonce.set(packet.subarray(HEADER_OCTETS, HEADER_OCTETS + IV_OCTETS), SALT_OCTETS)
  return nonce
}
