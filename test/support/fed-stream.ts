import type { ByteStream, StreamOwner, StreamState } from '../../core/base/byte-stream.js'
import type { Kernel, KernelEvent, Process } from '../../core/kernel/kernel.js'

/** An open stream on which a test says what arrives, piece by piece. What is written to it is kept. */
export class FedStream implements ByteStream, Process {
  owner: StreamOwner | null = null
  state: StreamState = 'open'
  readonly written: Uint8Array[] = []
  private octets: Uint8Array = new Uint8Array(0)
  /** Octets of it that have arrived, and those that were read. */
  private arrived = 0
  private taken = 0
  private isEnding = false

  constructor(
    private readonly kernel: Kernel,
    /** Octets that arrive in one event. */
    private readonly pieceOctets: number,
  ) {}

  /** Let `octets` arrive, and the end after them. */
  feed(octets: Uint8Array): void {
    this.octets = octets
    this.kernel.schedule(1000, this, { kind: 'piece' })
  }

  handleEvent(_event: KernelEvent): void {
    if (this.state === 'failed' || this.isEnding) return
    if (this.arrived === this.octets.length) {
      this.isEnding = true
      this.owner?.streamEnded(this)
      return
    }
    this.arrived = Math.min(this.octets.length, this.arrived + this.pieceOctets)
    this.kernel.schedule(1000, this, { kind: 'piece' })
    this.owner?.streamReadable(this)
  }

  writableOctets(): number {
    return this.state === 'open' ? 2 ** 20 : 0
  }
  write(octets: Uint8Array): void {
    this.written.push(octets)
  }
  readableOctets(): number {
    return this.arrived - this.taken
  }
  read(octetsMax: number): Uint8Array {
    const octets = this.octets.subarray(this.taken, Math.min(this.arrived, this.taken + octetsMax))
    this.taken += octets.length
    return octets
  }
  end(): void {}
  abort(): void {
    this.state = 'failed'
  }
}
