import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../../core/base/errors.js'
import type { FrameSink } from '../../../core/base/frame-sink.js'
import { copyGraph } from '../../../core/base/snapshot.js'
import { microseconds, milliseconds, seconds } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { recycleFrame, takeFrame } from '../../../core/net/frame-pool.js'
import { Link } from '../../../core/net/link.js'
import type { DirectionOptions, LinkOptions } from '../../../core/net/link-options.js'

const FRAME_OCTETS = 100
/** On the wire at 1 Gbit/s, with overhead. */
const SENDING_NS = 992

/** Frames carry a number, so that it shows which came when and how. */
class Arrivals implements FrameSink {
  readonly numbers: number[] = []
  readonly timesNs: number[] = []
  /** Bits that differ from what was sent. */
  flipped = 0
  constructor(private readonly kernel: Kernel) {}
  receiveFrame(frame: Uint8Array): void {
    this.numbers.push(new DataView(frame.buffer, frame.byteOffset).getUint32(0))
    this.timesNs.push(this.kernel.nowNs)
    for (const octet of frame.subarray(4)) for (let bits = octet; bits > 0; bits &= bits - 1) this.flipped++
    recycleFrame(frame)
  }
}

class Line {
  readonly kernel: Kernel
  readonly link: Link
  readonly arrivals: Arrivals
  private sent = 0

  constructor(options: Partial<LinkOptions>, seed = 'impairments') {
    this.kernel = new Kernel(seed)
    this.link = new Link(this.kernel, 'cable', { rateBps: 1e9, delayNs: milliseconds(1), ...options })
    this.arrivals = new Arrivals(this.kernel)
    this.link.b.output = this.arrivals
  }

  /** One frame after the other, as fast as they go or with a pause, and wait for them all. */
  send(count: number, everyNs = SENDING_NS): this {
    const startNs = this.kernel.nowNs
    for (let index = 0; index < count; index++) {
      this.kernel.runUntil(startNs + index * everyNs)
      const frame = takeFrame(FRAME_OCTETS).fill(0)
      new DataView(frame.buffer, frame.byteOffset).setUint32(0, ++this.sent)
      this.link.a.receiveFrame(frame)
    }
    return this
  }

  finish(): this {
    while (this.kernel.step());
    return this
  }
}

const run = (options: Partial<DirectionOptions>, count = 10_000, everyNs = SENDING_NS) =>
  new Line(options).send(count, everyNs).finish()

