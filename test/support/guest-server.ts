import type { ByteStream, StreamOwner } from '../../core/base/byte-stream.js'
import type { FrameSink } from '../../core/base/frame-sink.js'
import { latin1Octets, latin1Text } from '../../core/base/octets.js'
import { microseconds, seconds } from '../../core/base/units.js'
import { VirtualMachine } from '../../core/hypervisor/virtual-machine.js'
import { HostCores } from '../../core/kernel/cores.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { defaultsOfImage, writeGuestParameters, type GuestParameters } from '../../core/machine/guest-parameters.js'
import { HART_HZ } from '../../core/machine/machine.js'
import { HostStack } from '../../core/net/host-stack.js'
import { Link } from '../../core/net/link.js'
import type { TcpOptions } from '../../core/net/tcp/tcp-layer.js'
import { parseIpv4, parseMac } from '../../core/net/wire/addresses.js'
import { FaultySink, type Faults } from './faulty-sink.js'
import { GUEST_MAC, guestImage, MIB, type GuestImage } from './guest-machine.js'
import { bareMachine } from './bare-machine.js'

export interface GuestServerOptions {
  readonly parameters?: Partial<GuestParameters>
  readonly ramOctets?: number
  /** See `VmOptions`. */
  readonly qemuBoard?: boolean
  /** What goes wrong with frames, in both directions. */
  readonly faults?: Faults
  readonly tcp?: TcpOptions
  readonly seed?: string
}

/** A guest on one end of a cable, a host with our own network stack on the other. */
export class GuestServer {
  readonly kernel: Kernel
  readonly vm: VirtualMachine
  readonly host: HostStack
  readonly address = parseIpv4('10.1.0.7')
  /** Everything on the guest's console. */
  console = ''
  /** Frames that the guest sent, while somebody wants them. */
  framesSent: Uint8Array[] | null = null

  constructor(
    image: GuestImage,
    {
      parameters = {},
      ramOctets = 16 * MIB,
      qemuBoard = false,
      faults = {},
      tcp = {},
      seed = 'guest server',
    }: GuestServerOptions = {},
  ) {
    const kernel = (this.kernel = new Kernel(seed))
    const options = { name: image, mac: GUEST_MAC, ramOctets, hartHz: HART_HZ, qemuBoard }
    this.vm = new VirtualMachine(kernel, options, new HostCores(kernel, 'host', 4), bareMachine, this)
    this.vm.machine.loadElf(guestImage(image))
    const told = { ...defaultsOfImage(image), ip: this.address, pagesPerSecond: 0, ...parameters }
    writeGuestParameters(this.vm.machine.ram, told)
    this.host = new HostStack(kernel, {
      name: 'host',
      mac: parseMac('02:00:00:00:00:01'),
      address: parseIpv4('10.1.0.99'),
      tcp,
    })
    const link = new Link(kernel, 'link', { rateBps: 1e9, delayNs: microseconds(50) })
    const random = kernel.random('faults')
    this.host.output = new FaultySink(link.a, random, faults)
    link.a.output = this.host
    link.b.output = this.vm
    this.vm.network = new FaultySink(new Recorder(this, link.b), random, faults)
    this.vm.resume()
    this.run(seconds(0.2))
  }

  run(spanNs: number): void {
    this.kernel.runUntil(this.kernel.nowNs + spanNs)
  }

  /** Let time go by until it is so; false if it is not within `spanNs`. */
  runUntil(isSo: () => boolean, spanNs = seconds(10)): boolean {
    for (const endNs = this.kernel.nowNs + spanNs; !isSo() && this.kernel.nowNs < endNs; this.run(microseconds(200)));
    return isSo()
  }

  connect(port: number): GuestClient {
    return new GuestClient(this, this.host.connect(this.address, port))
  }

  type(text: string): void {
    this.vm.type(latin1Octets(text))
    this.run(seconds(0.1))
  }

  consoleWrote(_vm: VirtualMachine, octets: Uint8Array): void {
    this.console += latin1Text(octets)
  }
  vmStateChanged(): void {}
}

class Recorder implements FrameSink {
  constructor(
    private readonly server: GuestServer,
    private readonly output: FrameSink,
  ) {}
  receiveFrame(frame: Uint8Array): void {
    this.server.framesSent?.push(frame)
    this.output.receiveFrame(frame)
  }
}

/** A connection to the guest, with all that came over it as text. */
export class GuestClient implements StreamOwner {
  received = ''
  isOpen = false
  hasEnded = false
  failure = ''
  isReading = true
  private waiting = new Uint8Array(0)

  constructor(
    private readonly server: GuestServer,
    readonly stream: ByteStream,
  ) {
    stream.owner = this
  }

  send(text: string): void {
    this.waiting = Uint8Array.from([...this.waiting, ...latin1Octets(text)])
    this.pump()
  }

  /** Send, wait for what `isWhole` takes for the answer, and take it. Throws when it does not come. */
  ask(text: string, isWhole: (answer: string) => boolean, spanNs = seconds(10)): string {
    this.send(text)
    if (!this.server.runUntil(() => isWhole(this.received), spanNs))
      throw new Error(`no answer to ${JSON.stringify(text)}, but ${JSON.stringify(this.received)} ${this.failure}`)
    return this.take()
  }

  take(): string {
    const { received } = this
    this.received = ''
    return received
  }

  streamOpened(): void {
    this.isOpen = true
    this.pump()
  }
  streamReadable(stream: ByteStream): void {
    if (this.isReading) this.received += latin1Text(stream.read(stream.readableOctets()))
  }
  streamWritable(): void {
    this.pump()
  }
  streamEnded(): void {
    this.hasEnded = true
  }
  streamFailed(_stream: ByteStream, { message }: { readonly message: string }): void {
    this.failure = message
  }

  private pump(): void {
    const writable = Math.min(this.waiting.length, this.stream.writableOctets())
    if (writable === 0) return
    this.stream.write(this.waiting.slice(0, writable))
    this.waiting = this.waiting.slice(writable)
  }
}
