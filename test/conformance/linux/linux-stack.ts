/**
 * Linux's own TCP in a network namespace of its own, and a bridge between it and a virtual host:
 *
 *   virtual host -- link -- bridge -- UDP -- socat -- UNIX datagrams -- | socat -- TUN device -- Linux
 *
 * Node can open neither a TUN device nor a UNIX datagram socket; socat keeps each packet apart on the way. Virtual time
 * runs on with the wall clock. What a program in the namespace reads and writes goes through UNIX streams: a connection to
 * Linux's port 7000 comes out at `accepted`, and `connect` makes Linux connect to a port of the virtual host.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FrameSink } from '../../../core/base/frame-sink.js'
import { microseconds } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { joinPorts } from '../../../core/net/frame-port.js'
import { recycleFrame } from '../../../core/net/frame-pool.js'
import { HostStack } from '../../../core/net/host-stack.js'
import { Link } from '../../../core/net/link.js'
import { Tap } from '../../../core/net/tap.js'
import type { TcpOptions } from '../../../core/net/tcp/tcp-layer.js'
import { parseIpv4, parseMac } from '../../../core/net/wire/addresses.js'
import { ARP_OPERATION, decodeArp, encodeArp } from '../../../core/net/wire/arp.js'
import { decodeEthernet, encodeEthernet, ETHERNET_HEADER_OCTETS, ETHERTYPE } from '../../../core/net/wire/ethernet.js'
import { FaultySink, type Faults } from '../../support/faulty-sink.js'

export const LINUX_ADDRESS = parseIpv4('10.9.0.1')
const OUR_ADDRESS = parseIpv4('10.9.0.2')
export const LINUX_PORT = 7000
export const OUR_PORT = 7001
const LINUX_MAC = parseMac('52:54:00:00:09:01')
const OUR_MAC = parseMac('52:54:00:00:09:02')

/** Why Linux's stack cannot be had here, or null. Throws when only a package is missing. */
export function whyNoLinuxStack(): string | null {
  for (const [program, debianPackage] of [
    ['socat', 'socat'],
    ['unshare', 'util-linux'],
    ['ip', 'iproute2'],
  ] as const)
    if (spawnSync(program, ['-V']).error !== undefined)
      throw new Error(`${program} is not installed: apt-get install ${debianPackage}`)
  const tried = spawnSync('unshare', ['-rn', 'ip', 'tuntap', 'add', 'dev', 'probe', 'mode', 'tun'], {
    encoding: 'utf8',
  })
  return tried.status === 0 ? null : `a network namespace with a TUN device is not permitted: ${tried.stderr.trim()}`
}

export interface LinuxStackOptions {
  readonly seed?: string
  readonly faults?: Faults
  readonly tcp?: TcpOptions
}

/** Run by `sh` in the namespace; the sockets' folder is `$0`. Either direction may end a minute before the other. */
const inNamespace = `
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
socat -b 65536 TUN:10.9.0.1/24,tun-type=tun,iff-no-pi,iff-up UNIX-SENDTO:$0/outside,bind=$0/inside &
socat -b 65536 -t 60 TCP-LISTEN:${LINUX_PORT},reuseaddr,fork UNIX-CONNECT:$0/accepted &
until grep -qi :${LINUX_PORT.toString(16)} /proc/net/tcp && ip addr show | grep -q 10.9.0.1; do sleep 0.02; done
exec socat -b 65536 -t 60 UNIX-LISTEN:$0/connect,fork TCP:10.9.0.2:${OUR_PORT}
`

export class LinuxStack implements FrameSink {
  readonly kernel: Kernel
  readonly host: HostStack
  readonly tap: Tap
  /** Towards Linux, and from it. */
  readonly faultyOut: FaultySink
  readonly faultyIn: FaultySink
  /** While it is set nothing passes. */
  isCut = false
  private readonly cable: Link
  private readonly folder = mkdtempSync(join(tmpdir(), 'midstream-linux-'))
  private readonly processes: ChildProcess[] = []
  private readonly acceptor: Server = createServer()
  private relayPort = 0
  private startMs = 0

  private constructor(
    private readonly datagrams: DatagramSocket,
    { seed = 'linux', faults = {}, tcp = {} }: LinuxStackOptions,
  ) {
    this.kernel = new Kernel(seed)
    this.tap = new Tap(this.kernel, 'bridge')
    this.host = new HostStack(this.kernel, { name: 'virtual', mac: OUR_MAC, address: OUR_ADDRESS, tcp })
    this.cable = new Link(this.kernel, 'cable', { rateBps: 200e6, delayNs: microseconds(500) })
    joinPorts(this.host, this.cable.a)
    this.host.uplink = this.cable.a
    this.cable.b.output = this
    this.faultyOut = new FaultySink({ receiveFrame: (frame) => this.send(frame) }, this.kernel.random('out'), faults)
    this.faultyIn = new FaultySink(this.cable.b, this.kernel.random('in'), faults)
  }

