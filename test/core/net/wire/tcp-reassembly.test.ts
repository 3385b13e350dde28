import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatOctets } from '../../../../core/base/octets.js'
import { Ipv4Header } from '../../../../core/net/wire/ipv4.js'
import type { CapturedTcp } from '../../../../core/net/wire/link-layer.js'
import { TCP_FLAG, TcpHeader } from '../../../../core/net/wire/tcp.js'
import {
  TcpReassembler,
  type CapturedConnection,
  type ReassemblyListener,
  type ReassemblyLimits,
  type StreamGap,
  type StreamRun,
} from '../../../../core/net/wire/tcp-reassembly.js'
import { patternOctets } from '../../../support/network-fixture.js'

class Recorder implements ReassemblyListener {
  readonly connections: CapturedConnection[] = []
  readonly runs: StreamRun[] = []
  readonly gaps: StreamGap[] = []
  readonly closed: string[] = []
  connectionSeen(connection: CapturedConnection): void {
    this.connections.push(connection)
  }
  streamRun(run: StreamRun): void {
    this.runs.push(run)
  }
  streamGap(gap: StreamGap): void {
    this.gaps.push(gap)
  }
  streamClosed(connection: CapturedConnection, sender: string, reason: string): void {
    this.closed.push(`${connection.id} ${sender} ${reason}`)
  }
  octets(sender: string, id = 1): Uint8Array {
    return concatOctets(
      this.runs.filter((run) => run.sender === sender && run.connection.id === id).map(({ octets }) => octets),
    )
  }
}

interface SegmentOptions {
  readonly sequence: number
  readonly acknowledgment?: number
  readonly flags?: number
  readonly payload?: Uint8Array
  readonly fromServer?: boolean
  readonly clientPort?: number
}

function captured({
  sequence,
  acknowledgment,
  flags = 0,
  payload,
  fromServer = false,
  clientPort = 50000,
}: SegmentOptions): CapturedTcp {
  const ip = new Ipv4Header()
  ip.source = fromServer ? 2 : 1
  ip.destination = fromServer ? 1 : 2
  const header = new TcpHeader()
  header.sourcePort = fromServer ? 22 : clientPort
  header.destinationPort = fromServer ? clientPort : 22
  header.sequence = sequence >>> 0
  header.acknowledgment = (acknowledgment ?? 0) >>> 0
  header.flags = flags | (acknowledgment === undefined ? 0 : TCP_FLAG.ack)
  return { ip, segment: { ...header, payload: payload ?? new Uint8Array(0) } }
}

class Capture {
  readonly seen = new Recorder()
  readonly reassembler: TcpReassembler
  packet = 0
  constructor(limits: ReassemblyLimits = {}) {
    this.reassembler = new TcpReassembler(this.seen, limits)
  }
  add(options: SegmentOptions): this {
    this.reassembler.add(++this.packet, this.packet * 1000, captured(options))
    return this
  }
}

const data = patternOctets(1000)
const isn = 0xffff_ff00 // wraps around inside the data

