/**
 * Every guest under random keys, frames, connections, requests and parameters while it runs: it never panics or hangs, and
 * afterwards it answers as before. Half of what it gets is nearly right, which leads further in than noise.
 */
import { describe, expect, it } from 'vitest'
import { writeU32le } from '../../core/base/octets.js'
import { RAM_BASE } from '../../core/cpu/memory.js'
import { RandomStream } from '../../core/kernel/random.js'
import {
  defaultsOfImage,
  encodeGuestParameters,
  GUEST_PARAMETERS_AT,
  type GuestParameters,
} from '../../core/machine/guest-parameters.js'
import { Machine } from '../../core/machine/machine.js'
import { MAC_BROADCAST, readMac } from '../../core/net/wire/addresses.js'
import { ARP_OPERATION, encodeArp } from '../../core/net/wire/arp.js'
import { encodeEthernet, ETHERTYPE } from '../../core/net/wire/ethernet.js'
import { encodeIcmp, ICMP_TYPE } from '../../core/net/wire/icmp.js'
import { encodeIpv4, IP_PROTOCOL, Ipv4Header } from '../../core/net/wire/ipv4.js'
import { TCP_FLAG } from '../../core/net/wire/tcp.js'
import { encodeUdp } from '../../core/net/wire/udp.js'
import { blocksInHeap } from '../support/guest-heap.js'
import { GUEST_MAC, guestImage, MIB, RunningMachine, type GuestImage } from '../support/guest-machine.js'
import { GUEST_ADDRESS, RawPeer, type RawSegment } from '../support/raw-peer.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'

const ROUNDS = 40
/** A server's smallest memory holds more connections than that, so that one who comes later is not turned away. */
const PEERS_MAX = 6
const PORTS: Partial<Record<GuestImage, number>> = { web: 80, kv: 6379 }
const OUR_MAC = 0x0200_0000_0001
const OUR_ADDRESS = 0x0a01_0063

// ---- keys ----

const COMMANDS =
  'help whoami date uptime ps free net ls keys secrets sessions stats where people tick work hot content get set cat peek jump spin restart exit root alice'
const NUMBERS = [
  '0',
  '1',
  '7',
  '64',
  '4096',
  '99999999999',
  '4294967295',
  '0x80000000',
  '0x8000d000',
  '-1',
  'on',
  'text',
]
const KEYS = [
  '\r',
  '\r',
  '\r',
  '\n',
  '\t',
  '\x7f',
  '\b',
  '\x01',
  '\x03',
  '\x04',
  '\x05',
  '\x0b',
  '\x0c',
  '\x15',
  '\x17',
]
const SEQUENCES = [
  '\x1b',
  '\x1b[',
  '\x1bO',
  '\x1b[A',
  '\x1b[B',
  '\x1b[C',
  '\x1b[D',
  '\x1b[3~',
  '\x1b[1;5C',
  '\x1b[99999~',
]

function keys(random: RandomStream): string {
  const words = COMMANDS.split(' ')
  const some = (): string => {
    switch (random.below(6)) {
      case 0:
        return String.fromCharCode(...random.octets(1 + random.below(12)))
      case 1:
        return random.pick(KEYS)
      case 2:
        return random.pick(SEQUENCES)
      case 3:
        return 'long'.repeat(random.below(60))
      default:
        return `${random.pick(words)} ${random.pick(NUMBERS)} ${random.pick(NUMBERS)} ${random.pick(NUMBERS)}\r`
    }
  }
  return Array.from({ length: 1 + random.below(6) }, some).join('')
}

// ---- frames ----

function frame(random: RandomStream): Uint8Array {
  const payload = random.octets(random.pick([0, 1, 8, 64, 500, 1400]))
  const target = random.below(4) === 0 ? random.u32() : GUEST_ADDRESS
  const source = random.pick([OUR_ADDRESS, OUR_ADDRESS, GUEST_ADDRESS, 0, 0xffff_ffff, random.u32()])
  const ip = { ...new Ipv4Header(), source, destination: target, moreFragments: random.below(8) === 0 }
  const ports = { sourcePort: random.pick([0, 7, 5000]), destinationPort: random.pick([7, 7, 80]), payload }
  const pair = { source, destination: target }
  const echo = { type: ICMP_TYPE.echoRequest, code: random.below(2), identifier: 1, sequence: 1, payload }
  const arp = { operation: ARP_OPERATION.request, senderMac: OUR_MAC, targetMac: 0 }
  const [etherType, octets] = random.pick([
    () => [ETHERTYPE.arp, encodeArp({ ...arp, senderAddress: source, targetAddress: target })] as const,
    () => [ETHERTYPE.ipv4, encodeIpv4({ ...ip, protocol: IP_PROTOCOL.icmp, payload: encodeIcmp(echo) })] as const,
    () => [ETHERTYPE.ipv4, encodeIpv4({ ...ip, protocol: IP_PROTOCOL.udp, payload: encodeUdp(ports, pair) })] as const,
    () => [ETHERTYPE.ipv4, encodeIpv4({ ...ip, protocol: random.below(256), payload })] as const,
    () => [random.below(65536), payload] as const,
  ])()
  const destination = random.below(4) === 0 ? MAC_BROADCAST : readMac(GUEST_MAC, 0)
  const whole = encodeEthernet({ destination, source: OUR_MAC, vlan: null, etherType, payload: octets })
  for (let flips = random.below(3) === 0 ? random.below(4) : 0; flips > 0; flips--)
    whole[random.below(whole.length)] = random.below(256)
  return random.below(8) === 0 ? whole.slice(0, 1 + random.below(whole.length)) : whole
}

