/** The bandwidth that Xen 3.1 chose for itself (tools/libxc/xc_domain_save.c, `ADAPTIVE_SAVE`): as fast as the guest dirties memory, and a little more. */
import { PAGE_OCTETS, type Nanos } from '../base/units.js'

/** START_MBIT_RATE, MAX_MBIT_RATE, and what is added to the rate at which the guest dirtied memory in the last round. */
const START_MBIT = 100
const MAX_MBIT = 500
const AHEAD_MBIT = 50
/** BURST_BUDGET and RATE_TO_BTU: so many octets each 781250 microseconds divided by the rate in Mbit/s. */
const BURST_OCTETS = 100 * 1024
const SLOT_NS_MBIT = 781_250_000

export class XenRate {
  private mbit: number
  private readonly maxMbit: number

  /** `maxBandwidth` in octets a second bounds it further; 0 does not. */
  constructor(maxBandwidth: number) {
    this.maxMbit = maxBandwidth === 0 ? MAX_MBIT : Math.min(MAX_MBIT, (8 * maxBandwidth) / 1e6)
    this.mbit = Math.min(START_MBIT, this.maxMbit)
  }

  get isMax(): boolean {
    return this.mbit >= this.maxMbit
  }

  /** What may be sent in each slot. */
  get slotOctets(): number {
    return BURST_OCTETS
  }

  get slotNs(): Nanos {
    return Math.round(SLOT_NS_MBIT / this.mbit)
  }

  /** So many pages were dirtied during a round of that length. */
  adapt(dirtiedPages: number, roundNs: Nanos): void {
    if (roundNs <= 0) return
    const dirtiedMbit = (8 * PAGE_OCTETS * dirtiedPages * 1e3) / roundNs
    this.mbit = Math.min(this.maxMbit, dirtiedMbit + AHEAD_MBIT)
  }
}
