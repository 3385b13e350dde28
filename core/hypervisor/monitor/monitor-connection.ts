import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import { SendQueue } from './send-queue.js'

const READ_OCTETS = 4096

/** One connection to a monitor, whatever is spoken on it: read as long as its answers are, and over when either end says so. */
export abstract class MonitorConnection implements StreamOwner {
  protected readonly output: SendQueue

  constructor(
    protected readonly stream: ByteStream,
    private readonly owner: { connectionClosed(connection: object): void },
  ) {
    this.output = new SendQueue(stream)
    stream.owner = this
  }

  abstract streamOpened(): void

  /** What came: lent. */
  protected abstract take(octets: Uint8Array): void

  streamReadable(): void {
    // Who does not read his answers is not asked for more.
    while (this.stream.readableOctets() > 0 && !this.output.isFull) this.take(this.stream.read(READ_OCTETS))
    this.output.flush()
  }

  streamWritable(): void {
    this.output.flush()
    this.streamReadable()
  }

  streamEnded(): void {
    this.streamReadable()
    this.stream.end()
    this.close()
  }

  streamFailed(): void {
    this.close()
  }

  protected close(): void {
    this.owner.connectionClosed(this)
  }
}
