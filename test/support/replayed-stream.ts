import type { ByteStream, StreamOwner, StreamState } from '../../core/base/byte-stream.js'

/** An open stream on which all has arrived that will; what is written to it is kept, and answered by nobody. */
export class ReplayedStream implements ByteStream {
  owner: StreamOwner | null = null
  state: StreamState = 'open'
  readonly written: Uint8Array[] = []
  private at = 0

  constructor(private readonly octets: Uint8Array) {}

  writableOctets(): number {
    return this.state === 'open' ? 1024 * 1024 : 0
  }
  write(octets: Uint8Array): void {
    this.written.push(octets)
  }
  readableOctets(): number {
    return this.octets.length - this.at
  }
  read(length: number): Uint8Array {
    const part = this.octets.subarray(this.at, this.at + length)
    this.at += part.length
    return part
  }
  end(): void {
    this.state = 'closed'
  }
  abort(): void {
    this.state = 'failed'
  }
}
