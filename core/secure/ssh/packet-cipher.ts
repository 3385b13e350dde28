/**
 * SSH packets, clear and under chacha20-poly1305@openssh.com (OpenSSH's PROTOCOL.chacha20poly1305).
 *
 *     sealed: chacha20(headerKey, packet_length) (4) ‖ chacha20(mainKey, block 1 on, padding_length ‖ payload ‖ padding)
 *             ‖ poly1305 over both (16), under the first 32 octets of chacha20(mainKey, block 0)
 *
 * The nonce is the packet's sequence number in 8 octets. Padding makes what follows packet_length (sealed) or the whole
 * (clear) a multiple of 8, with at least 4 octets (RFC 4253 section 6).
 */
import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { chacha20orig } from '@noble/ciphers/chacha.js'
import { AuthenticationError, WireError } from '../../base/errors.js'
import { readU32be, writeU32be, writeU64be } from '../../base/octets.js'
import type { RandomOctets } from '../channel.js'
import { sealedMemory } from '../sealed-memory.js'
import { payloadOf, SSH_PACKET_OCTETS_MAX } from '../wire/ssh-messages.js'

export const TAG_OCTETS = 16
const BLOCK_OCTETS = 8
const CIPHER = 'chacha20-poly1305@openssh.com'

/** 32 octets each. */
export interface PacketKeys {
  readonly mainKey: Uint8Array
  readonly headerKey: Uint8Array
}

/** The packet for the payload `head` ‖ `body`; clear if `keys` is null. */
export function sealPacket(
  keys: PacketKeys | null,
  sequence: number,
  head: Uint8Array,
  body: Uint8Array,
  random: RandomOctets,
): Uint8Array {
  const payloadOctets = head.length + body.length
  const aligned = (keys === null ? 4 : 0) + 1 + payloadOctets
  let paddingOctets = BLOCK_OCTETS - (aligned % BLOCK_OCTETS)
  if (paddingOctets < 4) paddingOctets += BLOCK_OCTETS
  const packetLength = 1 + payloadOctets + paddingOctets
  const packet = new Uint8Array(4 + packetLength + (keys === null ? 0 : TAG_OCTETS))
  writeU32be(packet, 0, packetLength)
  packet[4] = paddingOctets
  packet.set(head, 5)
  packet.set(body, 5 + head.length)
  packet.set(random.octets(paddingOctets), 5 + payloadOctets)
  if (keys === null) return packet
  const nonce = nonceOf(sequence)
  const length = packet.subarray(0, 4)
  chacha20orig(keys.headerKey, nonce, length, length)
  const plain = packet.slice(4, 4 + packetLength)
  chacha20orig(keys.mainKey, nonce, plain, packet.subarray(4, 4 + packetLength), 1)
  packet.set(tagOf(keys, nonce, packet.subarray(0, 4 + packetLength)), 4 + packetLength)
  sealedMemory.remember(CIPHER, keys.mainKey, nonce, { associated: length, sealed: packet.subarray(4), plain })
  return packet
}

/** packet_length from the first 4 octets of a sealed packet. It is not authenticated until the whole packet is. */
export function openPacketLength(keys: PacketKeys, sequence: number, sealedLength: Uint8Array): number {
  const packetLength = readU32be(chacha20orig(keys.headerKey, nonceOf(sequence), sealedLength), 0)
  if (packetLength < BLOCK_OCTETS || packetLength > SSH_PACKET_OCTETS_MAX || packetLength % BLOCK_OCTETS !== 0)
    throw new WireError('ssh', 0, `packet ${sequence}: packet_length is ${packetLength} (wrong key, or changed)`)
  return packetLength
}

/** The payload of a whole sealed packet, tag included. Works in place: `packet` is the caller's to lose. */
export function openPacket(keys: PacketKeys, sequence: number, packet: Uint8Array): Uint8Array {
  const nonce = nonceOf(sequence)
  const known = sealedMemory.recall(CIPHER, keys.mainKey, nonce, packet.subarray(0, 4), packet.subarray(4))
  if (known !== null) return payloadOf(known)
  const tagAt = packet.length - TAG_OCTETS
  const expected = tagOf(keys, nonce, packet.subarray(0, tagAt))
  let difference = 0
  for (let i = 0; i < TAG_OCTETS; i++) difference |= (packet[tagAt + i] as number) ^ (expected[i] as number)
  if (difference !== 0) throw new AuthenticationError('ssh', `packet ${sequence}: the tag was refused`)
  const sealed = packet.subarray(4, tagAt)
  chacha20orig(keys.mainKey, nonce, sealed, sealed, 1)
  return payloadOf(sealed)
}

function tagOf(keys: PacketKeys, nonce: Uint8Array, sealed: Uint8Array): Uint8Array {
  return poly1305(sealed, chacha20orig(keys.mainKey, nonce, new Uint8Array(32)))
}

function nonceOf(sequence: number): Uint8Array {
  const nonce = new Uint8Array(8)
  writeU64be(nonce, 0, sequence)
  return nonce
}
