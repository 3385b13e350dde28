/**
 * Which packet carried which octets of a stream, for evidence. Streams that belong together (a migration and its
 * multifd channels) share one log and keep their offsets apart by `channel`.
 */

const CAPACITY = 256

/** Offsets of one channel, in the order of the stream. */
class ChannelLog {
  count = 0
  starts = new Float64Array(CAPACITY)
  packets = new Uint32Array(CAPACITY)
  timesNs = new Float64Array(CAPACITY)

  append(start: number, packet: number, atNs: number): void {
    if (this.count === this.starts.length) this.grow()
    this.starts[this.count] = start
    this.packets[this.count] = packet
    this.timesNs[this.count] = atNs
    this.count++
  }

  /** The index of the packet that carried the octet at `offset`, -1 if there is none. */
  indexAt(offset: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.starts[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  private grow(): void {
    const length = 2 * this.starts.length
    const [starts, packets, timesNs] = [this.starts, this.packets, this.timesNs]
    this.starts = new Float64Array(length)
    this.starts.set(starts)
    this.packets = new Uint32Array(length)
    this.packets.set(packets)
    this.timesNs = new Float64Array(length)
    this.timesNs.set(timesNs)
  }
}

/** Part of a channel's stream. */
export interface StreamSpan {
  readonly channel: number
  readonly offset: number
  readonly octets: number
}

export interface Evidence {
  /** In ascending order, each once. */
  readonly packets: readonly number[]
  /** When the last of them passed. */
  readonly atNs: number
}

export class PacketLog {
  private readonly channels: ChannelLog[] = []

  /** Returns the channel's number. */
  addChannel(): number {
    return this.channels.push(new ChannelLog()) - 1
  }

  /** The octets from `offset` on came in `packet`. Offsets of a channel must ascend. */
  append(channel: number, offset: number, packet: number, atNs: number): void {
    this.channels[channel]?.append(offset, packet, atNs)
  }

  evidenceFor(spans: readonly StreamSpan[]): Evidence {
    const packets = new Set<number>()
    let last = 0
    let atNs = 0
    for (const { channel, offset, octets } of spans) {
      const log = this.channels[channel]
      if (log === undefined || octets <= 0) continue
      for (let index = Math.max(0, log.indexAt(offset)); index < log.count; index++) {
        if (log.starts[index]! >= offset + octets) break
        const packet = log.packets[index]!
        packets.add(packet)
        if (packet < last) continue
        last = packet
        atNs = log.timesNs[index]!
      }
    }
    return { packets: [...packets].sort((a, b) => a - b), atNs }
  }
}
