import type { Failure } from './errors.js'

/**
 * Everything that carries octets in order: a TCP connection, a channel over one, a loop inside a host.
 *
 * Pull for reading, bounded for writing, so that a slow reader (a cipher waiting for its core) closes the TCP window
 * and slows the sender, as in life. A stream never calls its owner from inside a call the owner makes to it: owners
 * are told by a kernel event, or by the stream below reporting to them. Owners are objects, not closures, so that a
 * kept state can hold them.
 */
export interface ByteStream {
  /** Set by whoever uses the stream. Reports made while it is null are lost. */
  owner: StreamOwner | null
  readonly state: StreamState
  /** Octets that `write` takes now. Writing more is an error of the caller. */
  writableOctets(): number
  /** Copies what it has to keep: `octets` may change as soon as it returns. */
  write(octets: Uint8Array): void
  /** Octets that `read` can give now. */
  readableOctets(): number
  /**
   * The next octets, at most `octetsMax` and at most what is there. They are lent until the stream is called again or the
   * present event is over: whoever keeps them copies them.
   */
  read(octetsMax: number): Uint8Array
  /** No more writing from our side (TCP: FIN after what is buffered). Reading goes on. */
  end(): void
  /** Give up at once (TCP: RST). The owner is not called. */
  abort(): void
}

export type StreamState = 'opening' | 'open' | 'closed' | 'failed'

export interface StreamOwner {
  /** The stream can be written: a connection was made, a handshake finished. */
  streamOpened(stream: ByteStream): void
  /** Octets came that can be read. Told once, and again only after a `read`. */
  streamReadable(stream: ByteStream): void
  /** Room to write came back after `writableOctets` had been small. */
  streamWritable(stream: ByteStream): void
  /** The peer will write no more. Octets it wrote before may still be waiting to be read. */
  streamEnded(stream: ByteStream): void
  /** The stream is dead: reset, timed out, or something on it was refused. */
  streamFailed(stream: ByteStream, cause: Failure): void
}
