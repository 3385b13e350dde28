/**
 * Switches a host off that is not the attacker's to switch: by a command of its own making, or by the orchestrator's own, sent again.
 * Both are learnt on a shared segment: whose controller is where, how commands look, and what stands in them.
 */
import { WireError } from '../../base/errors.js'
import { seconds, type Nanos } from '../../base/units.js'
import { ADVERT_PORT } from '../../hypervisor/wire/adverts.js'
import { ASF_PORT, decodeAsf, encodeAsf } from '../../hypervisor/wire/asf.js'
import { decodeGuarded, encodeGuarded, type GuardedCommand } from '../../hypervisor/wire/guarded-command.js'
import { ipv4Text } from '../../net/wire/addresses.js'
import type { Attack, Reach, Sleeper } from '../reach.js'
import { datagramIn, sendDatagram, type PassingDatagram } from './datagrams.js'
import { advertIn } from './forged-adverts.js'

/** After this it is tried once more: what proves when it was meant is too old by then. */
const LATER_NS: Nanos = seconds(15)
const PROOF_OCTETS = 32

export interface PowerOptions {
  readonly way: 'spoof' | 'replay'
}

interface HeardOrder {
  readonly datagram: PassingDatagram
  readonly guard: GuardedCommand | null
}

export class PowerCommands implements Attack, Sleeper {
  /** The first order to switch off that passed. */
  private order: HeardOrder | null = null
  private isOn = false
  private hasTried = false

  constructor(
    private readonly reach: Reach,
    private readonly options: PowerOptions,
  ) {}

  start(): void {
    this.isOn = true
  }
  stop(): void {
    this.isOn = false
  }

  woken(): void {
    if (this.isOn && this.order !== null) this.fire(this.order, 'long after')
  }

  takesFrame(frame: Uint8Array): boolean {
    const heard = this.isOn ? datagramIn(frame) : null
    if (heard === null) return false
    if (heard.destinationPort === ASF_PORT) this.learn(heard)
    else if (heard.destinationPort === ADVERT_PORT) this.consider(heard)
    return false
  }

  private learn(heard: PassingDatagram): void {
    if (this.order !== null) return
    const guard = guardIn(heard.payload)
    const payload = guard?.kind === 'command' ? guard.payload : heard.payload
    if (!ordersOff(payload)) return
    this.order = {
      datagram: { ...heard, payload: heard.payload.slice() },
      guard: guard === null ? null : copied(guard),
    }
    const how = guard === null ? 'by nothing' : `by ${guard.scheme}`
    this.reach.tell('learn', `an order to switch off passed, to ${ipv4Text(heard.destination)}; it is proven ${how}`)
  }

  /** The host whose order was heard is on again, and has machines: now it hurts. */
  private consider({ payload }: PassingDatagram): void {
    const { order } = this
    if (order === null || this.hasTried) return
    const advert = advertIn(payload)
    if (advert === null || advert.controllerAddress !== order.datagram.destination || advert.vms.length === 0) return
    this.hasTried = true
    this.fire(
      order,
      `${advert.host} has ${advert.vms.length === 1 ? 'a machine' : `${advert.vms.length} machines`} again`,
    )
    this.reach.wakeAfter(LATER_NS, this)
  }

  private fire(order: HeardOrder, when: string): void {
    const isReplay = this.options.way === 'replay'
    const payload = isReplay ? order.datagram.payload.slice() : this.forged(order.guard)
    sendDatagram(this.reach, { ...order.datagram, payload })
    this.reach.tell('switch off', `${when}: ${isReplay ? 'its old order, once more' : 'an order of our own'}`)
  }

  /** In the form of what was heard. A secret that stands in it is taken over; a signature can only be guessed. */
  private forged(guard: GuardedCommand | null): Uint8Array {
    const payload = encodeAsf({ type: 'power-down', tag: this.reach.random.below(255), isOn: null })
    if (guard === null) return payload
    const proof = guard.scheme === 'token' ? guard.proof : this.reach.random.octets(PROOF_OCTETS)
    const stamp = guard.scheme === 'timestamp' ? this.reach.nowNs : guard.stamp
    return encodeGuarded({ kind: 'command', scheme: guard.scheme, stamp, payload, proof })
  }
}

function guardIn(payload: Uint8Array): GuardedCommand | null {
  try {
    return decodeGuarded(payload)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return null
  }
}

function ordersOff(payload: Uint8Array): boolean {
  try {
    return decodeAsf(payload).type === 'power-down'
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return false
  }
}

const copied = (guard: GuardedCommand): GuardedCommand => ({
  ...guard,
  payload: guard.payload.slice(),
  proof: guard.proof.slice(),
})
