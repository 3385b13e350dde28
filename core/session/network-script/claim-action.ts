/** Claims that somebody may believe: an address, routes, being a switch. They are made in one instant and judged soon after. */
import { InputError } from '../../base/errors.js'
import { milliseconds, seconds } from '../../base/units.js'
import type { KernelEvent, Process } from '../../kernel/kernel.js'
import type { NetworkInterface } from '../../net/network-interface.js'
import { ipText, parseIp, prefixText, type IpAddress } from '../../net/wire/addresses.js'
import { encodeDtpFrame } from '../../net/wire/dtp.js'
import { encodeRip, RIP_COMMAND, RIP_GROUP, RIP_INFINITY, RIP_PORT } from '../../net/wire/rip.js'
import type { Network } from '../network-builder.js'
import type { ItemOf } from '../network-plan/script-plan.js'
import type { ActionOwner } from './script-player.js'
import { firstAddress } from './script-target.js'

const JUDGE: KernelEvent = Object.freeze({ kind: 'claim-judged' })
/** Whoever believes has done so by then. */
const PATIENCE_NS = milliseconds(200)
/** Switches repeat what is new every second. */
const DTP_PATIENCE_NS = seconds(2)

/** "This address is at my MAC address." */
export class AnnounceAction implements Process {
  private readonly through: NetworkInterface
  private readonly address: IpAddress

  /** Begins at once. Throws `InputError`. */
  constructor(
    private readonly network: Network,
    private readonly owner: ActionOwner,
    private readonly item: ItemOf<'announce'>,
  ) {
    const host = network.host(item.from)
    const named = network.stacks.find(({ name }) => name === (item.address ?? item.from))
    const address =
      named === undefined ? parseIp(item.address ?? '') : (firstAddress(named, 'ipv4') ?? firstAddress(named, 'ipv6'))
    if (address === null) throw new InputError(`${item.address ?? item.from} has no address`)
    this.address = address
    this.through = host.interface(item.interface)
    if (typeof address === 'number') this.through.arp.announce(item.form, address)
    else this.through.enableIpv6().announce(address)
    network.kernel.schedule(PATIENCE_NS, this, JUDGE)
  }

  handleEvent(): void {
    const { network, through, address, item } = this
    const believers = network.stacks.filter(
      (stack) => stack.name !== item.from && stack.interfaces.some((other) => macOf(other, address) === through.mac),
    )
    const names = believers.map(({ name }) => name).join(', ')
    this.owner.ended(believers.length > 0 ? 'believed' : 'ignored', {
      kind: 'text',
      text: `${item.from} says that it has ${ipText(address)}: ${names === '' ? 'nobody believes it' : `believed by ${names}`}`,
    })
  }
}

function macOf(through: NetworkInterface, address: IpAddress): number | null {
  return typeof address === 'number' ? through.arp.macOf(address) : (through.neighbours?.macOf(address) ?? null)
}

/** "These networks are behind me", as a router would say by RIP. */
export class ForgeRipAction implements Process {
  private readonly source: IpAddress

  /** Begins at once. Throws `InputError`. */
  constructor(
    private readonly network: Network,
    private readonly owner: ActionOwner,
    private readonly item: ItemOf<'forge-rip'>,
  ) {
    const host = network.host(item.from)
    const through = host.interface(item.interface)
    this.source = through.ipv4Address()
    const entries = item.prefixes.map(({ address, prefixLength }) => ({
      ...{ family: 2, routeTag: 0, nextHop: 0, metric: item.metric },
      ...{ prefix: address, prefixLength },
    }))
    host.udp.send({
      ...{ source: this.source, sourcePort: RIP_PORT, destination: RIP_GROUP, destinationPort: RIP_PORT },
      ...{ ttl: 1, through },
      payload: encodeRip({ command: RIP_COMMAND.response, entries, authentication: null }),
    })
    network.kernel.schedule(PATIENCE_NS, this, JUDGE)
  }

  handleEvent(): void {
    const { network, item, source } = this
    const prefixes = item.prefixes.map(prefixText)
    const believers = [...network.rip].filter(([, router]) =>
      router
        .routes()
        .some(
          (route) =>
            route.neighbour === ipText(source) && route.metric < RIP_INFINITY && prefixes.includes(route.prefix),
        ),
    )
    const names = believers.map(([name]) => name).join(', ')
    this.owner.ended(believers.length > 0 ? 'believed' : 'refused', {
      kind: 'text',
      text: `${item.from} announces ${prefixes.join(', ')}: ${names === '' ? 'no router believes it' : `believed by ${names}`}`,
    })
  }
}

/** "I am a switch, and want a trunk." */
export class DtpAction implements Process {
  /** Begins at once. Throws `InputError`. */
  constructor(
    private readonly network: Network,
    private readonly owner: ActionOwner,
    private readonly item: ItemOf<'dtp'>,
  ) {
    const host = network.host(item.from)
    if (network.portAcross(host.interface('eth0')) === null)
      throw new InputError(`${item.from} is not plugged into a switch`)
    host.transmit(
      encodeDtpFrame({
        ...{ domain: item.domain, isTrunk: false, administrativeStatus: 'desirable' },
        ...{ operatingType: 'native', administrativeType: 'dot1q', sender: host.mac },
      }),
    )
    network.kernel.schedule(DTP_PATIENCE_NS, this, JUDGE)
  }

  handleEvent(): void {
    const { network, item } = this
    const across = network.portAcross(network.host(item.from).interface('eth0'))
    const isTrunk = across?.port.operationalMode === 'trunk'
    this.owner.ended(isTrunk ? 'trunk' : 'refused', {
      kind: 'text',
      text: `${item.from} asks for a trunk: its port at ${across?.device.name ?? '-'} is ${isTrunk ? 'a trunk now' : 'an access port as before'}`,
    })
  }
}
