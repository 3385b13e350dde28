/** A mirror, which Cisco calls SPAN: what passes some ports, or comes into some VLANs, is copied to another port. */
import { InputError } from '../../base/errors.js'
import type { SwitchPort } from './switch-port.js'
import type { VlanSet } from './vlan-set.js'
import { parseVlans } from './vlan-set.js'

export type MirrorDirection = 'rx' | 'tx' | 'both'

export interface MirrorSource {
  readonly port: SwitchPort
  /** What the port receives, what it sends, or both, which is the default. */
  readonly direction?: MirrorDirection
}

export interface MirrorOptions {
  readonly sources?: readonly MirrorSource[]
  /** What comes in these VLANs, at any port, such as `10,20-30`. */
  readonly vlans?: string
  /** Gets copies only, with the tags that they had, and what is sent into it is dropped. */
  readonly destination: SwitchPort
}

const RX = 1
const TX = 2
const bitsOf: Readonly<Record<MirrorDirection, number>> = { rx: RX, tx: TX, both: RX | TX }

export class MirrorSession {
  readonly destination: SwitchPort
  /** By index of the port. */
  private readonly directions: number[] = []
  private readonly vlans: VlanSet

  /** Throws `InputError`. */
  constructor({ sources = [], vlans = 'none', destination }: MirrorOptions) {
    this.destination = destination
    this.vlans = parseVlans(vlans)
    for (const { port, direction = 'both' } of sources) {
      if (port === destination) throw new InputError(`port ${port.index} cannot be mirrored to itself`)
      this.directions[port.index] = (this.directions[port.index] ?? 0) | bitsOf[direction]
    }
    for (let index = 0; index < this.directions.length; index++) this.directions[index] ??= 0
  }

  /** `vlan` is -1 for a frame that belongs to none. */
  copiesReceived(port: SwitchPort, vlan: number): boolean {
    return ((this.directions[port.index] ?? 0) & RX) !== 0 || (vlan >= 0 && this.vlans.has(vlan))
  }

  copiesSent(port: SwitchPort): boolean {
    return ((this.directions[port.index] ?? 0) & TX) !== 0
  }
}
