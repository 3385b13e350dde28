/** A switch with something at every port that writes down what it gets, in short words. */
import type { FrameSink } from '../../core/base/frame-sink.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { recycleFrame } from '../../core/net/frame-pool.js'
import type { PortOptions } from '../../core/net/switch/port-options.js'
import type { SwitchPort } from '../../core/net/switch/switch-port.js'
import { Switch, type SwitchOptions } from '../../core/net/switch/switch.js'
import { MAC_BROADCAST } from '../../core/net/wire/addresses.js'
import { ARP_OPERATION, encodeArp, type ArpMessage } from '../../core/net/wire/arp.js'
import { decodeEthernet, encodeEthernet, type EthernetFrame, type VlanTag } from '../../core/net/wire/ethernet.js'

/** Frames as `1>2`, or `[10][20]1>2` with tags; broadcasts as `1>*`. What is no Ethernet II frame is `control`. */
export class FrameLog implements FrameSink {
  readonly texts: string[] = []
  receiveFrame(frame: Uint8Array): void {
    this.texts.push(frameText(frame))
    recycleFrame(frame)
  }
  /** What came since the last time. */
  take(): string[] {
    return this.texts.splice(0)
  }
}

export function frameText(frame: Uint8Array): string {
  if ((frame[12] ?? 0) << 8 < 0x600) return 'control'
  const { destination, source, vlan, innerVlans = [] } = decodeEthernet(frame)
  const tags = vlan === null ? [] : [vlan, ...innerVlans]
  return `${tags.map(({ id }) => `[${id}]`).join('')}${source}>${destination === MAC_BROADCAST ? '*' : destination}`
}

const tag = (id: number): VlanTag => ({ id, priority: 0, isDropEligible: false })

/** From one small address to another, with tags. */
export function frameOf(source: number, destination: number, ...tags: number[]): Uint8Array {
  return taggedFrame({ destination, source, etherType: 0x0800, payload: new Uint8Array(46) }, tags)
}

export function arpFrame(
  message: Partial<ArpMessage>,
  { source = 0, destination = MAC_BROADCAST, tags = [0] } = {},
): Uint8Array {
  const whole = { operation: ARP_OPERATION.reply, senderMac: 1, senderAddress: 1, targetMac: 2, targetAddress: 2 }
  const payload = encodeArp({ ...whole, ...message })
  const ids = tags.filter((id) => id !== 0)
  return taggedFrame(
    { destination, source: source === 0 ? (message.senderMac ?? 1) : source, etherType: 0x0806, payload },
    ids,
  )
}

function taggedFrame(frame: Omit<EthernetFrame, 'vlan' | 'innerVlans'>, tags: readonly number[]): Uint8Array {
  const [vlan = null, ...innerVlans] = tags.map(tag)
  return encodeEthernet({ ...frame, vlan, innerVlans })
}

export class SwitchFixture {
  readonly device: Switch
  readonly ports: readonly SwitchPort[]
  readonly logs: readonly FrameLog[]

  constructor(
    ports: readonly PortOptions[],
    options: SwitchOptions = {},
    readonly kernel: Kernel = new Kernel('switch'),
    name = 'sw',
  ) {
    this.device = new Switch(kernel, name, options)
    this.ports = ports.map((port) => this.device.addPort(port))
    this.logs = this.ports.map((port) => {
      const log = new FrameLog()
      port.output = log
      return log
    })
  }

  port(index: number): SwitchPort {
    const port = this.ports[index]
    if (port === undefined) throw new Error(`no port ${index}`)
    return port
  }

  /** What every port gave out since the last time. */
  take(): string[][] {
    return this.logs.map((log) => log.take())
  }

  /** Give a frame to a port, and say what came out. */
  send(port: number, frame: Uint8Array): string[][] {
    this.port(port).receiveFrame(frame)
    return this.take()
  }
}
