import { describe, expect, it } from 'vitest'
import { CaptureIndex } from '../../../core/capture/capture-index.js'
import { conversationsOf } from '../../../core/capture/conversations.js'
import { DisplayFilter } from '../../../core/capture/filter/display-filter.js'
import { followStream, hexDump, streamText } from '../../../core/capture/follow-stream.js'
import { CaptureFileSource } from '../../../core/capture/frame-source.js'
import { packetTree } from '../../../core/capture/packet-facts.js'
import { summarisePacket } from '../../../core/capture/packet-summary.js'
import { protocolHierarchy } from '../../../core/capture/protocol-hierarchy.js'
import { concatOctets, equalOctets, latin1Octets } from '../../../core/base/octets.js'
import { readCapture } from '../../support/captures.js'
import { FrameList } from '../../support/frame-list.js'
import { handMadeFrames } from '../../support/hand-made-frames.js'

const plain = new CaptureFileSource(readCapture('a_plain'))
const plainFrames = Array.from({ length: plain.lastPacket }, (_, at) => plain.frame(at + 1)!)

function infos(index: CaptureIndex): (string | undefined)[] {
  const packets = Array.from({ length: index.lastPacket - index.firstPacket + 1 }, (_, at) => index.firstPacket + at)
  return packets.map((packet) => summarisePacket(index, packet)?.info)
}

describe('CaptureIndex', () => {
  it('says the same whether frames come at once or one by one', () => {
    const frames = plainFrames.slice(0, 300)
    const whole = new CaptureIndex(new FrameList(frames))
    whole.update()
    const list = new FrameList([])
    const grown = new CaptureIndex(list)
    for (const frame of frames) {
      list.frames.push(frame)
      expect(grown.update()).toBe(1)
    }
    expect(infos(grown)).toEqual(infos(whole))
  })

  it('goes on when the oldest frames are dropped', () => {
    const list = new FrameList([...plainFrames, ...plainFrames, ...plainFrames])
    const index = new CaptureIndex(list)
    index.update(3000)
    list.firstPacket = 2500
    index.update()
    expect([index.firstPacket, index.lastPacket]).toEqual([2500, list.lastPacket])
    expect(packetTree(index, 2499)).toBeNull()
    expect(summarisePacket(index, 2501)?.packet).toBe(2501)
    const found = new DisplayFilter(index, 'tcp').matchRange(1, list.lastPacket + 1)
    expect([found[0], found.length]).toEqual([2500, list.lastPacket - 2499 - 2])
    expect(new DisplayFilter(index, 'frame.number == 2600').matchRange(1, 9999)).toEqual(Uint32Array.of(2600))
  })

  it('sums up the packets of a migration as a person would', () => {
    const index = new CaptureIndex(plain)
    index.update()
    const lines = infos(index)
    expect(lines[0]).toBe('Who has 10.0.0.2? Tell 10.0.0.1')
    expect(lines[5]).toBe('QEVM: file header, configuration, RAM start, RAM blocks')
    expect(lines[7]).toBe('QEVM: RAM part, 158 zero pages at 0x20000000…')
    expect(lines.filter((line) => line?.endsWith('[TCP segment of a reassembled PDU]')).length).toBeGreaterThan(500)
    expect(lines.at(-6)).toContain('description of the devices')
  })

  it('stops at its limits and says so', () => {
    const index = new CaptureIndex(new FrameList(plainFrames.slice(0, 50)), { packetsMax: 20, streamsMax: 0 })
    index.update()
    expect(index.lastPacket).toBe(20)
    expect(index.notes).toEqual([
      'connections after the first 0 are not followed',
      'packets after the first 20 are not listed',
    ])
    expect(summarisePacket(index, 6)?.info).toContain('Len=149')
  })
})

describe('followStream', () => {
  it('gives what was sent, by whom and in which packet', () => {
    const index = new CaptureIndex(new CaptureFileSource(readCapture('a_ssh')))
    index.update()
    const { client, server, parts, isCut } = followStream(index, 0)!
    expect([client, server, isCut]).toEqual(['10.0.0.1:49572', '10.0.0.2:2222', false])
    expect(parts[0]).toMatchObject({ sender: 'client', packet: 6, position: 0, missingBefore: 0 })
    expect(streamText(parts[0]!.octets)).toMatch(/^SSH-2\.0-OpenSSH/)
    expect(parts[1]!.sender).toBe('server')
    expect(followStream(index, 99)).toBeNull()
  })

  it('gives the stream that the file of it holds, and no more than was asked for', () => {
    const index = new CaptureIndex(plain)
    index.update()
    const whole = concatOctets(followStream(index, 0, { octetsMax: 1 << 26 })!.parts.map(({ octets }) => octets))
    expect(whole.length).toBe(index.streams[0]!.toServer.position)
    const cut = followStream(index, 0, { octetsMax: 5000 })!
    expect(cut.isCut).toBe(true)
    expect(equalOctets(concatOctets(cut.parts.map(({ octets }) => octets)), whole.subarray(0, 5000))).toBe(true)
  })

  it('shows octets and their text side by side', () => {
    expect(hexDump(latin1Octets('QEVM\0'), 16)).toBe(`00000010  ${'51 45 56 4d 00'.padEnd(49)}  QEVM.`)
  })
})

describe('statistics', () => {
  const index = new CaptureIndex(new FrameList(Object.values(handMadeFrames)))
  index.update()

  it('count conversations each way', () => {
    const whole = new CaptureIndex(plain)
    whole.update()
    const [connection] = conversationsOf(whole, 'tcp')
    expect(connection).toMatchObject({
      a: '10.0.0.1:60616',
      b: '10.0.0.2:4444',
      packetsToB: 1125,
      packetsToA: 244,
      stream: 0,
    })
    expect(conversationsOf(index, 'ipv6')).toMatchObject([
      { a: 'fd00::1', b: 'fd00::2', packetsToB: 10, packetsToA: 0 },
    ])
    expect(conversationsOf(index, 'udp').map(({ b }) => b)).toEqual(['10.0.0.2:5001', '10.0.0.2:520'])
    expect(conversationsOf(index, 'eth', (packet) => packet <= 2)).toMatchObject([{ packetsToB: 2 }])
  })

  it('count packets under each protocol, all of them once at the top', () => {
    const root = protocolHierarchy(index)
    expect(root.packets).toBe(index.lastPacket)
    const [eth] = root.children
    expect(eth?.children.map(({ protocol }) => protocol).sort()).toEqual(['arp', 'ip', 'ipv6', 'llc', 'vlan'])
  })
})
