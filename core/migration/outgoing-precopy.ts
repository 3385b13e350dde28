/**
 * The source's part in pre-copy (QEMU migration/migration.c `migration_iteration_run` and `migration_completion`): rounds of
 * pages while the guest runs, and the last stage, the pages that are left and the devices while it stands still.
 */
import type { Nanos } from '../base/units.js'
import type { Trace } from '../kernel/trace.js'
import { MIGRATION_COSTS } from './costs.js'
import type { MigratableVm } from './guest-memory.js'
import { IterationPolicy, type NextStep } from './iteration-policy.js'
import type { MigrationLabels, MigrationOptions, MigrationRound } from './migration.js'
import { writeDevices } from './outgoing-devices.js'
import type { OutgoingRam } from './outgoing-ram.js'
import type { OutgoingStream } from './outgoing-stream.js'
import type { OutgoingStep, OutgoingWork } from './outgoing-work.js'
import { Pacing } from './pacing.js'
import { VcpuThrottle } from './vcpu-throttle.js'
import { descriptionText } from './wire/vmdesc.js'

export interface OutgoingPrecopyParts {
  readonly vm: MigratableVm
  readonly ram: OutgoingRam
  readonly out: OutgoingStream
  /** Limits among them may change. */
  readonly options: MigrationOptions
  readonly labels: MigrationLabels
  readonly trace: Trace
}

export class OutgoingPrecopy implements OutgoingWork {
  isAllWritten = false
  /** The operator wants the guest stopped after the burst at hand, whatever is left. */
  switchoverAsked = false
  /** The guest is to go on at the destination after the burst at hand. */
  postcopyAsked: boolean
  private stage: 'setup' | 'rounds' | 'last-stage' = 'setup'
  private isInRound = false
  private readonly policy: IterationPolicy
  private readonly pacing: Pacing
  private readonly throttle: VcpuThrottle

  constructor(private readonly parts: OutgoingPrecopyParts) {
    const { vm, ram, options, labels, trace } = parts
    const { counters } = ram
    this.postcopyAsked = options.strategy === 'postcopy'
    this.policy = new IterationPolicy(options)
    this.pacing = new Pacing(options, counters)
    this.throttle = new VcpuThrottle({ vm, options, counters, labels, trace })
  }

  next(nowNs: Nanos): OutgoingStep {
    switch (this.stage) {
      case 'setup':
        return this.start(nowNs)
      case 'rounds':
        return this.iterate(nowNs)
      case 'last-stage':
        return this.sendLastPages()
    }
  }

  /** The guest stands still: all that is left goes out in one pass, whatever the limit. */
  startLastStage(nowNs: Nanos): OutgoingStep {
    const { ram } = this.parts
    ram.sync() // what it wrote on its way to a stop
    ram.encoder.isLastStage = true
    ram.openRound(nowNs, true)
    ram.openEnd()
    this.stage = 'last-stage'
    return { kind: 'worked', workNs: ram.logNs }
  }

  /** The guest stands still, to go on at the destination: what it wrote last. In a round that is the only reading, as in QEMU. */
  leaveRounds(): void {
    const dirtiedPages = this.parts.ram.sync()
    if (this.isInRound) this.closeRound(dirtiedPages)
  }

  /** It is over, whatever it came to: the guest runs as it did before. */
  stop(): void {
    this.throttle.stop()
  }

  /** The limit in `options` was changed: a lower one holds from the next window on. */
  limitChanged(): void {
    this.pacing.limit(this.parts.options.maxBandwidth)
  }

  /** Percent of its time that the guest's vCPU is kept from running. */
  get throttlePercent(): number {
    return this.throttle.percent
  }

  /** Octets a second in the last whole window, or 0 while there was none. */
  get lastWindow(): number {
    return this.pacing.lastWindow
  }

  /** Octets a second: of the last whole window, or since the start in the first. */
  measuredBandwidth(nowNs: Nanos): number {
    return this.pacing.measured(nowNs, this.parts.ram.octetsWritten)
  }

  private start(nowNs: Nanos): OutgoingStep {
    const { ram } = this.parts
    ram.start()
    this.openRound(nowNs)
    this.stage = 'rounds'
    this.pacing.start(nowNs, ram.octetsWritten)
    this.throttle.logRead(0)
    return { kind: 'worked', workNs: ram.logNs }
  }

  /** What to do next is decided between two PARTs, never in one. */
  private iterate(nowNs: Nanos): OutgoingStep {
    const { pacing, switchoverAsked, postcopyAsked } = this
    const { ram, out } = this.parts
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
      if (this.policy.endsRound(ram.pending.octets, pacing.lastWindow)) return this.finishRound(nowNs)
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
    if (next !== 'iterate') return { kind: 'switchover', isForced: next === 'forced' }
    this.openRound(nowNs)
    return { kind: 'worked', workNs: ram.logNs }
  }

  private decide(nowNs: Nanos): NextStep {
    const { pacing } = this
    const { ram } = this.parts
    const rounds = ram.rounds.length
    const outcome = {
      rounds,
      pendingOctets: ram.pending.octets,
      bandwidth: this.measuredBandwidth(nowNs),
      sentPages: ram.pagesOfRound(rounds - 1),
      sentPagesBefore: ram.pagesOfRound(rounds - 2),
      sentPagesTotal: ram.pagesSent,
      memoryPages: ram.pending.pageCount,
      isRateMax: pacing.isRateMax,
    }
    pacing.roundOver(ram.rounds[rounds - 1] as MigrationRound)
    return this.policy.afterRound(outcome)
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
