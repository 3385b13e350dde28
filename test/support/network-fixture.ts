/** A small network for tests: hosts at a switch, a mirror with a tap, and owners of streams that record what they are told. */
import { expect } from 'vitest'
import type { ByteStream, StreamOwner } from '../../core/base/byte-stream.js'
import type { Failure } from '../../core/base/errors.js'
import { microseconds } from '../../core/base/units.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { joinPorts } from '../../core/net/frame-port.js'
import { HostStack } from '../../core/net/host-stack.js'
import { Link } from '../../core/net/link.js'
import type { LinkOptions } from '../../core/net/link-options.js'
import { Switch } from '../../core/net/switch/switch.js'
import type { SwitchPort } from '../../core/net/switch/switch-port.js'
import { Tap } from '../../core/net/tap.js'
import type { TcpListener, TcpOptions } from '../../core/net/tcp/tcp-layer.js'
import type { ReceivedDatagram } from '../../core/net/udp.js'
import { parseIpv4, parseMac } from '../../core/net/wire/addresses.js'

export const GIGABIT = 1e9

/** Writes what it is given and keeps what it reads, unless told to hold back. */
export class TestOwner implements StreamOwner {
  readonly told: string[] = []
  received: Uint8Array[] = []
  receivedOctets = 0
  failure: Failure | null = null
  stream: ByteStream | null = null
  isReading = true
  endsWhenSent = false
  endsWhenPeerEnds = false
  private toSend: Uint8Array = new Uint8Array(0)
  private sent = 0

  constructor(
    toSend: Uint8Array = new Uint8Array(0),
    private readonly chunkOctets = 65536,
  ) {
    this.toSend = toSend
  }

  streamOpened(stream: ByteStream): void {
    this.told.push('opened')
    this.stream = stream
    this.pump()
  }
  streamReadable(stream: ByteStream): void {
    if (!this.isReading) return
    const octets = stream.read(stream.readableOctets()).slice()
    this.received.push(octets)
    this.receivedOctets += octets.length
  }
  streamWritable(): void {
    this.told.push('writable')
    this.pump()
  }
  streamEnded(stream: ByteStream): void {
    this.told.push('ended')
    if (this.endsWhenPeerEnds) stream.end()
  }
  streamFailed(_stream: ByteStream, cause: Failure): void {
    this.told.push('failed')
    this.failure = cause
  }

  /** Write as much as there is room for. */
  pump(): void {
    const { stream } = this
    if (stream === null) return
    while (this.sent < this.toSend.length && stream.writableOctets() > 0) {
      const end = Math.min(this.toSend.length, this.sent + Math.min(this.chunkOctets, stream.writableOctets()))
      stream.write(this.toSend.subarray(this.sent, end))
      this.sent = end
    }
    if (this.endsWhenSent && this.sent === this.toSend.length) stream.end()
  }

  receivedWhole(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.received))
  }
}

/** Gives every accepted connection the same owner. */
export class TestListener implements TcpListener {
  accepted = 0
  constructor(readonly owner: StreamOwner) {}
  connectionAccepted(stream: ByteStream): void {
    this.accepted++
    stream.owner = this.owner
  }
}

export interface FixtureOptions {
  readonly seed?: string
  readonly link?: LinkOptions
  readonly tcp?: TcpOptions
  readonly hostCount?: number
}

/** Hosts 10.0.0.1, 10.0.0.2, ... on links to one switch; the first host's port is mirrored into `tap`. */
export class NetworkFixture {
  readonly kernel: Kernel
  readonly device: Switch
  readonly hosts: HostStack[] = []
  readonly links: Link[] = []
  readonly ports: SwitchPort[] = []
  readonly tap: Tap

  constructor({ seed = 'test', link, tcp, hostCount = 2 }: FixtureOptions = {}) {
    this.kernel = new Kernel(seed)
    this.device = new Switch(this.kernel, 'switch')
    this.tap = new Tap(this.kernel, 'mirror')
    for (let index = 1; index <= hostCount; index++) {
      const host = new HostStack(this.kernel, {
        name: `host${index}`,
        mac: parseMac(`52:54:00:00:00:0${index}`),
        address: parseIpv4(`10.0.0.${index}`),
        ...(tcp === undefined ? {} : { tcp }),
      })
      const cable = new Link(this.kernel, `link${index}`, link ?? { rateBps: GIGABIT, delayNs: microseconds(100) })
      const port = this.device.addPort()
      joinPorts(host, cable.a)
      joinPorts(cable.b, port)
      host.uplink = cable.a
      this.hosts.push(host)
      this.links.push(cable)
      this.ports.push(port)
    }
    const mirror = this.device.addPort()
    mirror.output = this.tap
    this.device.mirrorPorts(this.ports.slice(0, 1), mirror)
  }

  host(index: number): HostStack {
    const host = this.hosts[index]
    if (host === undefined) throw new Error(`no host ${index}`)
    return host
  }
}

/** What a datagram was, after the call that brought it. */
export type KeptDatagram = Omit<ReceivedDatagram, 'octets' | 'start' | 'end'>

export function keptDatagram({ octets, start, end, ...rest }: ReceivedDatagram): KeptDatagram {
  return { ...rest, payload: octets.slice(start, end) }
}

/** Octets that differ from place to place, without needing a generator. */
export function patternOctets(length: number, salt = 0): Uint8Array {
  const octets = new Uint8Array(length)
  for (let i = 0; i < length; i++) octets[i] = (i * 31 + (i >>> 8) * 7 + salt) & 255
  return octets
}

/** As `toEqual`, at the speed of memory. */
export function expectSameOctets(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length)
  expect(Buffer.compare(actual, expected)).toBe(0)
}
