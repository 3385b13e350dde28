/**
 * What the destination writes back to the source (QEMU migration/migration.c, `migrate_send_rp_message`):
 *
 *     u16 type, u16 length, length octets; after RECV_BITMAP a bitmap that the length does not count
 */
import { WireError } from '../../base/errors.js'
import { OctetQueue } from '../../base/octet-queue.js'
import { latin1Text, OctetReader, OctetWriter, readU16be } from '../../base/octets.js'
import { MIG_RP_MSG } from './qevm.js'

export type ReturnPathMessage =
  /** Last message: 0 when everything was loaded. */
  | { readonly kind: 'SHUT'; readonly value: number }
  | { readonly kind: 'PONG'; readonly value: number }
  /** `block` is null for the block last named. */
  | { readonly kind: 'REQ_PAGES'; readonly block: string | null; readonly offset: number; readonly octets: number }
  /** `bitmap` is little-endian, a bit a page that was received. */
  | { readonly kind: 'RECV_BITMAP'; readonly block: string; readonly bitmap: Uint8Array }
  | { readonly kind: 'RESUME_ACK'; readonly value: number }
  | { readonly kind: 'SWITCHOVER_ACK' }

/** MIGRATION_RESUME_ACK_VALUE (migration/migration.h): the destination goes on. */
export const RESUME_ACK_VALUE = 1
const BITMAP_OCTETS_MAX = 8 * 1024 * 1024
/** Ends a bitmap (`RAMBLOCK_RECV_BITMAP_ENDING`). */
const BITMAP_ENDING = [0x01234567, 0x89abcdef] as const
/** The longest message but for a bitmap: REQ_PAGES_ID with a name of 255 octets. */
const MESSAGE_OCTETS_MAX = 13 + 255

export function encodeReturnPath(message: ReturnPathMessage): Uint8Array {
  const writer = new OctetWriter()
  switch (message.kind) {
    case 'SHUT':
    case 'PONG':
    case 'RESUME_ACK':
      writer.u16(MIG_RP_MSG[message.kind]).u16(4).u32(message.value)
      break
    case 'REQ_PAGES':
      if (message.block === null) writer.u16(MIG_RP_MSG.REQ_PAGES).u16(12)
      else writer.u16(MIG_RP_MSG.REQ_PAGES_ID).u16(13 + message.block.length)
      writer.u64(message.offset).u32(message.octets)
      if (message.block !== null) writer.u8(message.block.length).latin1(message.block)
      break
    case 'RECV_BITMAP':
      writer
        .u16(MIG_RP_MSG.RECV_BITMAP)
        .u16(1 + message.block.length)
        .u8(message.block.length)
        .latin1(message.block)
      writer.u64(message.bitmap.length).octets(message.bitmap).u32(BITMAP_ENDING[0]).u32(BITMAP_ENDING[1])
      break
    case 'SWITCHOVER_ACK':
      writer.u16(MIG_RP_MSG.SWITCHOVER_ACK).u16(0)
      break
  }
  return writer.take()
}

/** Reads messages in whatever pieces they arrive. */
export class ReturnPathReader {
  private readonly unread = new OctetQueue()
  /** Offset of the message at hand. */
  private position = 0

  /** The messages that are whole now. Throws `WireError` for anything QEMU would not send. */
  push(octets: Uint8Array): ReturnPathMessage[] {
    this.unread.push(octets.slice())
    const messages: ReturnPathMessage[] = []
    for (;;) {
      const length = this.messageOctets(this.unread.peek(4 + MESSAGE_OCTETS_MAX + 8))
      if (length === null || this.unread.length < length) return messages
      messages.push(this.decode(this.unread.take(length)))
      this.position += length
    }
  }

  /** Octets of the message that begins with `octets`, or null when that cannot be told yet. */
  private messageOctets(octets: Uint8Array): number | null {
    if (octets.length < 4) return null
    const type = readU16be(octets, 0)
    const length = 4 + readU16be(octets, 2)
    if (length > 4 + MESSAGE_OCTETS_MAX) throw this.refused(`message ${type} of ${length - 4} octets`)
    if (type !== MIG_RP_MSG.RECV_BITMAP) return length
    if (octets.length < length + 8) return null
    const size = new OctetReader(octets.subarray(length), 'return path').u64()
    if (size > BITMAP_OCTETS_MAX) throw this.refused(`bitmap of ${size} octets`)
    return length + 8 + size + 8
  }

  private decode(octets: Uint8Array): ReturnPathMessage {
    const reader = new OctetReader(octets, 'return path')
    const type = reader.u16()
    const length = reader.u16()
    const expect = (expected: number): void => {
      if (length !== expected) throw this.refused(`message ${type} of ${length} octets, not ${expected}`)
    }
    switch (type) {
      case MIG_RP_MSG.SHUT:
        expect(4)
        return { kind: 'SHUT', value: reader.u32() }
      case MIG_RP_MSG.PONG:
        expect(4)
        return { kind: 'PONG', value: reader.u32() }
      case MIG_RP_MSG.RESUME_ACK:
        expect(4)
        return { kind: 'RESUME_ACK', value: reader.u32() }
      case MIG_RP_MSG.REQ_PAGES:
        expect(12)
        return { kind: 'REQ_PAGES', block: null, offset: reader.u64(), octets: reader.u32() }
      case MIG_RP_MSG.REQ_PAGES_ID: {
        const offset = reader.u64()
        const count = reader.u32()
        const name = reader.view(reader.u8('name length'), 'name')
        expect(13 + name.length)
        return { kind: 'REQ_PAGES', block: latin1Text(name), offset, octets: count }
      }
      case MIG_RP_MSG.RECV_BITMAP: {
        const name = reader.view(reader.u8('name length'), 'name')
        expect(1 + name.length)
        const bitmap = reader.view(reader.u64(), 'bitmap').slice()
        if (reader.u32() !== BITMAP_ENDING[0] || reader.u32() !== BITMAP_ENDING[1])
          throw this.refused('a bitmap without its ending')
        return { kind: 'RECV_BITMAP', block: latin1Text(name), bitmap }
      }
      case MIG_RP_MSG.SWITCHOVER_ACK:
        expect(0)
        return { kind: 'SWITCHOVER_ACK' }
      default:
        throw this.refused(`message of type ${type}`)
    }
  }

  private refused(reason: string): WireError {
    return new WireError('return path', this.position, reason)
  }
}
