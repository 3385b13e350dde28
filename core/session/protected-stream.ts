/**
 * A connection whose packets IPsec protects. It is the connection itself, but for one thing: when no association comes about,
 * it fails at once and says why, where TCP would wait for its time-out.
 */
import type { ByteStream, StreamOwner, StreamState } from '../base/byte-stream.js'
import type { Failure } from '../base/errors.js'
import type { ProtectionWatcher } from './ipsec-host.js'

export class ProtectedStream implements ByteStream, StreamOwner, ProtectionWatcher {
  owner: StreamOwner | null = null
  private isGivenUp = false

  constructor(private readonly lower: ByteStream) {
    lower.owner = this
  }

  get state(): StreamState {
    return this.isGivenUp ? 'failed' : this.lower.state
  }

  protectionFailed(cause: Failure): void {
    if (this.state !== 'opening' && this.state !== 'open') return
    this.isGivenUp = true
    this.lower.abort()
    this.owner?.streamFailed(this, cause)
  }

  writableOctets(): number {
    return this.isGivenUp ? 0 : this.lower.writableOctets()
  }
  write(octets: Uint8Array): void {
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

  streamOpened(): void {
    this.owner?.streamOpened(this)
  }
  streamReadable(): void {
    this.owner?.streamReadable(this)
  }
  streamWritable(): void {
    this.owner?.streamWritable(this)
  }
  streamEnded(): void {
    this.owner?.streamEnded(this)
  }
  streamFailed(_lower: ByteStream, cause: Failure): void {
    if (!this.isGivenUp) this.owner?.streamFailed(this, cause)
  }
}
