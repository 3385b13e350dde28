import type { Tap } from './tap.js'
import { PcapngWriter } from './wire/pcapng.js'

/** What several taps captured as one pcapng, each an interface of it, in the order of time. */
export function mergedCapture(taps: readonly Tap[]): Uint8Array {
  const writer = new PcapngWriter()
  const sources = taps.map((tap) => ({ tap, id: writer.addInterface(tap.name), next: tap.firstPacket }))
  for (;;) {
    let earliest: (typeof sources)[number] | null = null
    let earliestNs = Infinity
    for (const source of sources) {
      const timeNs = source.tap.timeNs(source.next) ?? Infinity
      if (timeNs >= earliestNs) continue
      earliest = source
      earliestNs = timeNs
    }
    if (earliest === null) break
    const { tap, id, next } = earliest
    earliest.next++
    const frame = tap.frame(next)
    if (frame !== undefined) writer.addPacket(id, earliestNs, frame, { comment: tap.comment(next) })
  }
  for (const { tap, id } of sources)
    writer.addStatistics(id, tap.timeNs(tap.lastPacket) ?? 0, { received: tap.lastPacket, dropped: tap.framesDropped })
  return writer.take()
}
