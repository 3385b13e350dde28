/**
 * A flood of addresses (as macof does): the switch learns stations that are not there until its table is full. Frames to a station
 * that it has not learned before go to every port.
 */
import { milliseconds, type Nanos } from '../../base/units.js'
import { encodeEthernet } from '../../net/wire/ethernet.js'
import type { Attack, Reach, Sleeper } from '../reach.js'

const INTERVAL_NS: Nanos = 10_000
/** Tables of switches hold 8192 or 16,384 addresses; twice the first fills it, whatever was there. */
export const MAC_FLOOD_FRAMES = 16_384
/** Then the flood goes on slowly, so that what the switch forgets is not anybody else's to fill. */
const KEEP_INTERVAL_NS: Nanos = milliseconds(5)
/** IEEE 802's EtherType for experiments: nobody reads the payload. */
const ETHERTYPE_EXPERIMENTAL = 0x88b5
const NOTHING = new Uint8Array(0)

export class MacFlood implements Attack, Sleeper {
  private isOn = false
  sent = 0

  constructor(private readonly reach: Reach) {}

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
    if (!this.isOn) return
    this.reach.sendFrame(
      encodeEthernet({
        destination: this.someStation(),
        source: this.someStation(),
        vlan: null,
        etherType: ETHERTYPE_EXPERIMENTAL,
        payload: NOTHING,
      }),
    )
    this.sent++
    if (this.sent === MAC_FLOOD_FRAMES)
      this.reach.tell('flood', `${this.sent} addresses of stations that are not there were sent to the switch`)
    this.reach.wakeAfter(this.sent < MAC_FLOOD_FRAMES ? INTERVAL_NS : KEEP_INTERVAL_NS, this)
  }

  /** Locally administered, and no group. */
  private someStation(): number {
    return 0x0200_0000_0000 + this.reach.random.below(0x100) * 0x1_0000_0000 + this.reach.random.u32()
  }
}