  static async start(options: LinuxStackOptions = {}): Promise<LinuxStack> {
    const datagrams = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
    datagrams.bind(0, '127.0.0.1')
    await once(datagrams, 'listening')
    const stack = new LinuxStack(datagrams, options)
    await stack.open()
    return stack
  }

  /** The next connection to `LINUX_PORT`, as the program that accepted it sees it. */
  async accepted(): Promise<Socket> {
    const [socket] = (await this.runUntil(once(this.acceptor, 'connection'))) as [Socket]
    return socket
  }

  /** Linux connects to `OUR_PORT`; what is written to the socket goes into the connection. */
  connect(): Socket {
    return connect(join(this.folder, 'connect'))
  }

  /** Let virtual time follow the wall clock until `event` has happened. */
  async runUntil<T>(event: Promise<T>, limitMs = 60_000): Promise<T> {
    let isDone = false
    const mark = (): void => void (isDone = true)
    event.then(mark, mark)
    const endMs = performance.now() + limitMs
    while (!isDone) {
      if (performance.now() > endMs) throw new Error(`nothing happened in ${limitMs} ms`)
      this.catchUp()
      await sleep(1)
    }
    return event
  }

  async runWhile(isWaiting: () => boolean, limitMs = 60_000): Promise<void> {
    const endMs = performance.now() + limitMs
    while (isWaiting()) {
      if (performance.now() > endMs) throw new Error(`still waiting after ${limitMs} ms`)
      this.catchUp()
      await sleep(1)
    }
  }

  stop(): void {
    this.datagrams.close()
    this.acceptor.close()
    // Each with its children.
    for (const { pid } of this.processes) if (pid !== undefined) process.kill(-pid, 'SIGTERM')
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** What the virtual host sent came out of its cable. */
  receiveFrame(frame: Uint8Array): void {
    this.tap.record(frame)
    const { etherType, payload } = decodeEthernet(frame)
    if (etherType === ETHERTYPE.arp) this.answerArp(payload)
    else if (etherType === ETHERTYPE.ipv4 && !this.isCut) this.faultyOut.receiveFrame(frame)
  }

  private async open(): Promise<void> {
    this.acceptor.listen(join(this.folder, 'accepted'))
    const spare = createSocket('udp4')
    spare.bind(0, '127.0.0.1')
    await once(spare, 'listening')
    this.relayPort = spare.address().port
    spare.close()
    const udp = `UDP4-DATAGRAM:127.0.0.1:${this.datagrams.address().port},bind=127.0.0.1:${this.relayPort},rcvbuf=4194304`
    const unix = `UNIX-SENDTO:${this.folder}/inside,bind=${this.folder}/outside`
    this.spawn('socat', ['-b', '65536', udp, unix])
    await this.file('outside')
    this.spawn('unshare', ['-rn', 'sh', '-c', inNamespace, this.folder])
    await this.file('connect')
    this.startMs = performance.now()
    this.datagrams.on('message', (packet) => this.packetArrives(packet))
  }

  private spawn(program: string, args: readonly string[]): void {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', 'inherit'] })
    this.processes.push(child)
  }

  private async file(name: string): Promise<void> {
    for (let tries = 0; !existsSync(join(this.folder, name)); tries++) {
      if (tries > 500) throw new Error(`socat did not make its socket "${name}"`)
      await sleep(10)
    }
  }

  private catchUp(): void {
    this.kernel.runUntil(Math.round((performance.now() - this.startMs) * 1e6))
  }

  private packetArrives(packet: Uint8Array): void {
    if (this.isCut) return
    this.catchUp()
    const header = { destination: OUR_MAC, source: LINUX_MAC, vlan: null, etherType: ETHERTYPE.ipv4 }
    const frame = encodeEthernet({ ...header, payload: packet })
    this.tap.record(frame)
    this.faultyIn.receiveFrame(frame)
  }

  private send(frame: Uint8Array): void {
    this.datagrams.send(frame.slice(ETHERNET_HEADER_OCTETS), this.relayPort, '127.0.0.1')
    recycleFrame(frame)
  }

  private answerArp(payload: Uint8Array): void {
    const { operation, senderMac, senderAddress, targetAddress } = decodeArp(payload)
    if (operation !== ARP_OPERATION.request || targetAddress !== LINUX_ADDRESS) return
    const answer = { senderMac: LINUX_MAC, senderAddress: LINUX_ADDRESS, targetMac: senderMac }
    const octets = encodeArp({ operation: ARP_OPERATION.reply, ...answer, targetAddress: senderAddress })
    const header = { destination: senderMac, source: LINUX_MAC, vlan: null, etherType: ETHERTYPE.arp }
    this.cable.b.receiveFrame(encodeEthernet({ ...header, payload: octets }))
  }
}
