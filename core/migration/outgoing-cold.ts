/**
 * Cold: the guest was switched off here and starts anew there. What it is goes, its disk, and what it keeps while it is off; not
 * what its memory held.
 */
import type { Nanos } from '../base/units.js'
import { MIGRATION_COSTS } from './costs.js'
import { writeDevices } from './outgoing-devices.js'
import type { OutgoingParts, OutgoingStep, OutgoingWork } from './outgoing-work.js'
import { descriptionText } from './wire/vmdesc.js'

export class OutgoingCold implements OutgoingWork {
  isAllWritten = false
  private stage: 'setup' | 'storage' | 'last-stage' = 'setup'

  constructor(private readonly parts: OutgoingParts) {}

  next(nowNs: Nanos): OutgoingStep {
    const { storage } = this.parts
    if (this.stage === 'setup') this.start(nowNs)
    if (this.stage === 'last-stage') return this.writeLastStage(nowNs)
    if (storage !== null && !storage.isAllWritten) return storage.next(nowNs)
    this.stage = 'last-stage'
    return { kind: 'switchover', isForced: false }
  }

  private start(nowNs: Nanos): void {
    const { ram, pacing, storage } = this.parts
    storage?.start()
    pacing.start(nowNs, ram.octetsWritten)
    this.stage = 'storage'
  }

  private writeLastStage(nowNs: Nanos): OutgoingStep {
    const { vm, ram, out, storage } = this.parts
    storage?.finish(nowNs)
    ram.openRound(nowNs, true)
    const devices = writeDevices(out.writer, { devices: vm.permanentDevices ?? [] })
    out.writer.endOfState()
    out.writer.description(descriptionText(devices))
    this.isAllWritten = true
    return { kind: 'worked', workNs: MIGRATION_COSTS.deviceNs }
  }
}
