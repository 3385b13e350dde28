/** Takes every connection, reads what comes and throws it away (RFC 863), and ends when the other side does. */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import type { TcpListener } from '../net/tcp/tcp-layer.js'

const READ_OCTETS = 65536

export class DiscardServer implements TcpListener, StreamOwner {
  connections = 0
  octets = 0

  connectionAccepted(stream: ByteStream): void {
    this.connections++
    stream.owner = this
  }

  streamReadable(stream: ByteStream): void {
    while (stream.readableOctets() > 0) this.octets += stream.read(READ_OCTETS).length
  }

  streamEnded(stream: ByteStream): void {
    stream.end()
  }

  streamOpened(): void {}
  streamWritable(): void {}
  streamFailed(): void {}
}
