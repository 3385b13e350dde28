import type { ByteStream, StreamOwner, StreamState } from '../../core/base/byte-stream.js'
import { concatOctets } from '../../core/base/octets.js'

/** An open stream into nowhere that keeps what is written: a file. */
export class CollectingStream implements ByteStream {
  owner: StreamOwner | null = null
  state: StreamState = 'open'
  private readonly parts: Uint8Array[] = []

  octets(): Uint8Array {
    return concatOctets(this.parts)
  }
  writableOctets(): number {
    return this.state === 'open' ? 1024 * 1024 : 0
  }
  write(octets: Uint8Array): void {
    this.parts.push(octets.slice())
  }
  readableOctets(): number {
    return 0
  }
  read(): Uint8Array {
    return new Uint8Array(0)
  }
  end(): void {
    this.state = 'closed'
  }
  abort(): void {
    this.state = 'failed'
  }
}
