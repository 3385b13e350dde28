/** Answers on their way into a stream that may be full. */
import type { ByteStream } from '../../base/byte-stream.js'

/** Waiting octets at which no more commands are read, and at which a connection that only listens is given up. */
const FULL_OCTETS = 64 * 1024
const OVERRUN_OCTETS = 1024 * 1024

export class SendQueue {
  private readonly waiting: Uint8Array[] = []
  private octets = 0

  constructor(private readonly stream: ByteStream) {}

  get isFull(): boolean {
    return this.octets >= FULL_OCTETS
  }
  get isOverrun(): boolean {
    return this.octets >= OVERRUN_OCTETS
  }

  push(octets: Uint8Array): void {
    this.waiting.push(octets)
    this.octets += octets.length
  }

  flush(): void {
    if (this.stream.state !== 'open') return
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      const room = this.stream.writableOctets()
      if (room === 0) return
      const part = first.subarray(0, room)
      if (part.length === first.length) this.waiting.shift()
      else this.waiting[0] = first.subarray(room)
      this.octets -= part.length
      this.stream.write(part)
    }
  }
}
