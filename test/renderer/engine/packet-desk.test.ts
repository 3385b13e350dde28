import { describe, expect, it } from 'vitest'
import type { FrameSource } from '../../../core/capture/frame-source.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { Tap } from '../../../core/net/tap.js'
import { PacketDesk } from '../../../renderer/engine/packet-desk.js'
import type { PacketAnswer, PacketList, PacketWatch } from '../../../renderer/engine/contract.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

/** A desk whose turns the test runs; each look at the clock takes a millisecond. */
class Bench {
  readonly answers: PacketAnswer[] = []
  private readonly turns: (() => void)[] = []
  private nowMs = 0
  readonly desk = new PacketDesk({
    answer: (answer) => void this.answers.push(answer),
    wallMs: () => ++this.nowMs,
    later: (turn) => void this.turns.push(turn),
  })

  constructor(source: FrameSource) {
    this.desk.open('mirror', source)
  }

  settle(): void {
    for (let turn = this.turns.shift(); turn !== undefined; turn = this.turns.shift()) turn()
  }

  watch(change: Partial<PacketWatch>): PacketList {
    const watch: PacketWatch = { capture: 'mirror', filter: '', first: 0, count: 10, reveal: null, ...change }
    this.desk.request({ kind: 'watch-packets', watch })
    this.settle()
    return this.last('packets')
  }

  last<K extends PacketAnswer['kind']>(kind: K): Extract<PacketAnswer, { kind: K }> {
    return this.answers.findLast((answer): answer is Extract<PacketAnswer, { kind: K }> => answer.kind === kind)!
  }
}

const session = bootedSession()
migrateToEnd(session)
const { tap } = session.world.rack
const port = session.world.crossing?.parts.channels.port ?? 0

describe('PacketDesk', () => {
  it('tells the rows in sight, from anywhere in the list, and its end', () => {
    const bench = new Bench(tap)
    const start = bench.watch({})
    expect(start).toMatchObject({
      matching: tap.lastPacket,
      captured: tap.lastPacket,
      pending: 0,
      dropped: 0,
      first: 0,
    })
    expect(start.rows.map(({ packet }) => packet)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(bench.watch({ first: 1000, count: 3 }).rows.map(({ packet }) => packet)).toEqual([1001, 1002, 1003])
    const end = bench.watch({ first: -1 })
    expect(end.rows.at(-1)?.packet).toBe(tap.lastPacket)
    expect(bench.watch({ first: 1e9 }).rows.map(({ packet }) => packet)).toEqual([tap.lastPacket])
  })

  it('says more only when there is more', () => {
    const kernel = new Kernel('desk')
    const growing = new Tap(kernel, 'mirror')
    const bench = new Bench(growing)
    bench.watch({ first: -1 })
    const said = bench.answers.length
    bench.desk.refresh()
    expect(bench.answers).toHaveLength(said)
    growing.receiveFrame(new Uint8Array(60))
    bench.desk.refresh()
    expect(bench.last('packets')).toMatchObject({ captured: 1, matching: 1 })
    expect(bench.answers).toHaveLength(said + 1)
  })

  it('filters by and by, without holding anybody up, and finds a packet among those that match', () => {
    const bench = new Bench(tap)
    const filter = `tcp.port == ${port} && tcp.len > 0`
    bench.desk.request({
      kind: 'watch-packets',
      watch: { capture: 'mirror', filter, first: 0, count: 5, reveal: null },
    })
    expect(bench.last('packets').pending).toBeGreaterThan(0)
    bench.settle()
    const done = bench.last('packets')
    expect(done.pending).toBe(0)
    expect(done.matching).toBeGreaterThan(1000)
    expect(done.matching).toBeLessThan(tap.lastPacket)
    expect(done.rows.every(({ tone }) => tone === 'clear')).toBe(true)
    const fifth = done.rows[4]!.packet
    expect(bench.watch({ filter, reveal: fifth }).revealed).toBe(4)
    expect(bench.watch({ filter: 'arp', reveal: fifth }).revealed).toBe(-1)
  })

  it('says what is wrong with a filter and where, and lists everything meanwhile', () => {
    const list = new Bench(tap).watch({ filter: 'tcp.prt == 1' })
    expect(list.filterProblem).toMatchObject({ start: 0, end: 7 })
    expect(list.filterProblem?.message).toContain('tcp.port')
    expect(list.matching).toBe(tap.lastPacket)
  })

  it('gives a packet whole, with its stream, and nothing of one that is not there', () => {
    const bench = new Bench(tap)
    const { rows } = bench.watch({ filter: 'qevm' })
    bench.desk.request({ kind: 'packet', capture: 'mirror', packet: rows[0]!.packet })
    const { tree, stream } = bench.last('packet')
    expect(tree?.layers.map(({ field }) => field)).toEqual(
      expect.arrayContaining(['frame', 'eth', 'ip', 'tcp', 'qevm']),
    )
    expect(tree?.sources[0]?.octets).toEqual(tap.frame(rows[0]!.packet))
    expect(structuredClone(tree)).toEqual(tree)
    bench.desk.request({ kind: 'follow-stream', capture: 'mirror', stream: stream! })
    const { followed } = bench.last('stream')
    expect(new TextDecoder().decode(followed.parts[0]?.octets.subarray(0, 4))).toBe('QEVM')
    expect(followed.isCut).toBe(true)
    bench.desk.request({ kind: 'packet', capture: 'mirror', packet: tap.lastPacket + 1 })
    expect(bench.last('packet').tree).toBeNull()
    bench.desk.request({ kind: 'packet', capture: 'file', packet: 1 })
    expect(bench.last('packet').tree).toBeNull()
  })

  it('counts conversations and protocols', () => {
    const bench = new Bench(tap)
    bench.desk.request({ kind: 'statistics', capture: 'mirror', view: 'tcp' })
    const [conversation] = bench.last('statistics').conversations
    expect(conversation?.octetsToB).toBeGreaterThan(1_000_000)
    bench.desk.request({ kind: 'statistics', capture: 'mirror', view: 'protocols' })
    expect(bench.last('statistics').hierarchy).toMatchObject({ protocol: 'frame', packets: tap.lastPacket })
  })

  it('completes names of fields where the cursor is', () => {
    const bench = new Bench(tap)
    bench.desk.request({ kind: 'complete-filter', text: 'arp && tcp.dstp', cursor: 15 })
    expect(bench.last('completions')).toMatchObject({ start: 7, end: 15, completions: [{ insert: 'tcp.dstport' }] })
  })

  it('goes on when the oldest packets are dropped', () => {
    const kernel = new Kernel('desk')
    const small = new Tap(kernel, 'mirror', { octetsMax: 700_000 })
    const bench = new Bench(small)
    bench.watch({})
    for (let count = 0; count < 20_000; count++) small.receiveFrame(new Uint8Array(60))
    bench.desk.refresh()
    bench.settle()
    const list = bench.last('packets')
    expect(list.dropped).toBeGreaterThan(1000)
    expect(list.captured).toBe(20_000)
    expect(list.matching).toBe(20_000 - list.dropped)
    expect(list.rows[0]?.packet).toBe(list.dropped + 1)
  })
})
