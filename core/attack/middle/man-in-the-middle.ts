/**
 * A man in the middle between two stations of one segment: both are poisoned, their packets are relayed as a router would, and TCP
 * connections that open to chosen ports are ended here and made anew to the other side, with the addresses and ports that
 * both expect, so that what they carry can be edited.
 */
import type { ByteStream } from '../../base/byte-stream.js'
import { readU16be, readU32be, writeU16be } from '../../base/octets.js'
import { ipv4Text, readMac, writeMac, type IpAddress, type Ipv4Address } from '../../net/wire/addresses.js'
import { adjustChecksum } from '../../net/wire/checksum.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from '../../net/wire/ethernet.js'
import { IP_PROTOCOL, IPV4_HEADER_OCTETS } from '../../net/wire/ipv4.js'
import { TCP_FLAG } from '../../net/wire/tcp.js'
import type { Acceptor, Attack, Reach, Station } from '../reach.js'
import { ArpSpoof, type Victims } from './arp-spoof.js'
import { Impostor, type ImpostorKind } from './impostor.js'
import type { MigrationEdit, OffsetEdit, StreamEdit } from './stream-edits.js'
import { MigrationEditor } from './migration-editor.js'
import { OfferStripper } from './offer-stripper.js'
import { OffsetEditor } from './offset-editor.js'
import { RelayedConnection } from './relayed-connection.js'
import { NoEditor, type EditWitness, type StreamEditor } from './stream-editor.js'

export interface MiddleOptions {
  readonly victims: Victims
  /** TCP ports whose connections are edited. */
  readonly ports: readonly number[]
  readonly edits: readonly StreamEdit[]
  /** Be the server of the connections to these ports, instead of relaying them. */
  readonly impostor?: ImpostorKind
}

/** More are counted, and not told one by one. */
const EDITS_TOLD_MAX = 64
const IP = ETHERNET_HEADER_OCTETS
const TTL_AT = IP + 8
const CHECKSUM_AT = IP + 10

export class ManInTheMiddle implements Attack, Acceptor, EditWitness {
  private readonly spoof: ArpSpoof
  /** Towards each victim a stack that has the other one's address; made when it is known where both are. */
  private readonly faces = new Map<Ipv4Address, Station>()
  /** `client:port>server:port` of connections whose first segment was seen. */
  private readonly taken = new Set<string>()
  private readonly connections: RelayedConnection[] = []
  private readonly impostors: Impostor[] = []
  framesRelayed = 0
  edits = 0

  constructor(
    private readonly reach: Reach,
    private readonly options: MiddleOptions,
  ) {
    this.spoof = new ArpSpoof(reach, options.victims)
  }

  start(): void {
    this.spoof.start()
  }

  stop(): void {
    this.spoof.stop()
  }

  takesFrame(frame: Uint8Array): boolean {
    if (frame.length < IP + IPV4_HEADER_OCTETS) return false
    const etherType = readU16be(frame, 12)
    if (etherType === ETHERTYPE.arp) return this.spoof.takesFrame(frame)
    if (etherType !== ETHERTYPE.ipv4 || readMac(frame, 0) !== this.reach.mac || !this.spoof.isReady) return false
    const source = readU32be(frame, IP + 12)
    const destination = readU32be(frame, IP + 16)
    if (destination === this.reach.address) return false
    if (this.intercepts(frame, source, destination)) this.faceOf(source).receiveFrame(frame)
    else this.relay(frame, destination)
    return true
  }

  /** A victim has opened a connection to the other one, as it believes. */
  accepted(stream: ByteStream, port: number, from: { readonly address: IpAddress; readonly port: number }): void {
    const client = Number(from.address)
    const server = this.otherOf(client)
    const { impostor } = this.options
    if (impostor !== undefined) {
      this.reach.tell('intercept', `${ipv4Text(client)} takes us for ${ipv4Text(server)}, TCP port ${port}`)
      this.impostors.push(new Impostor(this.reach, stream, impostor, ipv4Text(server)))
      return
    }
    const onward = this.faceOf(server).connect(server, port, from.port)
    const toServer = this.newEditor()
    this.connections.push(new RelayedConnection(stream, onward, { toServer, toClient: new NoEditor() }))
    this.reach.tell('intercept', `${ipv4Text(client)} to ${ipv4Text(server)}, TCP port ${port}: both ends are here now`)
  }

  edited(what: string, place: string): void {
    this.edits++
    if (this.edits <= EDITS_TOLD_MAX) this.reach.tell('edit', `${what.replaceAll('-', ' ')} at ${place}`)
  }

  private newEditor(): StreamEditor {
    const { edits } = this.options
    const byPlace = edits.filter(isByPlace)
    const inPages = edits.filter(isInPages)
    const editor =
      byPlace.length > 0
        ? new OffsetEditor(byPlace, this)
        : inPages.length > 0
          ? new MigrationEditor(inPages, this)
          : new NoEditor()
    return edits.some(({ kind }) => kind === 'strip') ? new OfferStripper(editor, this) : editor
  }

  private otherOf(victim: Ipv4Address): Ipv4Address {
    const [a, b] = this.options.victims
    return victim === a ? b : a
  }

  private faceOf(victim: Ipv4Address): Station {
    const known = this.faces.get(victim)
    if (known !== undefined) return known
    const neighbours = [{ address: victim, mac: this.spoof.macOf(victim) ?? 0 }]
    const face = this.reach.pretend({ address: this.otherOf(victim), neighbours })
    for (const port of this.options.ports) face.listen(port, this)
    this.faces.set(victim, face)
    return face
  }

  /** Whether it belongs to a connection that is edited: one to a chosen port, seen from its first segment on. */
  private intercepts(frame: Uint8Array, source: Ipv4Address, destination: Ipv4Address): boolean {
    const { victims, ports } = this.options
    if (!victims.includes(source) || !victims.includes(destination)) return false
    if (frame[IP + 9] !== IP_PROTOCOL.tcp) return false
    const tcp = IP + 4 * ((frame[IP] ?? 0) & 15)
    if (frame.length < tcp + 14) return false
    const sourcePort = readU16be(frame, tcp)
    const destinationPort = readU16be(frame, tcp + 2)
    const isFirst = ((frame[tcp + 13] ?? 0) & (TCP_FLAG.syn | TCP_FLAG.ack)) === TCP_FLAG.syn
    const flow = `${source}:${sourcePort}>${destination}:${destinationPort}`
    if (isFirst && ports.includes(destinationPort)) this.taken.add(flow)
    return this.taken.has(flow) || this.taken.has(`${destination}:${destinationPort}>${source}:${sourcePort}`)
  }

  /** As a router sends it on: another MAC address, one hop less to live. */
  private relay(frame: Uint8Array, destination: Ipv4Address): void {
    const mac = this.spoof.macOf(destination)
    const ttl = frame[TTL_AT] ?? 0
    if (mac === undefined || ttl <= 1) return
    const before = readU16be(frame, TTL_AT)
    frame[TTL_AT] = ttl - 1
    writeU16be(frame, CHECKSUM_AT, adjustChecksum(readU16be(frame, CHECKSUM_AT), before, readU16be(frame, TTL_AT)))
    writeMac(frame, 0, mac)
    writeMac(frame, 6, this.reach.mac)
    this.framesRelayed++
    this.reach.sendFrame(frame)
  }
}

function isByPlace(edit: StreamEdit): edit is OffsetEdit {
  return edit.kind === 'flip' || edit.kind === 'paste'
}

function isInPages(edit: StreamEdit): edit is MigrationEdit {
  return !isByPlace(edit) && edit.kind !== 'strip'
}
