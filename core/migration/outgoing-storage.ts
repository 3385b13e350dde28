/**
 * The guest's disk in an outgoing stream: all of it before memory, as fast as the bandwidth limit lets it, and what was written
 * meanwhile once the guest stands still. The octets are OutgoingDisk's.
 */
import type { Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import { MIGRATION_LANE } from './costs.js'
import { stopsFirst } from './migration.js'
import type { DiskStatistics, OutgoingDisk } from './outgoing-disk.js'
import type { OutgoingParts, OutgoingStep, OutgoingWork } from './outgoing-work.js'

export interface OutgoingStorageParts extends Omit<OutgoingParts, 'vm' | 'storage'> {
  readonly disk: OutgoingDisk
  readonly cores: HostCores
}

export class OutgoingStorage implements OutgoingWork {
  /** Every chunk was sent once. */
  isAllWritten = false

  constructor(private readonly parts: OutgoingStorageParts) {}

  get statistics(): DiskStatistics {
    return this.parts.disk.statistics
  }

  /** Its section begins. */
  start(): void {
    this.parts.disk.start()
  }

  /** One chunk. */
  next(nowNs: Nanos): OutgoingStep {
    const { disk, ram, out, pacing, options } = this.parts
    pacing.advance(nowNs, ram.octetsWritten)
    if (ram.octetsWritten >= pacing.limitOctets) {
      disk.closePart()
      out.drain()
      return { kind: 'sleeps', untilNs: pacing.endNs }
    }
    const workNs = disk.sendBulk(nowNs)
    this.isAllWritten = !disk.hasBulk
    if (this.isAllWritten) {
      disk.closePart()
      this.passOver(stopsFirst(options.strategy))
    }
    out.drain()
    return { kind: 'worked', workNs }
  }

  /** The guest stands still: what was written after it was sent, and the end of the section. */
  finish(nowNs: Nanos): void {
    const { disk, cores } = this.parts
    cores.book(MIGRATION_LANE, disk.end(nowNs))
    this.passOver(true)
  }

  stopLog(): void {
    this.parts.disk.stopLog()
  }

  /** No round of pages counts the disk's octets. */
  private passOver(isPaused: boolean): void {
    const { disk, ram, trace, labels } = this.parts
    ram.leaveOut(disk.tracePass(trace, labels.id, isPaused))
  }
}
