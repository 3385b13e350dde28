import { assert, InputError } from '../../base/errors.js'
import { utf8Octets } from '../../base/octets.js'
import type { KernelEvent, Process } from '../../kernel/kernel.js'
import type { HostStack } from '../../net/host-stack.js'
import type { PacketError } from '../../net/packet-error.js'
import type { ReceivedDatagram, UdpListener, UdpSocket } from '../../net/udp.js'
import { ipText, type IpAddress } from '../../net/wire/addresses.js'
import { encodeEthernet, ETHERTYPE } from '../../net/wire/ethernet.js'
import { encodeIpv4, IP_PROTOCOL } from '../../net/wire/ipv4.js'
import { encodeUdp } from '../../net/wire/udp.js'
import type { Network } from '../network-builder.js'
import type { ItemOf } from '../network-plan/script-plan.js'
import type { ActionOwner } from './script-player.js'
import { addressOf, stackOf } from './script-target.js'

const GIVE_UP: KernelEvent = Object.freeze({ kind: 'send-timeout' })

/** One datagram, true or not, and whether it came. */
export class SendAction implements UdpListener, Process {
  private readonly socket: UdpSocket
  private readonly receiver: DatagramReceiver | null
  private readonly address: IpAddress
  private isOver = false

  /** Begins at once. Throws `InputError`. */
  constructor(
    network: Network,
    private readonly owner: ActionOwner,
    private readonly item: ItemOf<'send'>,
  ) {
    const host = network.host(item.from)
    this.address = addressOf(network, item.to, host, item.family)
    const target = stackOf(network, this.address)
    this.receiver = target === undefined ? null : new DatagramReceiver(this, target, item.port)
    this.socket = host.udp.open(this)
    network.kernel.schedule(item.timeout, this, GIVE_UP)
    if (item.tags.length > 0 && target !== undefined) this.sendTagged(host, target)
    else {
      const { source, port: destinationPort } = item
      const [destination, payload] = [this.address, utf8Octets(item.text)]
      if (source !== undefined && typeof source !== typeof destination)
        throw new InputError('the false source is of another family than the target')
      const datagram = { sourcePort: this.socket.port, destination, destinationPort, payload }
      host.udp.send(source === undefined ? datagram : { ...datagram, source })
    }
  }

  handleEvent(): void {
    this.finish('lost', '', '')
  }

  datagramReceived(): void {}

  datagramFailed({ kind }: PacketError): void {
    this.finish('refused', '', kind)
  }

  received({ source }: ReceivedDatagram): void {
    this.finish('received', ipText(source), '')
  }

  /** A frame that a host's own stack would not send: tags that nobody asked for, to a station it may know by hearsay only. */
  private sendTagged(host: HostStack, target: HostStack): void {
    const { item, address } = this
    const through = host.interface('eth0')
    const to = target.interfaces.find((one) => one.hasAddress(address))
    const source = item.source ?? through.ipv4Address()
    if (typeof address !== 'number' || typeof source !== 'number')
      throw new InputError('a tagged frame goes to an IPv4 address')
    assert(to !== undefined, 'the target has the address')
    const pair = { source, destination: address }
    const payload = encodeUdp(
      { sourcePort: this.socket.port, destinationPort: item.port, payload: utf8Octets(item.text) },
      pair,
    )
    const packet = encodeIpv4({
      ...pair,
      ...{ protocol: IP_PROTOCOL.udp, ttl: 64, identification: 1 },
      ...{ dscpEcn: 0, dontFragment: false, moreFragments: false, fragmentOffset: 0 },
      payload,
    })
    const [vlan = null, ...innerVlans] = item.tags.map((id) => ({ id, priority: 0, isDropEligible: false }))
    const etherType = ETHERTYPE.ipv4
    host.transmit(
      encodeEthernet({ destination: to.mac, source: through.mac, vlan, innerVlans, etherType, payload: packet }),
      through,
    )
  }

  private finish(outcome: 'received' | 'refused' | 'lost', receivedFrom: string, cause: string): void {
    if (this.isOver) return
    this.isOver = true
    this.socket.close()
    this.receiver?.close()
    const { from, to, port } = this.item
    const overheard = this.owner.overheard()
    const address = ipText(this.address)
    this.owner.ended(outcome, { kind: 'send', from, to, address, port, receivedFrom, cause, overheard })
  }
}

class DatagramReceiver implements UdpListener {
  constructor(
    private readonly action: SendAction,
    private readonly host: HostStack,
    private readonly port: number,
  ) {
    host.udp.listen(port, this)
  }

  datagramReceived(datagram: ReceivedDatagram): void {
    this.action.received(datagram)
  }

  close(): void {
    this.host.udp.close(this.port)
  }
}
