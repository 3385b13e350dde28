import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CaptureIndex } from '../../../core/capture/capture-index.js'
import { CaptureFileSource } from '../../../core/capture/frame-source.js'
import { packetTree } from '../../../core/capture/packet-facts.js'
import { summarisePacket } from '../../../core/capture/packet-summary.js'
import type { PacketTree, TreeNode } from '../../../core/capture/packet-tree.js'
import { readCapture } from '../../support/captures.js'
import { FrameList } from '../../support/frame-list.js'
import { handMadeFrames } from '../../support/hand-made-frames.js'

function indexed(source: FrameList | CaptureFileSource): CaptureIndex {
  const index = new CaptureIndex(source)
  index.update()
  return index
}

function nodesOf(nodes: readonly TreeNode[]): TreeNode[] {
  return nodes.flatMap((node) => [node, ...nodesOf(node.children)])
}

function expectInside({ sources, layers }: PacketTree): void {
  for (const { source, start, length, label } of nodesOf(layers)) {
    expect({ label, isInside: start >= 0 && length >= 0 && start + length <= sources[source]!.octets.length }).toEqual({
      label,
      isInside: true,
    })
  }
}

const plain = readCapture('a_plain')

describe('packetTree', () => {
  it('says where each value stands', () => {
    const index = indexed(new FrameList([handMadeFrames['UDP']!]))
    const tree = packetTree(index, 1)!
    const [port] = nodesOf(tree.layers).filter(({ field }) => field === 'udp.dstport')
    expect(port).toMatchObject({
      label: 'Destination port: 5001',
      filterValue: '5001',
      source: 0,
      start: 36,
      length: 2,
    })
    expect(tree.layers.map(({ field }) => field)).toEqual(['frame', 'eth', 'ip', 'udp', 'data'])
    expect(structuredClone(tree)).toEqual(tree)
  })

  it('shows a page of guest memory where its last segment is, with the segments that brought it', () => {
    const index = indexed(new CaptureFileSource(plain))
    const row = Array.from({ length: index.lastPacket }, (_, at) => packetTree(index, at + 1)!).find(({ layers }) =>
      layers.some(({ label }) => label.startsWith('QEMU Migration Stream, page at 0x8')),
    )!
    const page = row.layers.find(({ label }) => label.startsWith('QEMU Migration Stream, page at 0x8'))!
    expect(page.source).toBeGreaterThan(0)
    expect(nodesOf([page]).find(({ field }) => field === 'qevm.page.data')?.length).toBe(4096)
    const segments = row.layers.find(({ field }) => field === 'tcp.segments')!
    expect(segments.children.filter(({ field }) => field === 'tcp.segment').at(-1)?.label).toContain(String(row.packet))
    expectInside(row)
  })

  it('tells the devices apart once the stream is over', () => {
    const index = indexed(new CaptureFileSource(plain))
    const devices = Array.from({ length: 20 }, (_, at) => packetTree(index, index.lastPacket - at)!).flatMap((tree) =>
      nodesOf(tree.layers).filter(({ field }) => field === 'qevm.device'),
    )
    expect(devices.map(({ label }) => label)).toContain('State of the device: serial')
  })

  it('names damage and shows what comes before it', () => {
    const cut = handMadeFrames['SYN']!.slice(0, 60)
    const tree = packetTree(indexed(new FrameList([cut])), 1)!
    expect(nodesOf(tree.layers).find(({ field }) => field === '_ws.malformed')?.label).toMatch(
      /^Malformed tcp: at octet/,
    )
    expect(tree.layers.map(({ field }) => field)).toContain('tcp')
  })

  it('takes any octets: something is shown, inside the frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 120 }), { minLength: 1, maxLength: 4 }), (frames) => {
        const index = indexed(new FrameList(frames))
        for (let packet = 1; packet <= frames.length; packet++) {
          expectInside(packetTree(index, packet)!)
          expect(summarisePacket(index, packet)?.protocol).not.toBe('')
        }
      }),
      { numRuns: 200 },
    )
  })

  it('takes real frames that were cut and changed', () => {
    const real = new CaptureFileSource(plain)
    const some = [
      ...Object.values(handMadeFrames),
      ...[3, 4, 5, 6, 8, 9, 1300, 1366].map((packet) => real.frame(packet)!),
    ]
    const change = fc.record({ at: fc.nat(), to: fc.nat(255), keep: fc.nat() })
    fc.assert(
      fc.property(
        fc.array(fc.record({ frame: fc.constantFrom(...some), change }), { minLength: 1, maxLength: 6 }),
        (list) => {
          const frames = list.map(({ frame, change: { at, to, keep } }) => {
            const changed = frame.slice()
            changed[at % changed.length] = to
            return keep % 4 === 0 ? changed.slice(0, keep % changed.length) : changed
          })
          const index = indexed(new FrameList(frames))
          for (let packet = 1; packet <= frames.length; packet++) {
            expectInside(packetTree(index, packet)!)
            summarisePacket(index, packet)
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})
