/**
 * An index of captured packets: takes frames in order, while they come or from a file, and keeps of each what the list of
 * packets, filters and statistics need. Frames stay where they are and are dissected again when somebody looks.
 */
import { readU16be, readU32be } from '../base/octets.js'
import { readIpv6, readMac, type IpAddress } from '../net/wire/addresses.js'
import { LINK_TYPE } from '../net/wire/link-layer.js'
import { TCP_FLAG } from '../net/wire/tcp.js'
import type { FrameSource } from './frame-source.js'
import { MARK, NETWORK, NONE, PacketColumns } from './packet-columns.js'
import { PROTOCOL } from './protocol-names.js'
import type { StreamDirection, PayloadSource } from './stream/tcp-stream.js'
import { TcpStream } from './stream/tcp-stream.js'
import { TCP_ANALYSIS } from './tcp-analysis-bits.js'
import { SegmentNumbers } from './tcp-analysis.js'

export interface CaptureIndexLimits {
  /** Packets that are indexed: 8 million. */
  readonly packetsMax?: number
  /** TCP connections that are followed: 262144. */
  readonly streamsMax?: number
}

/** Different IPv6 addresses that are kept. */
const ADDRESSES_MAX = 1_000_000
const RECENT_STREAMS = 256
const HEADERS_MAX = 16

export class CaptureIndex implements PayloadSource {
  readonly columns = new PacketColumns()
  readonly streams: TcpStream[] = []
  /** What was given up, in sentences. */
  readonly notes: string[] = []
  /** When the first packet was captured. */
  firstNs = 0
  private readonly packetsMax: number
  private readonly streamsMax: number
  private readonly streamsByEnds = new Map<string, TcpStream>()
  private readonly recentStreams: (TcpStream | undefined)[] = new Array<undefined>(RECENT_STREAMS)
  private readonly addresses: bigint[] = []
  private readonly addressPlaces = new Map<bigint, number>()
  private readonly segment = new SegmentNumbers()

  constructor(
    readonly source: FrameSource,
    { packetsMax = 8_000_000, streamsMax = 262_144 }: CaptureIndexLimits = {},
  ) {
    this.packetsMax = packetsMax
    this.streamsMax = streamsMax
    this.columns.beginAt(source.firstPacket)
  }

  get firstPacket(): number {
    return Math.max(this.columns.firstPacket, this.source.firstPacket)
  }
  get lastPacket(): number {
    return this.columns.lastPacket
  }

  /** Take in frames that are new, at most so many. Returns how many there were. */
  update(framesMax = Infinity): number {
    const { source, columns } = this
    columns.dropBefore(source.firstPacket)
    const last = source.lastPacket
    let taken = 0
    while (columns.lastPacket < last && taken < framesMax) {
      if (columns.lastPacket >= this.packetsMax) {
        this.note(`packets after the first ${this.packetsMax} are not listed`)
        break
      }
      const packet = columns.lastPacket + 1
      const frame = source.frame(packet)
      if (packet === columns.firstPacket) this.firstNs = source.timeNs(packet) ?? 0
      this.addPacket(packet, frame, source.timeNs(packet) ?? 0)
      taken++
    }
    return taken
  }

  /** The address in a row's column. */
  address(network: number, value: number): IpAddress | null {
    if (network === NETWORK.ipv4 || network === NETWORK.arp) return value
    return network === NETWORK.ipv6 ? (this.addresses[value] ?? null) : null
  }

  /** The stream of a packet and its direction, or null. */
  streamOf(packet: number): { readonly stream: TcpStream; readonly direction: StreamDirection } | null {
    if (!this.columns.has(packet)) return null
    const row = this.columns.row(packet)
    const stream = this.streams[this.columns.stream[row]!]
    if (stream === undefined) return null
    return { stream, direction: stream.from(this.columns.source[row]!, this.columns.sourcePort[row]!) }
  }

