/** The attacker's own computer: a network card, a TCP/IP stack, a clock. What an attack gets of the lab is what comes in by its cable. */
import type { Acceptor, Attack, Pretence, Reach, Sleeper, Station } from '../../attack/reach.js'
import type { ByteStream } from '../../base/byte-stream.js'
import type { FrameSink } from '../../base/frame-sink.js'
import type { Nanos } from '../../base/units.js'
import type { Kernel, KernelEvent, Process } from '../../kernel/kernel.js'
import type { RandomStream } from '../../kernel/random.js'
import type { FramePort } from '../../net/frame-port.js'
import { copyFrame, recycleFrame } from '../../net/frame-pool.js'
import { HostStack } from '../../net/host-stack.js'
import type { TcpConnection } from '../../net/tcp/tcp-connection.js'
import type { TcpListener, TcpOptions } from '../../net/tcp/tcp-layer.js'
import {
  ipv4Text,
  parseIpv4,
  parseMac,
  type IpAddress,
  type Ipv4Address,
  type MacAddress,
} from '../../net/wire/addresses.js'

interface WakeEvent extends KernelEvent {
  readonly kind: 'attacker-wake'
  readonly sleeper: Sleeper
}

export interface ComputerOptions {
  readonly name: string
  readonly address: string
  readonly mac: string
  /** Bits of its subnet: 24 unless told. */
  readonly prefixLength?: number
  readonly tcp?: TcpOptions
}

export class AttackerComputer implements Reach, FramePort, FrameSink, Process {
  readonly name: string
  readonly mac: MacAddress
  readonly address: Ipv4Address
  readonly random: RandomStream
  readonly station: Station
  /** Of its operating system. */
  readonly stack: HostStack
  /** What is sent by the cable goes here. */
  readonly cable: FrameSink = new Cable(this)
  /** The cable. */
  output: FrameSink | null = null
  /** Gets a copy of every frame that comes in: a capture. */
  listener: FrameSink | null = null
  /** A card that only listens has no station on the network. */
  hasStation = true
  framesSent = 0
  octetsSent = 0
  private readonly running: Attack[] = []

  constructor(
    private readonly kernel: Kernel,
    private readonly options: ComputerOptions,
  ) {
    const { name, address, mac } = options
    this.name = name
    this.mac = parseMac(mac)
    this.address = parseIpv4(address)
    this.random = kernel.random(`${name}/attacks`)
    this.stack = this.newStack(name, this.address)
    this.station = new StackStation(this.stack)
  }

  get nowNs(): Nanos {
    return this.kernel.nowNs
  }

  get attacks(): readonly Attack[] {
    return this.running
  }

  run(attack: Attack): void {
    this.running.push(attack)
    attack.start()
  }

  stop(attack: Attack): void {
    const index = this.running.indexOf(attack)
    if (index < 0) return
    this.running.splice(index, 1)
    attack.stop()
  }

  receiveFrame(frame: Uint8Array): void {
    if (!this.hasStation) {
      if (this.listener === null) recycleFrame(frame)
      else this.listener.receiveFrame(frame)
      return
    }
    this.listener?.receiveFrame(copyFrame(frame))
    for (const attack of this.running) if (attack.takesFrame(frame)) return
    this.station.receiveFrame(frame)
  }

  sendFrame(frame: Uint8Array): void {
    this.framesSent++
    this.octetsSent += frame.length
    this.output?.receiveFrame(frame)
  }

  wakeAfter(delayNs: Nanos, sleeper: Sleeper): void {
    const event: WakeEvent = { kind: 'attacker-wake', sleeper }
    this.kernel.schedule(delayNs, this, event)
  }

  handleEvent({ sleeper }: WakeEvent): void {
    sleeper.woken()
  }

  pretend({ address, neighbours }: Pretence): Station {
    const stack = this.newStack(`${this.name} as ${ipv4Text(address)}`, address)
    for (const neighbour of neighbours) stack.arp.setPermanent(neighbour.address, neighbour.mac)
    return new StackStation(stack)
  }

  tell(stage: string, text: string): void {
    this.kernel.trace.add('attack-stage', { attacker: this.name, stage, text })
  }

  private newStack(name: string, address: Ipv4Address): HostStack {
    const { tcp, prefixLength = 24 } = this.options
    const parts = { name, mac: this.mac, address, prefixLength, ...(tcp === undefined ? {} : { tcp }) }
    const stack = new HostStack(this.kernel, parts)
    stack.output = this.cable
    return stack
  }
}

/** What a stack of the computer sends goes out by its cable. */
class Cable implements FrameSink {
  constructor(private readonly computer: AttackerComputer) {}

  receiveFrame(frame: Uint8Array): void {
    this.computer.sendFrame(frame)
  }
}

class StackStation implements Station {
  constructor(private readonly stack: HostStack) {}

  connect(address: IpAddress, port: number, localPort = 0): ByteStream {
    return this.stack.tcp.connect(address, port, localPort)
  }
  listen(port: number, acceptor: Acceptor): void {
    this.stack.listen(port, new AcceptingPort(port, acceptor))
  }
  receiveFrame(frame: Uint8Array): void {
    this.stack.receiveFrame(frame)
  }
}

class AcceptingPort implements TcpListener {
  constructor(
    private readonly port: number,
    private readonly acceptor: Acceptor,
  ) {}

  connectionAccepted(stream: TcpConnection): void {
    const { remoteAddress: address, remotePort: port } = stream
    this.acceptor.accepted(stream, this.port, { address, port })
  }
}
