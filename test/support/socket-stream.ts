import type { Socket } from 'node:net'
import type { ByteStream, StreamOwner, StreamState } from '../../core/base/byte-stream.js'
import type { Kernel } from '../../core/kernel/kernel.js'
import { OctetQueue } from '../../core/base/octet-queue.js'

const BUFFER_OCTETS = 262_144

/**
 * The pump between a real socket and the core: a `ByteStream` over a connected socket. Whatever the socket reports is an
 * input at the present virtual instant; then the kernel runs until nothing is left to happen.
 */
export class SocketStream implements ByteStream {
  owner: StreamOwner | null = null
  state: StreamState = 'open'
  private readonly received = new OctetQueue()

  constructor(
    private readonly kernel: Kernel,
    private readonly socket: Socket,
  ) {
    socket.on('data', (octets) => {
      this.received.push(new Uint8Array(octets))
      if (this.received.length > BUFFER_OCTETS) socket.pause()
      this.report(() => this.owner?.streamReadable(this))
    })
    socket.on('drain', () => this.report(() => this.owner?.streamWritable(this)))
    socket.on('end', () => this.report(() => this.owner?.streamEnded(this)))
    socket.on('error', (error) => {
      if (this.state !== 'open') return
      this.state = 'failed'
      const message = `tcp: ${error.message}`
      this.report(() => this.owner?.streamFailed(this, { kind: 'connection', protocol: 'tcp', message }))
    })
  }

  writableOctets(): number {
    return this.state === 'open' ? Math.max(0, BUFFER_OCTETS - this.socket.writableLength) : 0
  }
  write(octets: Uint8Array): void {
    this.socket.write(octets.slice())
  }
  readableOctets(): number {
    return this.received.length
  }
  read(octetsMax: number): Uint8Array {
    const octets = this.received.take(octetsMax)
    if (this.received.length <= BUFFER_OCTETS && this.socket.isPaused()) this.socket.resume()
    return octets
  }
  end(): void {
    this.socket.end()
  }
  abort(): void {
    this.state = 'failed'
    this.socket.destroy()
  }

  /** Hand an input to the core and let it do all it has to do about it. */
  report(input: () => void): void {
    input()
    while (this.kernel.step());
  }
}