describe('Link with impairments', () => {
  it('loses each frame by itself', () => {
    const { link, arrivals } = run({ loss: 0.1 })
    const { lost, delivered } = link.a.counters()
    expect(lost.frames + delivered.frames).toBe(10_000)
    expect(lost).toEqual({ frames: lost.frames, octets: lost.frames * FRAME_OCTETS })
    // Four standard deviations of the binomial distribution.
    expect(Math.abs(lost.frames - 1000)).toBeLessThan(4 * Math.sqrt(10_000 * 0.1 * 0.9))
    expect(arrivals.numbers).toEqual(arrivals.numbers.toSorted((a, b) => a - b))
  })

  it('loses in bursts', () => {
    const { arrivals } = run({ loss: { goodToBad: 0.01, badToGood: 0.25 } }, 20_000)
    const gaps = arrivals.numbers.map((number, index) => number - (arrivals.numbers[index - 1] ?? 0) - 1)
    const bursts = gaps.filter((gap) => gap > 0)
    const lost = bursts.reduce((sum, gap) => sum + gap, 0)
    // The share of time in the bad state is p / (p + r), and a stay there is 1 / r frames long.
    expect(lost / 20_000).toBeCloseTo(0.01 / 0.26, 2)
    expect(lost / bursts.length).toBeGreaterThan(3.5)
    expect(lost / bursts.length).toBeLessThan(4.5)
    const { link } = run({ loss: { goodToBad: 1, badToGood: 0, lossInBad: 0.5, lossInGood: 1 } })
    expect(Math.abs(link.a.counters().lost.frames - 5000)).toBeLessThan(200)
  })

  it('doubles frames, and the second copy follows the first', () => {
    const { link, arrivals } = run({ duplication: 0.05 })
    const { duplicated, delivered } = link.a.counters()
    expect(delivered.frames).toBe(10_000 + duplicated.frames)
    expect(Math.abs(duplicated.frames - 500)).toBeLessThan(4 * Math.sqrt(10_000 * 0.05 * 0.95))
    const pairs = arrivals.numbers.filter((number, index) => number === arrivals.numbers[index - 1])
    expect(pairs).toHaveLength(duplicated.frames)
  })

  it('holds frames back so that later ones pass them', () => {
    const { link, arrivals } = run({ reordering: 0.02, reorderDelayNs: microseconds(5) })
    const overtaken = arrivals.numbers.filter((number, index) => number < (arrivals.numbers[index - 1] ?? 0))
    const { reordered, delivered } = link.a.counters()
    expect(delivered.frames).toBe(10_000)
    expect(Math.abs(reordered.frames - 200)).toBeLessThan(60)
    // Two that are held back one after the other stay in order.
    expect(overtaken.length).toBeGreaterThan(reordered.frames * 0.9)
    expect(overtaken.length).toBeLessThanOrEqual(reordered.frames)
    const position = arrivals.numbers.indexOf(overtaken[0]!)
    expect(position - overtaken[0]! + 1).toBe(5) // 5 µs are 5 frames of 992 ns
  })

  it('flips one bit of a frame and delivers it', () => {
    const { link, arrivals } = run({ corruption: 0.1 })
    const { corrupted, delivered } = link.a.counters()
    expect(delivered.frames).toBe(10_000)
    expect(Math.abs(corrupted.frames - 1000)).toBeLessThan(120)
    // 4 of 100 octets are the number, and are not looked at.
    expect(Math.abs(arrivals.flipped - corrupted.frames * 0.96)).toBeLessThan(40)
  })

  it('jitters evenly or nearly normally, and never reorders because of it', () => {
    const delays = (options: Partial<DirectionOptions>) => {
      const { arrivals } = run({ jitterNs: 100_000, ...options }, 4000, milliseconds(2))
      return arrivals.timesNs.map((atNs, index) => atNs - index * milliseconds(2) - SENDING_NS - milliseconds(1))
    }
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const deviation = (values: readonly number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)))
    const even = delays({})
    expect(Math.max(...even.map(Math.abs))).toBeLessThanOrEqual(100_000)
    expect(Math.abs(mean(even))).toBeLessThan(4000)
    expect(deviation(even) / 100_000).toBeCloseTo(1 / Math.sqrt(3), 1)
    const normal = delays({ jitterShape: 'normal' })
    expect(Math.abs(mean(normal))).toBeLessThan(7000)
    expect(deviation(normal) / 100_000).toBeCloseTo(1, 1)
    const within = normal.filter((delay) => Math.abs(delay) < 100_000).length / normal.length
    expect(within).toBeCloseTo(0.68, 1)

    const { arrivals } = run({ jitterNs: milliseconds(1) }, 2000)
    expect(arrivals.numbers).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1))
  })

  it('gives the same run for the same seed, and each direction and link its own chance', () => {
    const lost = (seed: string, name: string) => {
      const kernel = new Kernel(seed)
      const link = new Link(kernel, name, { rateBps: 1e9, delayNs: 0, loss: 0.5 })
      const [toB, toA] = [new Arrivals(kernel), new Arrivals(kernel)]
      link.b.output = toB
      link.a.output = toA
      for (let number = 0; number < 50; number++)
        for (const end of [link.a, link.b]) {
          const frame = takeFrame(FRAME_OCTETS).fill(0)
          frame[3] = number
          end.receiveFrame(frame)
        }
      while (kernel.step());
      return [toB.numbers, toA.numbers]
    }
    const [toB, toA] = lost('one', 'x')
    expect(lost('one', 'x')).toEqual([toB, toA])
    expect(toB).not.toEqual(toA)
    expect(lost('two', 'x')).not.toEqual([toB, toA])
    expect(lost('one', 'y')).not.toEqual([toB, toA])
  })

  it('draws no random numbers, and makes one event a frame, when nothing is left to chance', () => {
    const line = new Line({}).send(10, milliseconds(5)).finish()
    const fresh = new Kernel('impairments')
    expect(line.kernel.random('link cable a-to-b').u32()).toBe(fresh.random('link cable a-to-b').u32())
  })

  it('differs by direction, and can be changed in one or both while frames are under way', () => {
    const line = new Line({ aToB: { delayNs: milliseconds(3) } })
    expect([line.link.settings('a-to-b').delayNs, line.link.settings('b-to-a').delayNs]).toEqual([3e6, 1e6])
    line.send(10)
    line.link.configure({ loss: 1 }, 'a-to-b')
    line.send(10)
    line.link.configure({ loss: 0, delayNs: 0 })
    line.send(10).finish()
    expect(line.arrivals.numbers).toEqual(
      [...Array(10).keys(), ...Array(10).keys()].map((n, i) => n + (i < 10 ? 1 : 21)),
    )
    expect(line.link.settings('b-to-a')).toMatchObject({ delayNs: 0, loss: 0 })
  })

  it('keeps the rate exact when it is changed under way', () => {
    const line = new Line({ rateBps: 3e9, delayNs: 0 })
    line.send(3, 0)
    line.link.rateBps = 1e9
    line.send(1, 0).finish()
    expect(line.arrivals.timesNs).toEqual([331, 662, 992, 1984])
  })

  it('drops from the tail when too many frames wait', () => {
    const line = new Line({ queueFramesMax: 3, delayNs: 0 })
    line.send(5, 0)
    expect(line.link.a.counters().dropped.frames).toBe(2)
    line.kernel.runUntil(SENDING_NS)
    line.send(2, 0)
    expect(line.link.a.counters().dropped.frames).toBe(3)
    for (let round = 0; round < 1000; round++) {
      line.kernel.runUntil(line.kernel.nowNs + SENDING_NS)
      line.send(1)
    }
    expect(line.link.a.counters().dropped.frames).toBe(3)
  })

  it('shows the sender what was sent, and the receiver what arrived', () => {
    const line = new Line({ loss: 0.5, delayNs: 1000 })
    const seen = { sent: [] as number[], delivered: [] as number[], back: 0 }
    line.link.watch({ record: () => seen.sent.push(line.kernel.nowNs) }, { direction: 'a-to-b', place: 'sent' })
    const delivered = { record: () => seen.delivered.push(line.kernel.nowNs) }
    line.link.watch(delivered)
    line.link.watch({ record: () => seen.back++ }, { direction: 'b-to-a', place: 'sent' })
    line.send(100).finish()
    expect(seen.sent).toHaveLength(100)
    expect(seen.sent[0]).toBe(0)
    expect(seen.delivered).toEqual(line.arrivals.timesNs)
    expect(seen.back).toBe(0)
    line.link.unwatch(delivered)
    line.link.cut()
    line.send(1).finish()
    expect(seen.sent).toHaveLength(100)
    expect(seen.delivered).toHaveLength(line.arrivals.timesNs.length)
  })

  it('accounts for every frame and octet, whatever happens to it', () => {
    const probability = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100)
    const options = fc.record({
      loss: fc.oneof(probability, fc.record({ goodToBad: probability, badToGood: probability })),
      duplication: probability,
      reordering: probability,
      reorderDelayNs: fc.nat(5000),
      corruption: probability,
      jitterNs: fc.nat(5000),
      delayNs: fc.nat(5000),
      queueFramesMax: fc.option(fc.integer({ min: 1, max: 5 })),
      queueOctetsMax: fc.integer({ min: 0, max: 1000 }),
    })
    const step = fc.oneof(
      fc.record({ length: fc.integer({ min: 4, max: 300 }), waitNs: fc.nat(2000) }),
      fc.constantFrom('cut' as const, 'restore' as const),
      options,
    )
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 60 }), (first, steps) => {
        const { kernel, link, arrivals } = new Line(first)
        const balance = (): void => {
          const { offered, duplicated, delivered, dropped, cut, lost } = link.a.counters()
          const out = delivered.frames + dropped.frames + cut.frames + lost.frames
          expect(offered.frames + duplicated.frames).toBe(out + link.a.framesUnderWay)
          expect(delivered.frames).toBe(arrivals.numbers.length)
        }
        for (const each of steps) {
          if (each === 'cut') link.cut()
          else if (each === 'restore') link.restore()
          else if ('length' in each) {
            link.a.receiveFrame(takeFrame(each.length).fill(0))
            kernel.runUntil(kernel.nowNs + each.waitNs)
          } else link.configure(each)
          balance()
        }
        while (kernel.step());
        balance()
        const { offered, duplicated, delivered, dropped, cut, lost } = link.a.counters()
        expect(link.a.framesUnderWay).toBe(0)
        expect(offered.octets + duplicated.octets).toBe(delivered.octets + dropped.octets + cut.octets + lost.octets)
      }),
      { numRuns: 200 },
    )
  })

  it('can be kept with frames under way, and chance goes on alike', () => {
    const line = new Line({ loss: 0.3, reordering: 0.3, duplication: 0.3 }).send(100)
    const copied = copyGraph(line)
    for (const each of [line, copied]) each.send(100).finish()
    expect(copied.arrivals.numbers).toEqual(line.arrivals.numbers)
    expect(copied.link.a.counters()).toEqual(line.link.a.counters())
  })

  it('refuses what makes no sense, and then nothing has changed', () => {
    const { link } = new Line({})
    const before = link.settings('a-to-b')
    const refused: Partial<DirectionOptions>[] = [
      { rateBps: 0 },
      { rateBps: 1.5 },
      { delayNs: -1 },
      { jitterNs: 0.5 },
      { jitterShape: 'pareto' as 'normal' },
      { loss: 1.1 },
      { loss: { goodToBad: 2, badToGood: 0 } },
      { loss: { goodToBad: 0, badToGood: 0, lossInBad: -1 } },
      { duplication: -0.1 },
      { reordering: NaN },
      { corruption: 2 },
      { queueFramesMax: 0 },
      { queueOctetsMax: -1 },
      { reorderDelayNs: -1 },
    ]
    for (const changes of refused) expect(() => link.configure(changes), JSON.stringify(changes)).toThrow(InputError)
    expect(link.settings('a-to-b')).toEqual(before)
    expect(() => new Line({ delayNs: seconds(-1) })).toThrow(InputError)
  })
})