  payloadFrame(packet: number): Uint8Array | undefined {
    return this.source.frame(packet)
  }
  payloadStart(packet: number): number {
    return this.columns.payloadStart[this.columns.row(packet)]!
  }
  delivered(packet: number, position: number, freshOctets: number, endsUnit: boolean): void {
    if (!this.columns.has(packet)) return
    const row = this.columns.row(packet)
    this.columns.streamPosition[row] = position
    this.columns.freshOctets[row] = freshOctets
    if (endsUnit) this.columns.marks[row]! |= MARK.hasUnits
  }

  private addPacket(packet: number, frame: Uint8Array | undefined, timeNs: number): void {
    const { columns } = this
    const row = columns.add()
    columns.timeNs[row] = timeNs
    columns.length[row] = frame?.length ?? 0
    columns.ethSource[row] = 0
    columns.ethDestination[row] = 0
    columns.etherType[row] = 0
    columns.vlan[row] = NONE
    columns.network[row] = NETWORK.other
    columns.source[row] = 0
    columns.destination[row] = 0
    columns.ipProtocol[row] = 0xff
    columns.ttl[row] = 0
    columns.sourcePort[row] = 0
    columns.destinationPort[row] = 0
    columns.stream[row] = NONE
    columns.protocol[row] = PROTOCOL.unknown
    columns.marks[row] = 0
    columns.tcpFlags[row] = 0
    columns.sequence[row] = 0
    columns.acknowledgment[row] = 0
    columns.window[row] = 0
    columns.analysis[row] = 0
    columns.duplicateNumber[row] = 0
    columns.duplicateOf[row] = 0
    columns.payloadStart[row] = 0
    columns.payloadLength[row] = 0
    columns.streamPosition[row] = 0
    columns.freshOctets[row] = 0
    if (frame !== undefined) this.addLink(packet, row, frame)
  }

  private addLink(packet: number, row: number, frame: Uint8Array): void {
    const { columns } = this
    const linkType = this.source.linkType(packet)
    if (linkType !== LINK_TYPE.ethernet) return this.addOtherLink(packet, row, frame, linkType)
    if (frame.length < 14) return this.markMalformed(row)
    columns.marks[row]! |= MARK.ethernet
    columns.ethDestination[row] = readMac(frame, 0)
    columns.ethSource[row] = readMac(frame, 6)
    let type = readU16be(frame, 12)
    let at = 14
    while (type === 0x8100 || type === 0x88a8 || type === 0x9100) {
      if (frame.length < at + 4) return this.markMalformed(row)
      if (at === 14) columns.vlan[row] = readU16be(frame, at) & 0xfff
      if (at > 14 || type !== 0x8100) columns.marks[row]! |= MARK.repeats
      type = readU16be(frame, at + 2)
      at += 4
    }
    columns.etherType[row] = type
    columns.protocol[row] = type < 0x0600 ? PROTOCOL.llc : PROTOCOL.ethernet
    if (type < 0x0600) this.addLlc(row, frame, at)
    else this.addNetwork(packet, row, frame, type, at)
  }

  private addOtherLink(packet: number, row: number, frame: Uint8Array, linkType: number): void {
    const isRaw = linkType === LINK_TYPE.rawIp || linkType === LINK_TYPE.rawIpv4
    const start = isRaw ? 0 : linkType === LINK_TYPE.linuxCooked ? 16 : linkType === LINK_TYPE.linuxCooked2 ? 20 : -1
    if (start < 0) return
    if (frame.length < start || frame.length === 0) return this.markMalformed(row)
    const type = isRaw
      ? (frame[0] ?? 0) >>> 4 === 6
        ? 0x86dd
        : 0x0800
      : readU16be(frame, linkType === LINK_TYPE.linuxCooked ? 14 : 0)
    this.columns.etherType[row] = type
    this.addNetwork(packet, row, frame, type, start)
  }

  private addLlc(row: number, frame: Uint8Array, at: number): void {
    const isCiscoSnap = readU32be(frame, at) === 0xaaaa0300 && readU16be(frame, at + 4) === 0x000c
    if (isCiscoSnap && readU16be(frame, at + 6) === 0x2004) this.columns.protocol[row] = PROTOCOL.dtp
  }

