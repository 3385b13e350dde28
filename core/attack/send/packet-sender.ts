/** Sends one frame, as often as it is told. */
import type { Nanos } from '../../base/units.js'
import type { Attack, Reach, Sleeper } from '../reach.js'

export interface PacketSenderOptions {
  readonly frame: Uint8Array
  readonly count: number
  /** Between two. */
  readonly intervalNs: Nanos
}

export class PacketSender implements Attack, Sleeper {
  private isOn = false
  sent = 0

  constructor(
    private readonly reach: Reach,
    private readonly options: PacketSenderOptions,
  ) {}

  start(): void {
    this.isOn = true
    this.woken()
  }

  stop(): void {
    this.isOn = false
  }

  takesFrame(): boolean {
    return false
  }

  woken(): void {
    const { frame, count, intervalNs } = this.options
    if (!this.isOn) return
    this.reach.sendFrame(frame.slice())
    this.sent++
    if (this.sent < count) return this.reach.wakeAfter(intervalNs, this)
    this.isOn = false
    this.reach.tell('send', `${count} ${count === 1 ? 'frame' : 'frames'} of ${frame.length} octets`)
  }
}
