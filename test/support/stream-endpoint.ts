import type { ByteStream, StreamOwner } from '../../core/base/byte-stream.js'
import type { Failure } from '../../core/base/errors.js'
import { concatOctets } from '../../core/base/octets.js'

/** Sends what it was given, reads all there is, and remembers what happened. Plain data, so that a copy goes on. */
export class StreamEndpoint implements StreamOwner {
  opened = false
  ended = false
  failure: Failure | null = null
  isReading = true
  private sentOctets = 0
  private readOctets = 0
  private readonly pieces: Uint8Array[] = []

  constructor(
    readonly stream: ByteStream,
    private readonly toSend: Uint8Array = new Uint8Array(0),
    /** Octets of one write, at most. */
    private readonly pieceOctets = 4096,
    /** When it says that it will write no more: having sent all, having also heard that of the peer or read that many octets, or
     *  not at all. */
    private readonly endsAfter: 'sending' | 'peer' | 'never' | { readonly readOctets: number } = 'sending',
  ) {
    stream.owner = this
    if (stream.state === 'open') this.streamOpened()
  }

  get received(): Uint8Array {
    return concatOctets(this.pieces)
  }

  streamOpened(): void {
    this.opened = true
    this.streamWritable()
  }

  streamWritable(): void {
    for (;;) {
      const length = Math.min(this.pieceOctets, this.toSend.length - this.sentOctets, this.stream.writableOctets())
      if (length <= 0) break
      this.stream.write(this.toSend.slice(this.sentOctets, this.sentOctets + length))
      this.sentOctets += length
    }
    if (this.sentOctets === this.toSend.length && this.mayEnd()) this.stream.end()
  }

  streamReadable(): void {
    if (this.isReading) this.readAll()
  }

  readAll(): void {
    while (this.stream.readableOctets() > 0) {
      const piece = this.stream.read(65_536).slice()
      this.readOctets += piece.length
      this.pieces.push(piece)
    }
    if (typeof this.endsAfter === 'object') this.streamWritable()
  }

  private mayEnd(): boolean {
    if (typeof this.endsAfter === 'object') return this.readOctets >= this.endsAfter.readOctets
    return this.endsAfter === 'sending' || (this.endsAfter === 'peer' && this.ended)
  }

  streamEnded(): void {
    this.ended = true
    this.streamWritable()
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    this.failure = cause
  }
}
