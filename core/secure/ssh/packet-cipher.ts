/**
 * SSH packets: clear, or under one of two ciphers that authenticate by themselves.
 *
 *     chacha20-poly1305@openssh.com (OpenSSH's PROTOCOL.chacha20poly1305)
 *         chacha20(headerKey, packet_length) (4) ‖ chacha20(mainKey, block 1 on, padding_length ‖ payload ‖ padding)
 *         ‖ poly1305 over both (16), under the first 32 octets of chacha20(mainKey, block 0)
 *         The nonce is the packet's sequence number in 8 octets.
 *     aes256-gcm@openssh.com (RFC 5647 section 7, OpenSSH's PROTOCOL section 1.6)
 *         packet_length (4), clear ‖ AES-256-GCM of padding_length ‖ payload ‖ padding, packet_length associated ‖ tag (16)
 *         The nonce is the key exchange's 12 octets, the last 8 of them a number that grows by one a packet.
 *
 * Padding makes what follows packet_length (sealed) or the whole (clear) a multiple of the cipher's block, 8 or 16
 * octets, with at least 4 octets (RFC 4253 section 6).
 */
import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { chacha20orig } from '@noble/ciphers/chacha.js'
import { AuthenticationError, WireError } from '../../base/errors.js'
import { readU32be, writeU32be, writeU64be } from '../../base/octets.js'
import type { RandomOctets } from '../channel.js'
import { openGcm, sealGcm } from '../aes-gcm.js'
import { sealedMemory } from '../sealed-memory.js'
import { payloadOf, SSH_PACKET_OCTETS_MAX } from '../wire/ssh-messages.js'

export const TAG_OCTETS = 16

/** Best first: what is offered if nobody says otherwise. */
export const sshCiphers = ['chacha20-poly1305@openssh.com', 'aes256-gcm@openssh.com'] as const
export type SshCipher = (typeof sshCiphers)[number]

const blockOctets: Readonly<Record<SshCipher | 'clear', number>> = {
  clear: 8,
  'chacha20-poly1305@openssh.com': 8,
  'aes256-gcm@openssh.com': 16,
}

/** Of one direction; keys of 32 octets. */
export type PacketKeys =
  | {
      readonly cipher: 'chacha20-poly1305@openssh.com'
      readonly mainKey: Uint8Array
      readonly headerKey: Uint8Array
    }
  | {
      readonly cipher: 'aes256-gcm@openssh.com'
      readonly mainKey: Uint8Array
      /** Of the next packet, 12 octets. Whoever seals or opens one counts it up. */
      readonly nonce: Uint8Array
    }

/** The packet for the payload `head` ‖ `body`; clear if `keys` is null. */
export function sealPacket(
  keys: PacketKeys | null,
  sequence: number,
  head: Uint8Array,
  body: Uint8Array,
  random: RandomOctets,
): Uint8Array {
  const block = blockOctets[keys?.cipher ?? 'clear']
  const payloadOctets = head.length + body.length
  const aligned = (keys === null ? 4 : 0) + 1 + payloadOctets
  let paddingOctets = block - (aligned % block)
  if (paddingOctets < 4) paddingOctets += block
  const packetLength = 1 + payloadOctets + paddingOctets
  const packet = new Uint8Array(4 + packetLength + (keys === null ? 0 : TAG_OCTETS))
  writeU32be(packet, 0, packetLength)
  packet[4] = paddingOctets
  packet.set(head, 5)
  packet.set(body, 5 + head.length)
  packet.set(random.octets(paddingOctets), 5 + payloadOctets)
  if (keys === null) return packet
  const plain = packet.slice(4, 4 + packetLength)
  const nonce = nonceOf(keys, sequence)
  const length = packet.subarray(0, 4)
  if (keys.cipher === 'aes256-gcm@openssh.com') {
    packet.set(sealGcm(keys.mainKey, nonce, length, plain), 4)
    countUp(keys.nonce)
  } else {
    chacha20orig(keys.headerKey, nonce, length, length)
    chacha20orig(keys.mainKey, nonce, plain, packet.subarray(4, 4 + packetLength), 1)
    packet.set(polyTag(keys.mainKey, nonce, packet.subarray(0, 4 + packetLength)), 4 + packetLength)
  }
  sealedMemory.remember(keys.cipher, keys.mainKey, nonce, { associated: length, sealed: packet.subarray(4), plain })
  return packet
}

/** packet_length from the first 4 octets of a sealed packet. It is not authenticated until the whole packet is. */
export function openPacketLength(keys: PacketKeys, sequence: number, sealedLength: Uint8Array): number {
  const length =
    keys.cipher === 'aes256-gcm@openssh.com'
      ? sealedLength
      : chacha20orig(keys.headerKey, nonceOf(keys, sequence), sealedLength)
  const packetLength = readU32be(length, 0)
  const block = blockOctets[keys.cipher]
  if (packetLength < block || packetLength > SSH_PACKET_OCTETS_MAX || packetLength % block !== 0)
    throw new WireError('ssh', 0, `packet ${sequence}: packet_length is ${packetLength} (wrong key, or changed)`)
  return packetLength
}

/** The payload of a whole sealed packet, tag included. Works in place: `packet` is the caller's to lose. */
export function openPacket(keys: PacketKeys, sequence: number, packet: Uint8Array): Uint8Array {
  const nonce = nonceOf(keys, sequence)
  const length = packet.subarray(0, 4)
  const sealed = packet.subarray(4)
  const known = sealedMemory.recall(keys.cipher, keys.mainKey, nonce, length, sealed)
  const plain =
    known?.slice() ??
    (keys.cipher === 'aes256-gcm@openssh.com'
      ? openGcm(keys.mainKey, nonce, length, sealed)
      : openChaCha(keys.mainKey, nonce, packet))
  if (plain === null) throw new AuthenticationError('ssh', `packet ${sequence}: the tag was refused`)
  if (keys.cipher === 'aes256-gcm@openssh.com') countUp(keys.nonce)
  return payloadOf(plain)
}

function openChaCha(key: Uint8Array, nonce: Uint8Array, packet: Uint8Array): Uint8Array | null {
  const tagAt = packet.length - TAG_OCTETS
  const expected = polyTag(key, nonce, packet.subarray(0, tagAt))
  let difference = 0
  for (let i = 0; i < TAG_OCTETS; i++) difference |= (packet[tagAt + i] as number) ^ (expected[i] as number)
  if (difference !== 0) return null
  const sealed = packet.subarray(4, tagAt)
  return chacha20orig(key, nonce, sealed, sealed, 1)
}

function polyTag(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array {
  return poly1305(sealed, chacha20orig(key, nonce, new Uint8Array(32)))
}

function nonceOf(keys: PacketKeys, sequence: number): Uint8Array {
  if (keys.cipher === 'aes256-gcm@openssh.com') return keys.nonce.slice()
  const nonce = new Uint8Array(8)
  writeU64be(nonce, 0, sequence)
  return nonce
}

/** The last 8 of a nonce's 12 octets are a number, big-endian, that wraps (RFC 5647 section 7.1). */
function countUp(nonce: Uint8Array): void {
  for (let i = nonce.length - 1; i >= 4; i--) {
    const octet = ((nonce[i] as number) + 1) & 255
    nonce[i] = octet
    if (octet !== 0) return
  }
}