describe('TCP reassembly', () => {
  it('gives the octets in order, each with its packet, whatever the order, overlap and repetition of segments', () => {
    const cuts = fc.array(fc.tuple(fc.nat(999), fc.integer({ min: 1, max: 200 })), { maxLength: 30 })
    fc.assert(
      fc.property(cuts, fc.boolean(), (extra, hasSyn) => {
        // The extra segments come in any order; at last the whole comes once more, in pieces.
        const pieces = [...extra, ...Array.from({ length: 20 }, (_, index) => [index * 50, 50] as const)]
        const capture = new Capture()
        if (hasSyn) capture.add({ sequence: isn, flags: TCP_FLAG.syn })
        else capture.add({ sequence: isn + 1, payload: data.subarray(0, 1) })
        for (const [at, length] of pieces)
          capture.add({ sequence: isn + 1 + at, payload: data.subarray(at, at + length) })
        expect(capture.seen.octets('client')).toEqual(data)
        expect(capture.seen.gaps).toEqual([])
        let position = 0
        for (const run of capture.seen.runs) {
          expect(run.position).toBe(position)
          position += run.octets.length
          expect(run.timeNs).toBe(run.packet * 1000)
        }
      }),
    )
  })

  it('says which packet brought what', () => {
    const { seen } = new Capture()
      .add({ sequence: 100, flags: TCP_FLAG.syn })
      .add({ sequence: 111, payload: data.subarray(10, 20) })
      .add({ sequence: 101, payload: data.subarray(0, 12) })
    expect(seen.runs.map(({ packet, position, octets }) => [packet, position, octets.length])).toEqual([
      [3, 0, 12],
      [2, 12, 8],
    ])
  })

  it('tells a hole in the capture and goes on behind it', () => {
    const capture = new Capture().add({ sequence: 0, flags: TCP_FLAG.syn })
    capture.add({ sequence: 1, payload: data.subarray(0, 100) })
    for (let at = 200; at < 600; at += 10) capture.add({ sequence: 1 + at, payload: data.subarray(at, at + 10) })
    expect(capture.seen.gaps).toEqual([]) // it may still come
    capture.add({ sequence: 1, acknowledgment: 601, fromServer: true })
    expect(capture.seen.gaps).toMatchObject([{ sender: 'client', position: 100, octets: 100, packet: 3 }])
    expect(capture.seen.octets('client')).toEqual(concatOctets([data.subarray(0, 100), data.subarray(200, 600)]))
    expect(capture.seen.runs.at(-1)?.position).toBe(590)
  })

  it('bounds what waits behind a hole', () => {
    for (const limits of [{ waitingOctetsMax: 100 }, { waitingSegmentsMax: 10 }]) {
      const capture = new Capture(limits).add({ sequence: 0, flags: TCP_FLAG.syn })
      for (let at = 10; at < 200; at += 10) capture.add({ sequence: 1 + at, payload: data.subarray(at, at + 10) })
      expect(capture.seen.gaps).toHaveLength(1)
      expect(capture.seen.octets('client')).toEqual(data.subarray(10, 200))
    }
  })

  it('ends with FIN, after what was missing came', () => {
    const capture = new Capture()
      .add({ sequence: 0, flags: TCP_FLAG.syn })
      .add({ sequence: 11, payload: data.subarray(10, 20), flags: TCP_FLAG.fin })
    expect(capture.seen.closed).toEqual([])
    capture.add({ sequence: 1, payload: data.subarray(0, 10) })
    expect(capture.seen.closed).toEqual(['1 client fin'])
    capture.reassembler.finish()
    expect(capture.seen.closed).toEqual(['1 client fin', '1 server capture-end'])
  })

  it('ends with a plausible reset only', () => {
    const capture = new Capture()
      .add({ sequence: 0, flags: TCP_FLAG.syn })
      .add({ sequence: 1, payload: data.subarray(0, 10) })
      .add({ sequence: 5_000_000, flags: TCP_FLAG.rst })
    expect(capture.seen.closed).toEqual([])
    capture.add({ sequence: 11, flags: TCP_FLAG.rst })
    expect(capture.seen.closed).toEqual(['1 client reset', '1 server reset'])
  })

  it('knows the client by the SYN, or guesses it by the port', () => {
    const { seen } = new Capture()
      .add({ sequence: 7, payload: data, fromServer: true })
      .add({ sequence: 0, flags: TCP_FLAG.syn | TCP_FLAG.ack, fromServer: true, clientPort: 5 })
    expect(seen.connections).toMatchObject([
      { client: { port: 50000 }, server: { port: 22 }, hasHandshake: false },
      { client: { port: 5 }, server: { port: 22 }, hasHandshake: true },
    ])
  })

  it('tells another connection on the same ports from a SYN sent again', () => {
    const capture = new Capture()
      .add({ sequence: 100, flags: TCP_FLAG.syn })
      .add({ sequence: 100, flags: TCP_FLAG.syn })
      .add({ sequence: 101, payload: data.subarray(0, 10) })
    expect(capture.seen.connections).toHaveLength(1)
    capture.add({ sequence: 9000, flags: TCP_FLAG.syn }).add({ sequence: 9001, payload: data.subarray(0, 20) })
    expect(capture.seen.connections).toHaveLength(2)
    expect(capture.seen.octets('client', 2)).toEqual(data.subarray(0, 20))
  })

  it('follows a bounded number of connections', () => {
    const capture = new Capture({ connectionsMax: 3 })
    for (let port = 1; port <= 10; port++) capture.add({ sequence: 0, flags: TCP_FLAG.syn, clientPort: port })
    expect(capture.seen.closed.filter((text) => text.endsWith('client evicted'))).toHaveLength(7)
  })
})
