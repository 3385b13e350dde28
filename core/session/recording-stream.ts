import type { ByteStream, StreamOwner, StreamState } from '../base/byte-stream.js'
import { concatOctets } from '../base/octets.js'

/** A stream that keeps what is written to it: the migration's stream as it is before any channel. */
export class RecordingStream implements ByteStream {
  private readonly written: Uint8Array[] = []
  constructor(private readonly lower: ByteStream) {}

  get owner(): StreamOwner | null {
    return this.lower.owner
  }
  set owner(owner: StreamOwner | null) {
    this.lower.owner = owner
  }
  get state(): StreamState {
    return this.lower.state
  }
  writableOctets(): number {
    return this.lower.writableOctets()
  }
  write(octets: Uint8Array): void {
    this.written.push(octets.slice())
    this.lower.write(octets)
  }
  readableOctets(): number {
    return this.lower.readableOctets()
  }
  read(octetsMax: number): Uint8Array {
    return this.lower.read(octetsMax)
  }
  end(): void {
    this.lower.end()
  }
  abort(): void {
    this.lower.abort()
  }

  recorded(): Uint8Array {
    return concatOctets(this.written)
  }
}
