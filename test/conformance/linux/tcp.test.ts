import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { milliseconds } from '../../../core/base/units.js'
import type { TcpConnection } from '../../../core/net/tcp/tcp-connection.js'
import type { Faults } from '../../support/faulty-sink.js'
import { patternOctets, TestListener, TestOwner } from '../../support/network-fixture.js'
import { tsharkFields } from '../../support/tshark.js'
import {
  LINUX_ADDRESS,
  LINUX_PORT,
  LinuxStack,
  OUR_PORT,
  whyNoLinuxStack,
  type LinuxStackOptions,
} from './linux-stack.js'

const obstacle = whyNoLinuxStack()
if (obstacle !== null) console.warn(`SKIPPED: TCP against Linux's own. ${obstacle}. Needs socat, iproute2, util-linux.`)

const digest = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

/** Everything a socket receives, until its peer ends or `octets` are there. */
async function received(socket: Socket): Promise<Uint8Array> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  await once(socket, 'end')
  return Uint8Array.from(Buffer.concat(parts))
}

let linux: LinuxStack | null = null
async function start(options: LinuxStackOptions): Promise<LinuxStack> {
  linux = await LinuxStack.start(options)
  return linux
}
afterEach(() => {
  linux?.stop()
  linux = null
})

/** Connect to Linux's port. */
async function open(stack: LinuxStack, owner: TestOwner): Promise<{ stream: TcpConnection; socket: Socket }> {
  const accepted = stack.accepted()
  const stream = stack.host.connect(LINUX_ADDRESS, LINUX_PORT) as TcpConnection
  stream.owner = owner
  return { stream, socket: await accepted }
}

const MANY = 4 * 1024 * 1024
const FEW = 1024 * 1024
const conditions: Record<string, { faults: Faults; octets: number; tcp?: LinuxStackOptions['tcp'] }> = {
  'a clean path': { faults: {}, octets: MANY },
  '1 % loss': { faults: { lostPerMille: 10 }, octets: FEW },
  '1 % loss, NewReno without SACK or timestamps': {
    faults: { lostPerMille: 10 },
    octets: FEW,
    tcp: { hasSack: false, hasTimestamps: false, congestionControl: 'newreno' },
  },
  'loss, reordering, duplicates and damage': {
    faults: { lostPerMille: 5, swappedPerMille: 20, duplicatedPerMille: 10, damagedPerMille: 5 },
    octets: FEW,
  },
}

describe.skipIf(obstacle !== null)("TCP with Linux's own", () => {
  for (const [name, { faults, octets, tcp }] of Object.entries(conditions))
    it(`carries ${octets} octets each way whole over ${name}`, async () => {
      const stack = await start({ faults, seed: name, ...(tcp === undefined ? {} : { tcp }) })
      const request = patternOctets(octets)
      const response = patternOctets(octets, 99)
      const owner = new TestOwner(request)
      owner.endsWhenSent = true
      const { socket } = await open(stack, owner)
      const all = received(socket)
      socket.end(response)
      const got = await stack.runUntil(all)
      expect(digest(got)).toBe(digest(request))
      await stack.runWhile(() => owner.receivedOctets < octets)
      expect(digest(owner.receivedWhole())).toBe(digest(response))
      expect(owner.failure).toBeNull()
      if (faults.lostPerMille !== undefined)
        expect(Math.min(stack.faultyIn.framesLost, stack.faultyOut.framesLost)).toBeGreaterThan(0)
    })

  it('accepts a connection that Linux opens, and agrees with it on every option', async () => {
    const stack = await start({ faults: { lostPerMille: 10 } })
    const server = new TestOwner(patternOctets(FEW, 3))
    server.endsWhenSent = true
    stack.host.listen(OUR_PORT, new TestListener(server))
    const socket = stack.connect()
    const all = received(socket)
    socket.end(patternOctets(FEW, 4))
    expect(digest(await stack.runUntil(all))).toBe(digest(patternOctets(FEW, 3)))
    await stack.runWhile(() => server.receivedOctets < FEW)
    expect(digest(server.receivedWhole())).toBe(digest(patternOctets(FEW, 4)))
    const capture = stack.tap.toPcapng()
    const wanted = ['tcp.options.sack_perm', 'tcp.options.wscale.shift', 'tcp.options.timestamp.tsval'] as const
    const handshake = tsharkFields(capture, wanted, { filter: 'tcp.flags.syn==1' })
    expect(new Set(handshake.map((fields) => fields['tcp.options.sack_perm'])).size).toBe(1)
    for (const fields of handshake) for (const value of Object.values(fields)) expect(value).not.toBe('')
    // Both ends report what arrived beyond holes.
    const sources = tsharkFields(capture, ['ip.src'], { filter: 'tcp.options.sack.count > 0' })
    expect(new Set(sources.map((fields) => fields['ip.src']))).toEqual(new Set(['10.9.0.1', '10.9.0.2']))
    expect(
      tsharkFields(capture, ['frame.number'], { filter: '_ws.malformed || tcp.checksum.status == "Bad"' }),
    ).toEqual([])
  })

  it('has its keep-alive probes answered, and gives up when they are not', async () => {
    // Linux answers segments from outside its window twice a second at most (net.ipv4.tcp_invalid_ratelimit).
    const keepAlive = { idleNs: milliseconds(600), intervalNs: milliseconds(600), probes: 2 }
    const stack = await start({ tcp: { keepAlive } })
    const owner = new TestOwner()
    const { stream } = await open(stack, owner)
    const probes = (): number =>
      tsharkFields(stack.tap.toPcapng(), ['frame.number'], { filter: 'tcp.analysis.keep_alive' }).length
    await stack.runWhile(() => stack.kernel.nowNs < milliseconds(2500))
    expect(stream.state).toBe('open')
    expect(probes()).toBeGreaterThanOrEqual(3)
    stack.isCut = true
    await stack.runWhile(() => owner.failure === null, 5000)
    expect(owner.failure?.message).toMatch(/keep-alive/)
  })

  it("probes Linux's closed window, and goes on when it opens", async () => {
    const stack = await start({})
    const request = patternOctets(12 * 1024 * 1024)
    const owner = new TestOwner(request)
    owner.endsWhenSent = true
    const { stream, socket } = await open(stack, owner)
    socket.pause()
    await stack.runWhile(() => stream.windowProbes < 2)
    expect(stream.sndWnd).toBe(0)
    const all = received(socket)
    socket.resume()
    expect(digest(await stack.runUntil(all))).toBe(digest(request))
  })

  it('closes its own window, answers the probes of Linux, and opens it again', async () => {
    const stack = await start({ tcp: { receiveBufferOctets: 200_000 } })
    const owner = new TestOwner()
    owner.isReading = false
    const { stream, socket } = await open(stack, owner)
    const response = patternOctets(8 * 1024 * 1024)
    socket.end(response)
    const probes = (): number =>
      tsharkFields(stack.tap.toPcapng(), ['frame.number'], {
        filter: 'tcp.analysis.zero_window_probe || tcp.analysis.keep_alive',
      }).length
    await stack.runWhile(() => stream.readableOctets() < 200_000)
    const closedNs = stack.kernel.nowNs
    await stack.runWhile(() => stack.kernel.nowNs < closedNs + milliseconds(1500))
    expect(probes()).toBeGreaterThanOrEqual(1)
    owner.isReading = true
    owner.streamReadable(stream)
    await stack.runWhile(() => owner.receivedOctets < response.length)
    expect(digest(owner.receivedWhole())).toBe(digest(response))
  })
})
