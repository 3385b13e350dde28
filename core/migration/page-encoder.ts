/** How a page goes onto the stream: as nothing but its place when it is all zero, else whole. */
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import { MIGRATION_COSTS } from './costs.js'
import type { RamBlock } from './guest-memory.js'
import type { MigrationCounters } from './statistics.js'
import type { StreamWriter } from './wire/stream-writer.js'

export class PageEncoder {
  constructor(
    private readonly writer: StreamWriter,
    private readonly counters: MigrationCounters,
  ) {}

  /**
   * Write the record of a page as it is at this instant: a store after it is one that the dirty log must catch. Returns the
   * core time it took.
   */
  send(block: RamBlock, page: number): Nanos {
    const { writer, counters } = this
    const startOctets = writer.octetsWritten
    const offset = page * PAGE_OCTETS
    if (block.memory.isZero(page)) {
      writer.zeroPage(block.name, offset)
      counters.counts.duplicate++
      counters.sent(writer.octetsWritten - startOctets)
      return MIGRATION_COSTS.zeroPageNs
    }
    writer.page(block.name, offset, block.memory.page(page))
    counters.counts.normal++
    counters.sent(writer.octetsWritten - startOctets)
    return MIGRATION_COSTS.normalPageNs
  }
}
