import type { ByteStream } from '../base/byte-stream.js'
import { WireError } from '../base/errors.js'
import { concatOctets } from '../base/octets.js'
import { encodeReturnPath, type ReturnPathMessage } from './wire/return-path.js'

/** A source that asks and does not read the answers is refused. */
const WAITING_OCTETS_MAX = 16 * 1024 * 1024

/** What the destination has to say, until the stream takes it. */
export class ReplyQueue {
  private waiting: Uint8Array[] = []
  private waitingOctets = 0

  /** Throws `WireError` when too much waits. */
  add(message: ReturnPathMessage): void {
    const octets = encodeReturnPath(message)
    if (this.waitingOctets + octets.length > WAITING_OCTETS_MAX)
      throw new WireError('return path', 0, 'the source asks, but reads no answers')
    this.waiting.push(octets)
    this.waitingOctets += octets.length
  }

  /** Write as much as the stream takes now. */
  drainTo(stream: ByteStream): void {
    if (this.waitingOctets === 0 || stream.state !== 'open') return
    const all = concatOctets(this.waiting)
    const length = Math.min(all.length, stream.writableOctets())
    if (length > 0) stream.write(all.slice(0, length))
    this.waiting = length < all.length ? [all.slice(length)] : []
    this.waitingOctets = all.length - length
  }

  /** Forget what waits: the connection is gone. */
  clear(): void {
    this.waiting = []
    this.waitingOctets = 0
  }
}
