/**
 * What a capture's index keeps of each packet, one typed array a property, so that a million packets cost neither
 * objects nor a collector's time. A row is a packet; rows of packets that were dropped go away in bulk.
 */

/** No row has this: no port, no stream, no VLAN, no packet. */
export const NONE = 0xffff_ffff

export const NETWORK = { other: 0, ipv4: 1, ipv6: 2, arp: 3 } as const

/** Bits of `marks`. */
export const MARK = {
  /** A protocol header occurs more than once (a quoted packet, stacked tags): columns hold the first alone. */
  repeats: 1,
  /** Dissection finds damage before the transport's payload. */
  malformed: 2,
  /** A unit of the stream's protocol ends here, or an endless one passes. */
  hasUnits: 4,
  fragment: 8,
  /** The frame begins with an Ethernet header. */
  ethernet: 16,
} as const

const INITIAL_ROWS = 1024

type Column = Float64Array | Uint32Array | Uint16Array | Uint8Array

export class PacketColumns {
  /** Packet number of row 0. */
  private base = 1
  /** Rows in use, those of dropped packets that are not yet swept included. */
  private used = 0
  private capacity = INITIAL_ROWS

  timeNs = new Float64Array(INITIAL_ROWS)
  length = new Uint32Array(INITIAL_ROWS)
  ethSource = new Float64Array(INITIAL_ROWS)
  ethDestination = new Float64Array(INITIAL_ROWS)
  /** The last one, behind tags; below 0x600 a length. */
  etherType = new Uint16Array(INITIAL_ROWS)
  /** The outermost tag's, or NONE's low half. */
  vlan = new Uint16Array(INITIAL_ROWS)
  network = new Uint8Array(INITIAL_ROWS)
  /** An IPv4 address, or the place of an IPv6 address in the index's list. */
  source = new Uint32Array(INITIAL_ROWS)
  destination = new Uint32Array(INITIAL_ROWS)
  ipProtocol = new Uint8Array(INITIAL_ROWS)
  ttl = new Uint8Array(INITIAL_ROWS)
  sourcePort = new Uint16Array(INITIAL_ROWS)
  destinationPort = new Uint16Array(INITIAL_ROWS)
  /** Number of the TCP stream, or NONE. */
  stream = new Uint32Array(INITIAL_ROWS)
  /** Index into `PROTOCOL_NAMES`. */
  protocol = new Uint8Array(INITIAL_ROWS)
  marks = new Uint8Array(INITIAL_ROWS)
  /** With the reserved bits. */
  tcpFlags = new Uint16Array(INITIAL_ROWS)
  sequence = new Uint32Array(INITIAL_ROWS)
  acknowledgment = new Uint32Array(INITIAL_ROWS)
  window = new Uint16Array(INITIAL_ROWS)
  analysis = new Uint16Array(INITIAL_ROWS)
  /** Of a duplicate acknowledgment: which one it is, and of which packet. */
  duplicateNumber = new Uint16Array(INITIAL_ROWS)
  duplicateOf = new Uint32Array(INITIAL_ROWS)
  /** Where the payload of the transport begins in the frame. */
  payloadStart = new Uint32Array(INITIAL_ROWS)
  payloadLength = new Uint32Array(INITIAL_ROWS)
  /** Of the payload's first octet in its direction of the stream. */
  streamPosition = new Float64Array(INITIAL_ROWS)
  /** So many of the payload's last octets were not there before. */
  freshOctets = new Uint32Array(INITIAL_ROWS)

  get firstPacket(): number {
    return this.base
  }
  get lastPacket(): number {
    return this.base + this.used - 1
  }

  /** The row of a packet that is indexed. */
  row(packet: number): number {
    return packet - this.base
  }

  has(packet: number): boolean {
    return packet >= this.base && packet < this.base + this.used
  }

  /** A new last row; what it holds is to be written. */
  add(): number {
    if (this.used === this.capacity) this.resize(2 * this.capacity)
    return this.used++
  }

  /** Before the first packet: numbering begins there. */
  beginAt(packet: number): void {
    if (this.used === 0) this.base = packet
  }

  /** Packets before that one are gone. Their rows go when they are half of all. */
  dropBefore(packet: number): void {
    const rows = Math.min(packet - this.base, this.used)
    if (rows < INITIAL_ROWS || rows * 2 < this.used) return
    for (const column of this.columns()) column.copyWithin(0, rows, this.used)
    this.base += rows
    this.used -= rows
  }

  private columns(): Column[] {
    return Object.values(this).filter((value): value is Column => ArrayBuffer.isView(value))
  }

  private resize(capacity: number): void {
    for (const [name, column] of Object.entries(this)) {
      if (!ArrayBuffer.isView(column)) continue
      const old = column as Column
      const grown = new (old.constructor as new (length: number) => Column)(capacity)
      grown.set(old)
      Object.assign(this, { [name]: grown })
    }
    this.capacity = capacity
  }
}
