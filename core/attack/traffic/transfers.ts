/** The transfers of a capture, sealed or not: who moved much to whom, and what its shape gives away. */
import type { Nanos } from '../../base/units.js'
import { ipText, type IpAddress } from '../../net/wire/addresses.js'
import { LINK_TYPE } from '../../net/wire/link-layer.js'
import { BlockRepeats } from '../structure/block-repeats.js'
import { BulkTraffic } from './bulk-traffic.js'
import { estimateMetadata, TRANSFER_OCTETS_MIN, type MetadataEstimate } from './metadata-estimate.js'
import { Stations } from './stations.js'

const TRANSFERS_MAX = 1024
/** Addresses whose texts are kept. */
const TEXTS_MAX = 1024
/** SPI, sequence number, and the IV of 8 octets that counter modes and GCM send (RFC 4106). */
const ESP_OPENING_OCTETS = 16
const BLOCK_OCTETS = 16
/** A guest is announced this soon after its last octets arrived. */
const ANNOUNCED_WITHIN_NS: Nanos = 200_000_000

export class Transfer {
  readonly traffic = new BulkTraffic()

  constructor(
    /** `address:port` of who connected first; under ESP, the address of who sent first. */
    readonly client: string,
    readonly server: string,
  ) {}

  get isBulk(): boolean {
    return this.traffic.octets >= TRANSFER_OCTETS_MIN
  }

  /** ESP: what the client sent, in blocks. Its packets have lengths and ends of their own, so none begins where another ended. */
  blocks: BlockRepeats | null = null

  see(sealed: Uint8Array): void {
    this.blocks ??= new BlockRepeats(BLOCK_OCTETS)
    if (this.blocks.isHopeless) return
    this.blocks.push(sealed, this.traffic.octetsToServer)
    this.blocks.cut()
  }

  /** ESP: the shortest packet so far. It carries an acknowledgment and nothing else, so longer ones carry the rest. */
  bareOctets = Infinity

  /** All its connections are closed, and what would have been announced has been. */
  isOver(nowNs: Nanos): boolean {
    return this.traffic.open === 0 && nowNs >= this.traffic.lastNs + ANNOUNCED_WITHIN_NS
  }
}

export class Transfers {
  /** In the order in which they were first seen. */
  readonly all: Transfer[] = []
  private readonly stations = new Stations()
  private readonly latest = new Map<string, Transfer>()
  private readonly texts = new Map<IpAddress, string>()
  private readonly ofConnection = new Map<number, Transfer>()

  frame(frame: Uint8Array, atNs: Nanos, linkType: number): void {
    if (linkType === LINK_TYPE.ethernet) this.stations.add(frame, atNs)
  }

  /** `key` names the two ends, whatever the client's port. */
  opened(id: number, key: string, client: string, server: string): void {
    let transfer = this.latest.get(key)
    if (transfer === undefined || transfer.traffic.open === 0) {
      if (this.all.length === TRANSFERS_MAX) return
      transfer = new Transfer(client, server)
      this.all.push(transfer)
      this.latest.set(key, transfer)
    }
    // Both directions are closed one by one.
    transfer.traffic.open += 2
    this.ofConnection.set(id, transfer)
  }

  /** IPsec hides ports and where connections begin and end: what passes between two hosts without a long pause is one transfer. */
  espPacket(from: IpAddress, to: IpAddress, packet: Uint8Array, atNs: Nanos): void {
    const octets = packet.length
    const source = this.textOf(from)
    const destination = this.textOf(to)
    const key = source < destination ? `esp ${destination} ${source}` : `esp ${source} ${destination}`
    let transfer = this.latest.get(key)
    if (transfer === undefined || transfer.isOver(atNs)) {
      if (this.all.length === TRANSFERS_MAX) return
      transfer = new Transfer(source, destination)
      this.all.push(transfer)
      this.latest.set(key, transfer)
    }
    transfer.bareOctets = Math.min(transfer.bareOctets, octets)
    transfer.traffic.add(source === transfer.client, octets - transfer.bareOctets, atNs)
    if (source === transfer.client) transfer.see(packet.subarray(ESP_OPENING_OCTETS))
  }

  /** Every packet asks, and few addresses are asked for. */
  private textOf(address: IpAddress): string {
    let text = this.texts.get(address)
    if (text !== undefined) return text
    if (this.texts.size === TEXTS_MAX) this.texts.clear()
    text = ipText(address)
    this.texts.set(address, text)
    return text
  }

  octets(id: number, isToServer: boolean, octets: number, atNs: Nanos): void {
    this.ofConnection.get(id)?.traffic.add(isToServer, octets, atNs)
  }

  closed(id: number): void {
    const transfer = this.ofConnection.get(id)
    if (transfer !== undefined) transfer.traffic.open--
  }

  estimate({ traffic }: Transfer): MetadataEstimate {
    const silence = this.stations.silence(traffic.firstNs ?? 0, traffic.lastNs + ANNOUNCED_WITHIN_NS)
    return estimateMetadata(traffic, silence)
  }
}
