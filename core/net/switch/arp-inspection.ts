/**
 * Dynamic ARP inspection: a message is let through only when what it says of its sender is in the table of bindings.
 * Words and defaults are Cisco's. QEMU's announcements are RARP, not ARP, so they are not inspected.
 */
import { WireError } from '../../base/errors.js'
import type { Nanos } from '../../base/units.js'
import { IPV4_BROADCAST, readMac, type Ipv4Address, type MacAddress } from '../wire/addresses.js'
import { ARP_OPERATION, decodeArp, type ArpMessage } from '../wire/arp.js'
import { ArpBindings } from './arp-bindings.js'
import { parseVlans, type VlanSet } from './vlan-set.js'

export interface ArpInspectionOptions {
  /** VLANs in which ARP is inspected, such as `10,20-30`. */
  readonly vlans: string
  /** Also compare the sender with the frame's source: no. */
  readonly checksSourceMac?: boolean
  /** Also compare the target of a reply with the frame's destination: no. */
  readonly checksDestinationMac?: boolean
  /** Also refuse addresses that no station has (0.0.0.0, broadcast, multicast): no. */
  readonly checksAddresses?: boolean
}

/** Why a message was dropped. */
export type ArpFault = 'malformed' | 'source-mac' | 'destination-mac' | 'address' | 'binding'

export interface ArpDrop {
  readonly atNs: Nanos
  readonly vlan: number
  readonly switchPort: number
  readonly fault: ArpFault
  /** Both 0 when the message was malformed. */
  readonly senderMac: MacAddress
  readonly senderAddress: Ipv4Address
}

const LOG_MAX = 32

export class ArpInspection {
  readonly bindings: ArpBindings
  private readonly vlans: VlanSet
  private readonly drops: ArpDrop[] = []
  messagesForwarded = 0
  messagesDropped = 0

  /** Throws `InputError`. `bindings` may be those of an inspection that this one takes the place of. */
  constructor(
    readonly options: ArpInspectionOptions,
    bindings: ArpBindings = new ArpBindings(),
  ) {
    this.vlans = parseVlans(options.vlans)
    this.bindings = bindings
  }

  /** The last 32 messages that were dropped, oldest first. */
  get log(): readonly ArpDrop[] {
    return this.drops
  }

  inspects(vlan: number): boolean {
    return this.vlans.has(vlan)
  }

  /** Null when the message may pass; the drop otherwise, which is in the log then. `start` is where the message begins. */
  inspect(frame: Uint8Array, start: number, place: { vlan: number; switchPort: number; atNs: Nanos }): ArpDrop | null {
    let message: ArpMessage | null = null
    try {
      message = decodeArp(frame.subarray(start))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
    }
    const fault = message === null ? 'malformed' : this.faultOf(message, frame, place)
    if (fault === null) {
      this.messagesForwarded++
      return null
    }
    this.messagesDropped++
    const drop = { ...place, fault, senderMac: message?.senderMac ?? 0, senderAddress: message?.senderAddress ?? 0 }
    this.drops.push(drop)
    if (this.drops.length > LOG_MAX) this.drops.shift()
    return drop
  }

  private faultOf(
    message: ArpMessage,
    frame: Uint8Array,
    { vlan, switchPort }: { vlan: number; switchPort: number },
  ): ArpFault | null {
    const { checksSourceMac, checksDestinationMac, checksAddresses } = this.options
    const isReply = message.operation === ARP_OPERATION.reply
    if (checksSourceMac === true && message.senderMac !== readMac(frame, 6)) return 'source-mac'
    if (checksDestinationMac === true && isReply && message.targetMac !== readMac(frame, 0)) return 'destination-mac'
    if (
      checksAddresses === true &&
      (!isStation(message.senderAddress) || (isReply && !isStation(message.targetAddress)))
    )
      return 'address'
    const binding = this.bindings.find(vlan, message.senderAddress)
    if (binding?.mac !== message.senderMac) return 'binding'
    return binding.switchPort === null || binding.switchPort === switchPort ? null : 'binding'
  }
}

function isStation(address: Ipv4Address): boolean {
  return address !== 0 && address !== IPV4_BROADCAST && address >>> 28 !== 0xe
}
