/**
 * The source's part in pre-copy (QEMU migration/migration.c `migration_iteration_run` and `migration_completion`): the disk and
 * rounds of pages while the guest runs, and the last stage, the pages that are left and the devices while it stands still.
 */
import type { Nanos } from '../base/units.js'
import { MIGRATION_COSTS } from './costs.js'
import { IterationPolicy, type NextStep } from './iteration-policy.js'
import type { MigrationRound } from './migration.js'
import { writeDevices } from './outgoing-devices.js'
import type { OutgoingStorage } from './outgoing-storage.js'
import type { OutgoingParts, OutgoingStep, OutgoingWork } from './outgoing-work.js'
import { VcpuThrottle } from './vcpu-throttle.js'
import { descriptionText } from './wire/vmdesc.js'

export class OutgoingPrecopy implements OutgoingWork {
  isAllWritten = false
  /** The operator wants the guest stopped after the burst at hand, whatever is left. */
  switchoverAsked = false
  /** The guest is to go on at the destination after the burst at hand. */
  postcopyAsked: boolean
  private stage: 'setup' | 'storage' | 'rounds' | 'switchover' | 'last-stage' = 'setup'
  private isInRound = false
  private readonly policy: IterationPolicy
  private readonly throttle: VcpuThrottle

  constructor(private readonly parts: OutgoingParts) {
    const { vm, ram, options, labels, trace } = parts
    const { counters } = ram
    this.postcopyAsked = options.strategy === 'postcopy'
    this.policy = new IterationPolicy(options)
    this.throttle = new VcpuThrottle({ vm, options, counters, labels, trace })
  }

  next(nowNs: Nanos): OutgoingStep {
    switch (this.stage) {
      case 'setup':
        return this.start(nowNs)
      case 'storage':
        return this.sendStorage(nowNs)
      case 'rounds':
        return this.iterate(nowNs)
      case 'switchover':
        return this.startLastStage(nowNs)
      case 'last-stage':
        return this.sendLastPages()
    }
  }

  /** The guest stands still, to go on at the destination: what it wrote last. In a round that is the only reading, as in QEMU. */
  leaveRounds(nowNs: Nanos): void {
    const { ram, storage } = this.parts
    const dirtiedPages = ram.sync()
    if (this.isInRound) this.closeRound(dirtiedPages)
    storage?.finish(nowNs)
  }

  /** It is over, whatever it came to: the guest runs as it did before. */
  stop(): void {
    this.throttle.stop()
  }

  /** Percent of its time that the guest's vCPU is kept from running. */
  get throttlePercent(): number {
    return this.throttle.percent
  }

  private start(nowNs: Nanos): OutgoingStep {
    const { ram, pacing, storage } = this.parts
    storage?.start()
    ram.start()
    pacing.start(nowNs, ram.octetsWritten)
    if (storage === null) this.startRounds(nowNs)
    else this.stage = 'storage'
    return { kind: 'worked', workNs: ram.logNs }
  }

  private sendStorage(nowNs: Nanos): OutgoingStep {
    const storage = this.parts.storage as OutgoingStorage
    const step = storage.next(nowNs)
    if (storage.isAllWritten) this.startRounds(nowNs)
    return step
  }

  private startRounds(nowNs: Nanos): void {
    this.openRound(nowNs)
    this.stage = 'rounds'
    this.throttle.logRead(0)
  }

  /** What to do next is decided between two PARTs, never in one. */
  private iterate(nowNs: Nanos): OutgoingStep {
    const { switchoverAsked, postcopyAsked } = this
    const { ram, out, pacing } = this.parts
    pacing.advance(nowNs, ram.octetsWritten)
    const isWindowFull = ram.octetsWritten >= pacing.limitOctets
    if (isWindowFull || switchoverAsked || postcopyAsked || ram.isPartOver(nowNs)) ram.closePart()
    if (postcopyAsked) return { kind: 'postcopy' }
    if (switchoverAsked) return this.finishRound(nowNs)
    if (isWindowFull) {
      out.drain()
      return { kind: 'sleeps', untilNs: pacing.endNs }
    }
    if (!ram.isInPart) {
      out.drain()
      if (!ram.hasRoom) return { kind: 'waits' } // the extra connections have not taken all of the part
      if (this.policy.endsRound(ram.rounds.length, ram.pending.octets, pacing.lastWindow))
        return this.finishRound(nowNs)
      ram.openPart(nowNs)
    }
    const workNs = ram.sendPages(out.room, pacing.limitOctets)
    out.drain()
    return { kind: 'worked', workNs }
  }

  private openRound(nowNs: Nanos): void {
    const { ram, options } = this.parts
    ram.openRound(nowNs, options.strategy === 'stop-and-copy')
    this.isInRound = true
  }

  private closeRound(dirtiedPages: number): void {
    const { ram, trace, labels } = this.parts
    ram.closeRound(trace, labels.id, dirtiedPages)
    this.isInRound = false
  }

  /** Read the dirty log and decide. */
  private finishRound(nowNs: Nanos): OutgoingStep {
    const { ram } = this.parts
    const newlyDirty = ram.sync()
    this.closeRound(newlyDirty)
    this.throttle.logRead(newlyDirty)
    const next = this.switchoverAsked ? 'forced' : this.decide(nowNs)
    if (next === 'postcopy') return { kind: 'postcopy' }
    if (next !== 'iterate') {
      this.stage = 'switchover'
      return { kind: 'switchover', isForced: next === 'forced' }
    }
    this.openRound(nowNs)
    return { kind: 'worked', workNs: ram.logNs }
  }

  private decide(nowNs: Nanos): NextStep {
    const { ram, pacing } = this.parts
    const rounds = ram.rounds.length
    const outcome = {
      rounds,
      pendingOctets: ram.pending.octets,
      bandwidth: pacing.measured(nowNs, ram.octetsWritten),
      sentPages: ram.pagesOfRound(rounds - 1),
      sentPagesBefore: ram.pagesOfRound(rounds - 2),
      sentPagesTotal: ram.pagesSent,
      memoryPages: ram.pending.pageCount,
      isRateMax: pacing.isRateMax,
    }
    pacing.roundOver(ram.rounds[rounds - 1] as MigrationRound)
    return this.policy.afterRound(outcome)
  }

  /** The guest stands still: all that is left goes out in one pass, whatever the limit. */
  private startLastStage(nowNs: Nanos): OutgoingStep {
    const { ram, storage } = this.parts
    storage?.finish(nowNs)
    ram.sync() // what it wrote on its way to a stop
    ram.encoder.isLastStage = true
    ram.openRound(nowNs, true)
    ram.openEnd()
    this.stage = 'last-stage'
    return { kind: 'worked', workNs: ram.logNs }
  }

  private sendLastPages(): OutgoingStep {
    const { ram, out, vm } = this.parts
    if (ram.pending.count > 0) {
      const workNs = ram.sendPages(out.room, Number.MAX_SAFE_INTEGER)
      out.drain()
      return { kind: 'worked', workNs }
    }
    ram.endRecords()
    const devices = writeDevices(out.writer, vm)
    out.writer.endOfState()
    out.writer.description(descriptionText(devices))
    this.isAllWritten = true
    out.drain()
    return { kind: 'worked', workNs: devices.length * MIGRATION_COSTS.deviceNs }
  }
}