  private addNetwork(packet: number, row: number, frame: Uint8Array, type: number, at: number): void {
    if (type === 0x0800) return this.addIpv4(packet, row, frame, at)
    if (type === 0x86dd) return this.addIpv6(packet, row, frame, at)
    if (type !== 0x0806 && type !== 0x8035) return
    const { columns } = this
    columns.protocol[row] = type === 0x0806 ? PROTOCOL.arp : PROTOCOL.rarp
    if (frame.length < at + 28) return this.markMalformed(row)
    columns.network[row] = NETWORK.arp
    columns.source[row] = readU32be(frame, at + 14)
    columns.destination[row] = readU32be(frame, at + 24)
  }

  private addIpv4(packet: number, row: number, frame: Uint8Array, at: number): void {
    const { columns } = this
    columns.protocol[row] = PROTOCOL.ipv4
    const first = frame[at] ?? 0
    const headerOctets = (first & 15) * 4
    const totalLength = readU16be(frame, at + 2) || frame.length - at
    if (frame.length < at + 20 || first >>> 4 !== 4 || headerOctets < 20 || headerOctets > totalLength)
      return this.markMalformed(row)
    if (frame.length < at + headerOctets) return this.markMalformed(row)
    columns.network[row] = NETWORK.ipv4
    columns.source[row] = readU32be(frame, at + 12)
    columns.destination[row] = readU32be(frame, at + 16)
    const protocol = frame[at + 9] ?? 0
    columns.ipProtocol[row] = protocol
    columns.ttl[row] = frame[at + 8] ?? 0
    if ((readU16be(frame, at + 6) & 0x3fff) !== 0) columns.marks[row]! |= MARK.fragment
    else this.addTransport(packet, row, frame, protocol, at + headerOctets, Math.min(frame.length, at + totalLength))
  }

  private addIpv6(packet: number, row: number, frame: Uint8Array, at: number): void {
    const { columns } = this
    columns.protocol[row] = PROTOCOL.ipv6
    if (frame.length < at + 40 || (frame[at] ?? 0) >>> 4 !== 6) return this.markMalformed(row)
    columns.network[row] = NETWORK.ipv6
    columns.source[row] = this.placeOf(row, readIpv6(frame, at + 8))
    columns.destination[row] = this.placeOf(row, readIpv6(frame, at + 24))
    columns.ttl[row] = frame[at + 7] ?? 0
    const end = Math.min(frame.length, at + 40 + readU16be(frame, at + 4))
    let next = frame[at + 6] ?? 0
    let start = at + 40
    for (let count = 0; count < HEADERS_MAX; count++) {
      const isOptions = next === 0 || next === 43 || next === 60
      if (!isOptions && next !== 44) break
      if (start + 8 > end) return this.markMalformed(row)
      if (next === 44 && (readU16be(frame, start + 2) & 0xfff9) !== 0) {
        columns.marks[row]! |= MARK.fragment
        columns.ipProtocol[row] = frame[start] ?? 0
        return
      }
      next = frame[start] ?? 0
      start += isOptions ? 8 + 8 * (frame[start + 1] ?? 0) : 8
    }
    columns.ipProtocol[row] = next
    if (start > end) return this.markMalformed(row)
    this.addTransport(packet, row, frame, next, start, end)
  }