// ---- requests ----

const HTTP_PARTS = [
  ...[
    'GET / HTTP/1.1\r\n',
    'GET /counter HTTP/1.1\r\n',
    'HEAD / HTTP/1.0\r\n',
    'POST /health HTTP/1.1\r\n',
    'Host: a\r\n',
  ],
  ...['Host: a\r\n\r\n', '\r\n', '\n', 'Content-Length: 5\r\n', 'Content-Length: 65536\r\n', 'Connection: close\r\n'],
  ...[
    'Cookie: session=',
    `Cookie: a=b;; session=${'0'.repeat(32)}\r\n`,
    'GET http:// HTTP/1.1\r\n',
    ' folded\r\n',
    '\0',
  ],
]
const RESP_PARTS = [
  ...[
    'PING\r\n',
    '*1\r\n$4\r\nPING\r\n',
    '*2\r\n$3\r\nGET\r\n$6\r\ncart:1\r\n',
    '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9\r\n',
    '*',
  ],
  ...[
    'KEYS *\r\n',
    'SET a "b c"\r\n',
    'DEL a cart:1 cart:2\r\n',
    'INCR n\r\n',
    'INFO\r\n',
    '*-1\r\n',
    '*64\r\n',
    '$9999\r\n',
  ],
  ...["'", '"', '\r\n', 'GET cart:3\r\nGET customer:1\r\n', 'QUIT\r\n', 'ECHO ', '*2\r\n$4\r\nKEYS\r\n$5\r\n**a*b\r\n'],
]

function request(random: RandomStream, image: GuestImage): Uint8Array {
  const parts = image === 'kv' ? RESP_PARTS : HTTP_PARTS
  const some = (): string => {
    if (random.below(12) === 0) return 'x'.repeat(random.below(3000))
    return random.below(8) === 0 ? String.fromCharCode(...random.octets(random.below(20))) : random.pick(parts)
  }
  const text = Array.from({ length: 1 + random.below(5) }, some).join('')
  return Uint8Array.from(text.slice(0, 1400), (letter) => letter.charCodeAt(0))
}

const FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack'] as const

function converse(peer: RawPeer, random: RandomStream, image: GuestImage): void {
  const payload = random.below(4) === 0 ? '' : request(random, image)
  const segment: RawSegment = { flags: ['ack'], payload }
  peer.window = random.pick([65535, 65535, 1000, 100, 1, 0])
  switch (random.below(8)) {
    case 0: // anything at all
      peer.send({
        flags: FLAGS.filter(() => random.below(3) === 0),
        payload,
        sequence: (peer.sequence + random.below(20_000) - 10_000) >>> 0,
        acknowledgment: random.below(2) === 0 ? random.u32() : (peer.acknowledgment + random.below(3000)) >>> 0,
      })
      return
    case 1:
      peer.send({ ...segment, flags: ['ack', 'fin'] })
      return
    default: {
      const answer = peer.send(segment).filter(({ flags }) => (flags & TCP_FLAG.rst) === 0)
      if (random.below(4) !== 0) peer.accept(answer)
    }
  }
}

// ---- parameters ----

const ABSURD = [0, 1, 3, 5, 64, 4095, 4097, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]

/** The block for that guest with some of its words absurd; the magic number and our address stay. */
function parameterBlock(random: RandomStream, given: GuestParameters, ramOctets: number): Uint8Array {
  const block = encodeGuestParameters(given, ramOctets)
  for (let word = 1; word < block.length / 4; word++)
    if (word !== 5 && random.below(3) === 0) writeU32le(block, 4 * word, random.pick(ABSURD))
  return block
}

class Harassed {
  readonly guest: RunningMachine
  console = ''
  private readonly given: GuestParameters
  private readonly peers: RawPeer[] = []
  private portCount = 0

