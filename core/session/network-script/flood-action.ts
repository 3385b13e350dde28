/** Floods: many small frames at a steady pace, then a look at what they did. */
import { encodeSyn } from '../../attack/flood/syn-packet.js'
import { InputError } from '../../base/errors.js'
import { milliseconds } from '../../base/units.js'
import type { KernelEvent, Process } from '../../kernel/kernel.js'
import type { RandomStream } from '../../kernel/random.js'
import type { HostStack } from '../../net/host-stack.js'
import type { Switch } from '../../net/switch/switch.js'
import type { SwitchPort } from '../../net/switch/switch-port.js'
import type { TcpLayer } from '../../net/tcp/tcp-layer.js'
import { ipText, type IpAddress, type MacAddress } from '../../net/wire/addresses.js'
import { encodeEthernet } from '../../net/wire/ethernet.js'
import type { Network } from '../network-builder.js'
import type { ItemOf } from '../network-plan/script-plan.js'
import type { ActionOwner } from './script-player.js'
import { addressOf, stackOf } from './script-target.js'

const NEXT: KernelEvent = Object.freeze({ kind: 'flood-next' })
const JUDGE: KernelEvent = Object.freeze({ kind: 'flood-judged' })
const SETTLE_NS = milliseconds(100)
/** IEEE 802's EtherType for experiments: nobody reads the payload. */
const ETHERTYPE_EXPERIMENTAL = 0x88b5

/** What is sent, and what came of it. */
interface Ammunition {
  fire(): void
  judge(): { readonly outcome: string; readonly text: string }
}

export class FloodAction implements Process {
  private left: number
  private readonly intervalNs: number
  private readonly ammunition: Ammunition

  /** Begins at once. Throws `InputError`. */
  constructor(
    private readonly network: Network,
    private readonly owner: ActionOwner,
    item: ItemOf<'flood-mac'> | ItemOf<'flood-syn'>,
  ) {
    this.left = item.count
    this.intervalNs = Math.round(1e9 / item.rate)
    this.ammunition = item.do === 'flood-mac' ? new MacFlood(network, item) : new SynFlood(network, item)
    network.kernel.schedule(0, this, NEXT)
  }

  handleEvent({ kind }: KernelEvent): void {
    const { kernel } = this.network
    if (kind === NEXT.kind) {
      this.ammunition.fire()
      this.left--
      if (this.left > 0) kernel.schedule(this.intervalNs, this, NEXT)
      else kernel.schedule(SETTLE_NS, this, JUDGE)
      return
    }
    const { outcome, text } = this.ammunition.judge()
    this.owner.ended(outcome, { kind: 'text', text })
  }
}

/** Frames from stations that are not there, to stations that are not there: the switch learns the former until it is full. */
class MacFlood implements Ammunition {
  private readonly host: HostStack
  private readonly random: RandomStream
  private readonly device: Switch
  private readonly port: SwitchPort
  private readonly notLearnedBefore: number
  private readonly violationsBefore: number

  constructor(
    network: Network,
    private readonly item: ItemOf<'flood-mac'>,
  ) {
    this.host = network.host(item.from)
    this.random = network.kernel.random(`${item.from}/flood`)
    const across = network.portAcross(this.host.interface('eth0'))
    if (across === null) throw new InputError(`${item.from} is not plugged into a switch`)
    this.device = across.device
    this.port = across.port
    this.notLearnedBefore = across.device.notLearned
    this.violationsBefore = across.port.security?.violations ?? 0
  }

  fire(): void {
    const frame = {
      destination: this.station(),
      source: this.station(),
      vlan: null,
      etherType: ETHERTYPE_EXPERIMENTAL,
      payload: new Uint8Array(46),
    }
    this.host.transmit(encodeEthernet(frame))
  }

  judge(): { outcome: string; text: string } {
    const { item, device, port } = this
    const violations = (port.security?.violations ?? 0) - this.violationsBefore
    const said = `${item.from} sent ${item.count} frames from stations that do not exist: `
    if (port.errDisabled !== null || violations > 0)
      return {
        outcome: 'stopped',
        text: `${said}${device.name} ${port.errDisabled === null ? `dropped ${violations} of them` : 'switched its port off'}`,
      }
    const isFull = device.notLearned > this.notLearnedBefore
    const text = `${said}${device.name} has ${device.addresses.size} addresses in its table${isFull ? ', and no room for another' : ''}`
    return { outcome: isFull ? 'full' : 'learned', text }
  }

  /** Any address of one station. */
  private station(): MacAddress {
    return 0x0600_0000_0000 + this.random.below(0x1_0000) * 0x1000_0 + this.random.below(0x1_0000)
  }
}

/** SYNs whose senders will never answer: each keeps a place in the backlog of the port. */
class SynFlood implements Ammunition {
  private readonly host: HostStack
  private readonly random: RandomStream
  private readonly address: IpAddress
  private readonly target: TcpLayer | null
  private readonly droppedBefore: number
  private readonly cookiesBefore: number

  constructor(
    network: Network,
    private readonly item: ItemOf<'flood-syn'>,
  ) {
    this.host = network.host(item.from)
    this.random = network.kernel.random(`${item.from}/flood`)
    this.address = addressOf(network, item.to, this.host, 'ipv4')
    this.target = stackOf(network, this.address)?.tcp ?? null
    this.droppedBefore = this.target?.synsDropped ?? 0
    this.cookiesBefore = this.target?.cookiesSent ?? 0
  }

  fire(): void {
    const { random, item, address } = this
    const { address: first, prefixLength } = item.spoof
    if (typeof address !== 'number') return
    const source = first + random.below(2 ** (32 - prefixLength))
    this.host.sendRawIp(encodeSyn(random, source, address, item.port))
  }

  judge(): { outcome: string; text: string } {
    const { item, address, target } = this
    const dropped = (target?.synsDropped ?? 0) - this.droppedBefore
    const cookies = (target?.cookiesSent ?? 0) - this.cookiesBefore
    const said = `${item.from} sent ${item.count} SYNs to ${ipText(address)}:${item.port} in other names: `
    if (cookies > 0) return { outcome: 'cookies', text: `${said}${cookies} were answered with a cookie` }
    if (dropped > 0) return { outcome: 'exhausted', text: `${said}the backlog is full, ${dropped} found no room` }
    return { outcome: 'absorbed', text: `${said}there was room for all` }
  }
}
