/**
 * The passive attack: takes captured frames one by one, and nothing else, puts TCP connections together, tells what they
 * speak, and rebuilds and searches what is in clear. A sniffer feeds it while a simulation runs, `analyse` feeds it
 * from a file: the same frames give the same result.
 */
import { IntruderSigns } from './intruder-signs.js'
import { WireError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import { endpointText, ipText } from '../net/wire/addresses.js'
import { decodeCapturedEsp, decodeCapturedTcp, LINK_TYPE, type CapturedTcp } from '../net/wire/link-layer.js'
import {
  type CapturedConnection,
  type CloseReason,
  type ReassemblyListener,
  type StreamGap,
  type StreamRun,
  type StreamSide,
  TcpReassembler,
} from '../net/wire/tcp-reassembly.js'
import type { AnalysisProgress, AnalysisReport, CaptureKind, TransferReport } from './analysis-report.js'
import { ConnectionAnalysis, type Direction, type MigrationOwner } from './connection-analysis.js'
import { OPENING_OCTETS_MAX } from './protocol-opening.js'
import type { QevmAnalysis } from './qevm-analysis.js'
import { Transfers } from './traffic/transfers.js'

/** Connections that are looked at; more are only counted. */
const CONNECTIONS_MAX = 4096
/** Of the first so many, the whole opening is kept to describe it. */
const DESCRIBED_MAX = 512
const BRIEF_OPENING_OCTETS = 64
const WARNINGS_MAX = 64

const directionFrom = (sender: StreamSide): Direction => (sender === 'client' ? 'to-server' : 'to-client')

/** Migrations between the same two hosts to the same port belong together: a main stream and its multifd channels. */
const migrationKey = ({ client, server }: CapturedConnection): string =>
  `${ipText(client.address)} ${endpointText(server.address, server.port)}`

export class CaptureAnalysis implements ReassemblyListener, MigrationOwner {
  private readonly reassembler = new TcpReassembler(this)
  private readonly connections = new Map<number, ConnectionAnalysis>()
  /** The last migration in clear by `migrationKey`. */
  private readonly migrationsByEnds = new Map<string, QevmAnalysis>()
  private readonly multifdChannels = new Map<ConnectionAnalysis, { migration: QevmAnalysis; channel: number }>()
  private readonly endsOf = new Map<ConnectionAnalysis, string>()
  /** Lengths and times, which no channel seals. */
  readonly transfers = new Transfers()
  private readonly intruders = new IntruderSigns()
  private readonly warnings: string[] = []
  private packets = 0
  private tcpPackets = 0
  private damagedPackets = 0
  private shortPackets = 0
  private uncountedConnections = 0

  /** Take in one frame. Packet numbers begin at 1 and go up; a frame that makes no sense is counted and passed over. */
  addFrame(frame: Uint8Array, atNs: Nanos, packetNumber: number, linkType: number = LINK_TYPE.ethernet): void {
    this.packets++
    this.transfers.frame(frame, atNs, linkType)
    let tcp: CapturedTcp | null = null
    try {
      tcp = decodeCapturedTcp(linkType, frame)
      if (tcp === null) this.addOther(frame, atNs, linkType)
      else {
        this.tcpPackets++
        this.reassembler.add(packetNumber, atNs, tcp)
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      if (this.damagedPackets++ === 0) this.warn(`packet ${packetNumber}: ${error.message}`)
    }
    this.intruders.frame(frame, atNs, packetNumber, linkType, tcp)
  }

  private addOther(frame: Uint8Array, atNs: Nanos, linkType: number): void {
    const esp = decodeCapturedEsp(linkType, frame)
    if (esp !== null) this.transfers.espPacket(esp.source, esp.destination, esp.packet, atNs)
  }

  /** The capture is over: what waits for lost packets is given up. Call once, before the last report. */
  finish(): void {
    this.reassembler.finish()
  }

  /** Every connection, in the order in which they were first seen. */
  get conversations(): ConnectionAnalysis[] {
    return [...this.connections.values()]
  }

  /** The memory that is rebuilt, a migration an entry. */
  get migrations(): QevmAnalysis[] {
    return [...this.connections.values()].flatMap(({ qevm }) => qevm ?? [])
  }

  progress(): AnalysisProgress {
    let pagesRecovered = 0
    let octetsRecovered = 0
    const { migrations } = this
    for (const migration of migrations) {
      pagesRecovered += migration.pagesRecovered
      octetsRecovered += migration.octetsRecovered
    }
    return { pagesRecovered, octetsRecovered, findings: migrations.flatMap((migration) => migration.liveFindings()) }
  }

  report(kind: CaptureKind = 'pcapng'): AnalysisReport {
    const carrying = [...this.connections.values()].filter((connection) => !connection.isEmpty)
    const streams = carrying.map((connection) => connection.report())
    const warnings = [...this.warnings, ...this.closingWarnings()]
    return {
      kind,
      packets: this.packets,
      streams,
      transfers: this.transferReports(),
      signs: this.intruders.signs,
      warnings,
    }
  }

  warn(warning: string): void {
    if (this.warnings.length < WARNINGS_MAX) this.warnings.push(warning)
  }

  /** A packet of which the capture holds only the beginning. */
  countShortPacket(): void {
    this.shortPackets++
  }

  private transferReports(): TransferReport[] {
    const { transfers } = this
    return transfers.all
      .filter((transfer) => transfer.isBulk)
      .map((transfer) => {
        const { client, server, traffic } = transfer
        const { firstNs, lastNs, octets } = traffic
        return { client, server, octets, firstNs, lastNs, estimate: transfers.estimate(transfer) }
      })
  }

  private closingWarnings(): string[] {
    const warnings: string[] = []
    if (this.packets === 0) warnings.push('the capture holds no packets')
    else if (this.tcpPackets === 0)
      warnings.push(`no TCP over IPv4 among the ${this.packets} packets: nothing here could be a migration`)
    else if (this.migrations.length === 0) warnings.push('no migration in clear was seen')
    const emptyConnections = [...this.connections.values()].filter((connection) => connection.isEmpty).length
    if (emptyConnections > 0) warnings.push(`${emptyConnections} connections carried no octets`)
    if (this.damagedPackets > 1) warnings.push(`${this.damagedPackets} packets make no sense and were passed over`)
    if (this.shortPackets > 0)
      warnings.push(
        `${this.shortPackets} packets were cut when they were captured (snapshot length): octets are missing`,
      )
    if (this.uncountedConnections > 0)
      warnings.push(`${this.uncountedConnections} more connections were not looked at: ${CONNECTIONS_MAX} is the limit`)
    return warnings
  }

  // What the reassembler tells.

  connectionSeen(connection: CapturedConnection): void {
    const { id, client, server, hasHandshake } = connection
    if (this.connections.size >= CONNECTIONS_MAX) {
      this.uncountedConnections++
      return
    }
    const openingOctets = this.connections.size < DESCRIBED_MAX ? OPENING_OCTETS_MAX : BRIEF_OPENING_OCTETS
    const ends = [client, server].map(({ address, port }) => endpointText(address, port)) as [string, string]
    const analysis = new ConnectionAnalysis(this, ...ends, { hasHandshake, openingOctets })
    this.connections.set(id, analysis)
    const key = migrationKey(connection)
    this.endsOf.set(analysis, key)
    this.transfers.opened(id, key, ...ends)
  }

  streamRun({ connection, sender, octets, packet, timeNs }: StreamRun): void {
    this.transfers.octets(connection.id, sender === 'client', octets.length, timeNs)
    this.connections.get(connection.id)?.octets(directionFrom(sender), octets, packet, timeNs)
  }

  streamGap({ connection, sender, octets }: StreamGap): void {
    this.connections.get(connection.id)?.gap(directionFrom(sender), octets)
  }

  streamClosed(connection: CapturedConnection, sender: StreamSide, reason: CloseReason): void {
    this.transfers.closed(connection.id)
    this.connections.get(connection.id)?.end(directionFrom(sender), reason === 'fin')
  }

  // What the connections tell.

  migrationFound(connection: ConnectionAnalysis, migration: QevmAnalysis): void {
    this.migrationsByEnds.set(this.endsOf.get(connection) ?? '', migration)
  }

  interruptedPostcopy(connection: ConnectionAnalysis): QevmAnalysis | null {
    const migration = this.migrationsByEnds.get(this.endsOf.get(connection) ?? '')
    return migration?.isPostcopy === true ? migration : null
  }

  multifdOctets(connection: ConnectionAnalysis, offset: number, packet: number, atNs: number): void {
    let joined = this.multifdChannels.get(connection)
    if (joined === undefined) {
      const migration = this.migrationsByEnds.get(this.endsOf.get(connection) ?? '')
      if (migration === undefined) return
      joined = { migration, channel: migration.log.addChannel() }
      this.multifdChannels.set(connection, joined)
      migration.note('multifd: pages come on extra connections')
    }
    joined.migration.log.append(joined.channel, offset, packet, atNs)
  }

  multifdPage(
    connection: ConnectionAnalysis,
    block: string,
    offset: number,
    octets: Uint8Array | null,
    streamOffset: number,
  ): void {
    const joined = this.multifdChannels.get(connection)
    const index = joined?.migration.blocks.findIndex(({ name }) => name === block) ?? -1
    if (joined === undefined || index < 0)
      connection.note('pages came for a block that no main stream announced: not rebuilt')
    else if (octets === null) joined.migration.multifdZeroPage(index, offset)
    else joined.migration.multifdPage(index, offset, octets, joined.channel, streamOffset)
  }
}
