import { concatOctets } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import type { Tap } from './tap.js'
import { PcapngWriter } from './wire/pcapng.js'

/** A tap on its way into the capture. */
interface Source {
  readonly tap: Tap
  readonly id: number
  /** The next packet to be written. */
  next: number
  framesMissing: number
}

/**
 * What several taps capture as one pcapng that grows, each tap an interface of it, in the order of time: frames of one
 * instant in the order of the taps.
 */
export class MergedTapStream {
  private readonly writer = new PcapngWriter()
  private readonly sources: readonly Source[]

  constructor(taps: readonly Tap[]) {
    this.sources = taps.map((tap) => ({ tap, id: this.writer.addInterface(tap.name), next: 1, framesMissing: 0 }))
  }

  /** What was captured since the last call; some `octetsMax` at most. Empty when nothing was. */
  take(octetsMax = Infinity): Uint8Array {
    for (let octets = 0; octets < octetsMax;) {
      const source = this.earliest()
      if (source === null) break
      const { tap, id, next } = source
      source.next++
      const frame = tap.frame(next)
      if (frame === undefined) continue
      this.writer.addPacket(id, tap.timeNs(next) ?? 0, frame, { comment: tap.comment(next) })
      octets += frame.length
    }
    return this.writer.take()
  }

  /** The end: how many frames each tap had, and how many of them are missing here because it had to drop them. */
  finish(): Uint8Array {
    for (const { tap, id, framesMissing } of this.sources) {
      const timeNs = tap.timeNs(tap.lastPacket) ?? 0
      this.writer.addStatistics(id, timeNs, { received: tap.lastPacket, dropped: framesMissing })
    }
    return this.writer.take()
  }

  private earliest(): Source | null {
    let found: Source | null = null
    let foundNs: Nanos = Infinity
    for (const source of this.sources) {
      const { tap } = source
      if (source.next < tap.firstPacket) {
        source.framesMissing += tap.firstPacket - source.next
        source.next = tap.firstPacket
      }
      const timeNs = tap.timeNs(source.next) ?? Infinity
      if (timeNs >= foundNs) continue
      found = source
      foundNs = timeNs
    }
    return found
  }
}

/** All that the taps have kept, as one file. */
export function mergedCapture(taps: readonly Tap[]): Uint8Array {
  const stream = new MergedTapStream(taps)
  return concatOctets([stream.take(), stream.finish()])
}
