/**
 * Adverts in the name of a busy host that say that it is idle. Its own are heard on the shared segment: they tell what the forged
 * ones must look like, and are stale behind those.
 */
import { WireError } from '../../base/errors.js'
import { ADVERT_PORT, decodeAdvert, encodeAdvert, type Advert } from '../../hypervisor/wire/adverts.js'
import type { Attack, Reach } from '../reach.js'
import { datagramIn, sendDatagram } from './datagrams.js'

/** How far the forged ones are ahead: the true ones will not catch up. */
const AHEAD = 1 << 20

export class ForgedAdverts implements Attack {
  private isOn = false
  private sequence: number | null = null
  forged = 0

  constructor(
    private readonly reach: Reach,
    private readonly victim: string,
  ) {}

  start(): void {
    this.isOn = true
  }
  stop(): void {
    this.isOn = false
  }

  takesFrame(frame: Uint8Array): boolean {
    const heard = this.isOn ? datagramIn(frame) : null
    if (heard?.destinationPort !== ADVERT_PORT) return false
    const advert = advertIn(heard.payload)
    if (advert?.host !== this.victim) return false
    this.sequence = (this.sequence ?? advert.sequence + AHEAD) + 1
    const vms = advert.vms.map((vm) => ({ ...vm, busyShare: 0 }))
    const lie: Advert = { ...advert, sequence: this.sequence, busyShare: 0, freeRamOctets: advert.ramOctets, vms }
    sendDatagram(this.reach, { ...heard, payload: encodeAdvert(lie) })
    if (this.forged++ === 0)
      this.reach.tell(
        'lie',
        `${this.victim} says that ${(advert.busyShare * 100).toFixed(0)} % of it is busy; in its name we say 0 %, with all of its memory free`,
      )
    return false
  }
}

/** What stands in a datagram, or null. */
export function advertIn(payload: Uint8Array): Advert | null {
  try {
    return decodeAdvert(payload).advert
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return null
  }
}
