/** The connection at hand, and what is written for it and not taken yet. */
import type { ByteStream } from '../base/byte-stream.js'
import { StreamWriter } from './wire/stream-writer.js'

export class OutgoingStream {
  readonly writer = new StreamWriter()

  /** `stream` is another one after a recovery. */
  constructor(public stream: ByteStream) {}

  /** Octets that the connection takes now. */
  get room(): number {
    return this.stream.writableOctets()
  }

  /** Hand over what the connection takes. Returns whether that was all. */
  drain(): boolean {
    this.writer.drainTo(this.stream)
    return this.writer.pendingOctets === 0
  }
}
