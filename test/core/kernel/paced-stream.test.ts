import { describe, expect, it } from 'vitest'
import type { ByteStream, StreamOwner } from '../../../core/base/byte-stream.js'
import type { Failure } from '../../../core/base/errors.js'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { pacedStreams } from '../../../core/kernel/paced-stream.js'

/** Writes as much as it may, or reads all that comes. */
class Endpoint implements StreamOwner {
  octets = 0
  wrongOctets = 0
  ended = false
  cause: Failure | null = null
  constructor(private readonly leftToWrite: number) {}
  streamOpened(stream: ByteStream): void {
    this.streamWritable(stream)
  }
  streamWritable(stream: ByteStream): void {
    if (this.octets === this.leftToWrite) return
    const length = Math.min(stream.writableOctets(), this.leftToWrite - this.octets)
    stream.write(Uint8Array.from({ length }, (_, index) => (this.octets + index) % 251))
    this.octets += length
    if (this.octets === this.leftToWrite) stream.end()
    else stream.writableOctets() // asked for while it is small, so that it will be told
  }
  streamReadable(stream: ByteStream): void {
    for (const octet of stream.read(stream.readableOctets())) if (octet !== this.octets++ % 251) this.wrongOctets++
  }
  streamEnded(): void {
    this.ended = true
  }
  streamFailed(_stream: ByteStream, cause: Failure): void {
    this.cause = cause
  }
}

describe('a paced stream', () => {
  it('carries octets in order at its rate, one delay later', () => {
    const kernel = new Kernel('paced')
    const [near, far] = pacedStreams(kernel, { rateBps: 8e6, delayNs: milliseconds(5), bufferOctets: 65_536 })
    const writer = new Endpoint(1_000_000)
    const reader = new Endpoint(0)
    near.owner = writer
    far.owner = reader
    while (!reader.ended && kernel.step());
    expect(reader.octets).toBe(1_000_000)
    expect(reader.wrongOctets).toBe(0)
    // A second for the octets; the delay to open, and that of the last one.
    expect(kernel.nowNs).toBe(seconds(1) + milliseconds(10))
  })

  it('is as slow as its reader', () => {
    const kernel = new Kernel('paced')
    const [near, far] = pacedStreams(kernel, { bufferOctets: 10_000 })
    const writer = new Endpoint(100_000)
    near.owner = writer
    kernel.runUntil(seconds(1))
    expect(far.readableOctets()).toBe(10_000)
    expect(writer.octets).toBeLessThan(30_000)
  })

  it('tells the other end of an abort', () => {
    const kernel = new Kernel('paced')
    const [near, far] = pacedStreams(kernel)
    const reader = new Endpoint(0)
    far.owner = reader
    kernel.runUntil(milliseconds(1))
    near.abort()
    kernel.runUntil(milliseconds(2))
    expect(far.state).toBe('failed')
    expect(reader.cause?.kind).toBe('connection')
  })
})