  constructor(
    private readonly image: GuestImage,
    private readonly random: RandomStream,
  ) {
    const ramOctets = random.pick([1, 2, 4]) * MIB
    const machine = new Machine({ ramOctets, nicMac: GUEST_MAC })
    machine.loadElf(guestImage(image))
    this.guest = new RunningMachine(machine)
    this.given = { ...defaultsOfImage(image), ip: GUEST_ADDRESS, workingSetPages: 16 }
    this.tell(parameterBlock(random, this.given, ramOctets))
    for (let waits = 0; !/(: |[>$#] )$/.test(this.console); waits++) {
      expect(waits, `it never said that it is up, but ${this.console}`).toBeLessThan(100)
      this.run(100e6)
    }
  }

  get isOver(): boolean {
    return this.guest.machine.runSlice(this.guest.nowNs, 0).state === 'halted'
  }

  harass(): void {
    const { guest, random, image } = this
    switch (random.below(6)) {
      case 0:
      case 1:
        guest.type(keys(random))
        break
      case 2:
        for (let frames = 1 + random.below(40); frames > 0; frames--) guest.machine.nic.receiveFrame(frame(random))
        break
      case 3:
        this.tell(parameterBlock(random, this.given, guest.machine.ram.octets.length))
        break
      default:
        this.talk(image)
    }
    this.run(random.pick([50e3, 1e6, 20e6]))
    guest.machine.nic.takeFrames()
  }

  /** All is well again: is it, too? */
  expectWell(): void {
    const { guest, image } = this
    this.tell(encodeGuestParameters(this.given, guest.machine.ram.octets.length))
    // Whatever was being typed is given up; a tenant that does something else is started again.
    guest.type(image === 'tenant' ? '\x03' : '\x03\r\x03\r')
    this.run(1.5e9)
    if (image === 'tenant') guest.type('restart\r')
    this.console = ''
    guest.type('\r')
    this.run(1e9)
    if (this.isOver) return this.expectPoweredOff()
    expect(this.console).toMatch(/(: |[>$#] )$/)
    expect(this.console).not.toContain('panic')

    guest.machine.nic.takeFrames()
    const echo = { type: ICMP_TYPE.echoRequest, code: 0, identifier: 9, sequence: 9, payload: new Uint8Array(40) }
    const ip = { ...new Ipv4Header(), source: OUR_ADDRESS, destination: GUEST_ADDRESS, protocol: IP_PROTOCOL.icmp }
    const link = { destination: readMac(GUEST_MAC, 0), source: OUR_MAC, vlan: null, etherType: ETHERTYPE.ipv4 }
    const ping = encodeEthernet({ ...link, payload: encodeIpv4({ ...ip, payload: encodeIcmp(echo) }) })
    guest.machine.nic.receiveFrame(ping)
    this.run(20e6)
    expect(guest.machine.nic.takeFrames().filter((each) => each.length === ping.length)).not.toEqual([])
    this.expectServed()
  }

  private expectServed(): void {
    const { guest, image } = this
    if (PORTS[image] === undefined) return
    const peer = this.peer()
    peer.open()
    const question = image === 'web' ? 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n' : 'PING\r\n'
    const answer = peer
      .send({ flags: ['ack'], payload: question })
      .map(({ payload }) => Buffer.from(payload).toString())
    expect(answer.join('')).toMatch(image === 'web' ? /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok\n$/s : /^\+PONG\r\n$/)
    const blocks = blocksInHeap(guest.machine)
    this.console = ''
    guest.type('free\r')
    this.run(50e6)
    if (image === 'web') expect(this.console).toMatch(new RegExp(`heap blocks +${blocks}\r\n`))
    else expect(this.console).toMatch(/heap blocks +\d+\r\n/) // its load goes on writing
  }

  /** Somebody did type `poweroff`, or ^D and Tab made it up: a clean end, and no other. */
  expectPoweredOff(): void {
    this.run(1)
    expect(this.console).not.toContain('panic')
  }

  private talk(image: GuestImage): void {
    if (PORTS[image] === undefined) return
    if (this.peers.length < PEERS_MAX && (this.peers.length === 0 || this.random.below(4) === 0)) {
      const peer = this.peer()
      this.peers.push(peer)
      const [answer] = peer.send({ flags: ['syn'], mss: this.random.pick([0, 1, 100, 536, 1460, 65535]) })
      if (answer !== undefined) peer.accept([answer])
      if (this.random.below(4) !== 0) peer.send({ flags: ['ack'] })
    }
    converse(this.random.pick(this.peers), this.random, image)
  }

  private peer(): RawPeer {
    const ours = 40_000 + this.portCount++
    return new RawPeer(this.guest, { ours, theirs: PORTS[this.image]! }, this.random.u32())
  }

  private tell(block: Uint8Array): void {
    this.guest.machine.ram.write(GUEST_PARAMETERS_AT - RAM_BASE, block)
  }

  private run(spanNs: number): void {
    this.guest.run(spanNs)
    this.console += this.guest.expect('')
  }
}

describe.each(['shell', 'shell-b', 'web', 'kv', 'stress', 'tenant'] as const)('%s under random input', (image) => {
  it.each(simulationSeeds(3))('lives, and answers afterwards (%s)', (seed) =>
    withSeed(seed, () => {
      const random = new RandomStream(`guests ${image} ${seed}`)
      const harassed = new Harassed(image, random)
      for (let round = 0; round < ROUNDS && !harassed.isOver; round++) harassed.harass()
      if (harassed.isOver) harassed.expectPoweredOff()
      else harassed.expectWell()
    }),
  )
})
