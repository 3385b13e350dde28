/**
 * Cold: the guest is switched off here and starts anew there, so what it is goes, not what it holds. Until the destination
 * has said that it can start it, it only stands still: a move that comes to nothing costs it no more than that.
 */
import type { Nanos } from '../base/units.js'
import { MIGRATION_COSTS } from './costs.js'
import type { OutgoingRam } from './outgoing-ram.js'
import type { OutgoingStep, OutgoingWork } from './outgoing-work.js'
import type { StreamWriter } from './wire/stream-writer.js'
import { descriptionText } from './wire/vmdesc.js'

export class OutgoingCold implements OutgoingWork {
  isAllWritten = false

  constructor(
    private readonly ram: OutgoingRam,
    private readonly writer: StreamWriter,
  ) {}

  /** One piece is all of it. */
  next(nowNs: Nanos): OutgoingStep {
    this.ram.openRound(nowNs, true)
    this.writer.endOfState()
    this.writer.description(descriptionText([]))
    this.isAllWritten = true
    return { kind: 'worked', workNs: MIGRATION_COSTS.deviceNs }
  }
}