  private addTransport(
    packet: number,
    row: number,
    frame: Uint8Array,
    protocol: number,
    start: number,
    end: number,
  ): void {
    const { columns } = this
    switch (protocol) {
      case 1:
      case 58: {
        columns.protocol[row] = protocol === 1 ? PROTOCOL.icmp : PROTOCOL.icmpv6
        if (end - start < 8) return this.markMalformed(row)
        const type = frame[start] ?? 0
        const isQuoting = protocol === 1 ? (type >= 3 && type <= 5) || type === 11 || type === 12 : type < 128
        if (isQuoting) columns.marks[row]! |= MARK.repeats
        return
      }
      case 50:
        columns.protocol[row] = PROTOCOL.esp
        return
      case 17: {
        columns.protocol[row] = PROTOCOL.udp
        if (end - start < 8) return this.markMalformed(row)
        const from = readU16be(frame, start)
        const to = readU16be(frame, start + 2)
        columns.sourcePort[row] = from
        columns.destinationPort[row] = to
        columns.payloadStart[row] = start + 8
        columns.payloadLength[row] = Math.max(0, Math.min(end - start, readU16be(frame, start + 4)) - 8)
        if (from === 520 || to === 520) columns.protocol[row] = PROTOCOL.rip
        else if (from === 500 && to === 500) columns.protocol[row] = PROTOCOL.isakmp
        return
      }
      case 6:
        columns.protocol[row] = PROTOCOL.tcp
        return this.addTcp(packet, row, frame, start, end)
    }
  }

  private addTcp(packet: number, row: number, frame: Uint8Array, start: number, end: number): void {
    const { columns, segment } = this
    const headerOctets = ((frame[start + 12] ?? 0) >>> 4) * 4
    if (end - start < 20 || headerOctets < 20 || start + headerOctets > end) return this.markMalformed(row)
    const from = readU16be(frame, start)
    const to = readU16be(frame, start + 2)
    const length = end - start - headerOctets
    const flags = readU16be(frame, start + 12) & 0xfff
    columns.sourcePort[row] = from
    columns.destinationPort[row] = to
    columns.tcpFlags[row] = flags
    columns.payloadStart[row] = start + headerOctets
    columns.payloadLength[row] = length
    segment.packet = packet
    segment.timeNs = columns.timeNs[row]!
    segment.sequence = columns.sequence[row] = readU32be(frame, start + 4)
    segment.acknowledgment = columns.acknowledgment[row] = readU32be(frame, start + 8)
    segment.window = columns.window[row] = readU16be(frame, start + 14)
    segment.length = length
    segment.flags = flags
    const stream = this.streamFor(packet, row)
    if (stream === null) return
    columns.stream[row] = stream.number
    const own = stream.from(columns.source[row]!, from)
    const other = stream.opposite(own)
    own.packets++
    own.octets += length
    if ((flags & TCP_FLAG.syn) !== 0) own.flow.shift = windowShiftOf(frame, start + 20, start + headerOctets)
    columns.analysis[row]! |= stream.analysis.add(own.flow, other.flow, segment)
    if ((columns.analysis[row]! & TCP_ANALYSIS.duplicateAck) !== 0) {
      columns.duplicateNumber[row] = own.flow.duplicateAcks
      columns.duplicateOf[row] = own.flow.lastNewAckPacket
    }
    this.addToStream(stream, own, row)
  }

  private addToStream(stream: TcpStream, own: StreamDirection, row: number): void {
    const { segment } = this
    const { flags, length, packet } = segment
    const other = stream.opposite(own)
    const isSyn = (flags & TCP_FLAG.syn) !== 0
    const sequence = (segment.sequence + (isSyn ? 1 : 0)) >>> 0
    // A probe of a closed window and a keep-alive may bring an octet that is not the stream's next one.
    const isAside = (this.columns.analysis[row]! & TCP_ANALYSIS.keepAlive) !== 0
    if (isSyn) own.begin(sequence)
    this.columns.streamPosition[row] = own.positionOf(sequence)
    if (!isAside || length > 1) own.add(this, packet, sequence, length)
    if ((flags & TCP_FLAG.ack) !== 0) other.acknowledged(this, segment.acknowledgment)
    if ((flags & TCP_FLAG.fin) !== 0) own.finSequence ??= (sequence + length) >>> 0
    if ((flags & TCP_FLAG.rst) !== 0) {
      stream.isReset = true
      if (!own.isEnded) own.finish(this)
      if (!other.isEnded) other.finish(this)
    } else if (!own.isEnded && own.isWhole) own.finish(this)
  }

