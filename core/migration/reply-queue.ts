import type { ByteStream } from '../base/byte-stream.js'
import { WireError } from '../base/errors.js'
import { OctetQueue } from '../base/octet-queue.js'
import { encodeReturnPath, type ReturnPathMessage } from './wire/return-path.js'

/** A source that asks and does not read the answers is refused. */
const WAITING_OCTETS_MAX = 16 * 1024 * 1024
const WAITING_MESSAGES_MAX = 65_536

/** What the destination has to say, until the stream takes it. */
export class ReplyQueue {
  private readonly waiting = new OctetQueue()
  /** Since nothing waited. */
  private messageCount = 0

  /** Throws `WireError` when too much waits; the last word, SHUT, is let in all the same. */
  add(message: ReturnPathMessage): void {
    const octets = encodeReturnPath(message)
    const isFull = this.messageCount >= WAITING_MESSAGES_MAX || this.waiting.length + octets.length > WAITING_OCTETS_MAX
    if (isFull && message.kind !== 'SHUT')
      throw new WireError('return path', 0, 'the source asks, but reads no answers')
    this.waiting.push(octets)
    this.messageCount++
  }

  /** Write as much as the stream takes now. */
  drainTo(stream: ByteStream): void {
    if (stream.state !== 'open') return
    const length = Math.min(this.waiting.length, stream.writableOctets())
    if (length > 0) stream.write(this.waiting.take(length))
    if (this.waiting.length === 0) this.messageCount = 0
  }

  /** Forget what waits: the connection is gone. */
  clear(): void {
    this.waiting.clear()
    this.messageCount = 0
  }
}