  /** The stream of the segment in `segment`: known, or new. */
  private streamFor(packet: number, row: number): TcpStream | null {
    const { columns, segment } = this
    const network = columns.network[row]!
    const source = { network, address: columns.source[row]!, port: columns.sourcePort[row]! }
    const destination = { network, address: columns.destination[row]!, port: columns.destinationPort[row]! }
    const place = (source.port ^ destination.port) & (RECENT_STREAMS - 1)
    const recent = this.recentStreams[place]
    const isOpening = (segment.flags & (TCP_FLAG.syn | TCP_FLAG.ack)) === TCP_FLAG.syn
    if (!isOpening && recent !== undefined && isBetween(recent, source, destination)) return recent
    const key = keyOf(source, destination)
    const known = this.streamsByEnds.get(key)
    if (known !== undefined && !(isOpening && this.isAnother(known, source))) {
      this.recentStreams[place] = known
      return known
    }
    if (this.streams.length >= this.streamsMax) {
      this.note(`connections after the first ${this.streamsMax} are not followed`)
      return null
    }
    if (known !== undefined) columns.analysis[row]! |= TCP_ANALYSIS.reusedPorts
    const isSyn = (segment.flags & TCP_FLAG.syn) !== 0
    const isSourceClient = isSyn ? isOpening : source.port >= destination.port
    const [client, server] = isSourceClient ? [source, destination] : [destination, source]
    const made = new TcpStream(this.streams.length, client, server, packet)
    this.streams.push(made)
    this.streamsByEnds.set(key, made)
    this.recentStreams[place] = made
    return made
  }

  /** A SYN on known ports opens another connection, unless it is the first one's SYN again. */
  private isAnother(known: TcpStream, source: { readonly address: number; readonly port: number }): boolean {
    const { flow } = known.from(source.address, source.port)
    if (!flow.hasBase) return false
    return this.segment.sequence !== flow.base || known.isReset || known.toServer.finSequence !== null
  }

  private placeOf(row: number, address: bigint): number {
    const known = this.addressPlaces.get(address)
    if (known !== undefined) return known
    if (this.addresses.length >= ADDRESSES_MAX) {
      this.note(`IPv6 addresses after the first ${ADDRESSES_MAX} are not kept`)
      this.columns.marks[row]! |= MARK.repeats // so that filters look at the frame
      return NONE
    }
    this.addressPlaces.set(address, this.addresses.length)
    return this.addresses.push(address) - 1
  }

  private markMalformed(row: number): void {
    this.columns.marks[row]! |= MARK.malformed
  }

  private note(sentence: string): void {
    if (!this.notes.includes(sentence)) this.notes.push(sentence)
  }
}

interface End {
  readonly network: number
  readonly address: number
  readonly port: number
}

function isSame(a: End, b: End): boolean {
  return a.port === b.port && a.address === b.address && a.network === b.network
}

function isBetween({ client, server }: TcpStream, a: End, b: End): boolean {
  return (isSame(client, a) && isSame(server, b)) || (isSame(client, b) && isSame(server, a))
}

function keyOf(a: End, b: End): string {
  const first = `${a.address}:${a.port}`
  const second = `${b.address}:${b.port}`
  return first < second ? `${a.network} ${first} ${second}` : `${a.network} ${second} ${first}`
}

/** The shift count of the window scale option; -2 without one. */
function windowShiftOf(frame: Uint8Array, start: number, end: number): number {
  const at = findOption(frame, start, end, 3, 3)
  return at < 0 ? -2 : (frame[at + 2] ?? 0)
}

/** Where an option of that kind and at least that length begins; -1 if there is none. */
function findOption(frame: Uint8Array, start: number, end: number, kind: number, lengthMin: number): number {
  for (let at = start; at < end;) {
    const found = frame[at] ?? 0
    if (found === 0) return -1
    if (found === 1) {
      at++
      continue
    }
    const length = frame[at + 1] ?? 0
    if (length < 2 || at + length > end) return -1
    if (found === kind && length >= lengthMin) return at
    at += length
  }
  return -1
}
