import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../../core/base/errors.js'
import { copyGraph } from '../../../core/base/snapshot.js'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel, type KernelEvent, type Process } from '../../../core/kernel/kernel.js'

class Recorder implements Process {
  readonly seen: [number, string][] = []
  constructor(private readonly kernel: Kernel) {}
  handleEvent(event: KernelEvent): void {
    this.seen.push([this.kernel.nowNs, event.kind])
    if (event.kind === 'again') this.kernel.schedule(10, this, { kind: 'echo' })
  }
}

describe('Kernel', () => {
  it('runs events in the order of time, then of scheduling', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }), (delays) => {
        const kernel = new Kernel('order')
        const recorder = new Recorder(kernel)
        delays.forEach((delay, index) => kernel.schedule(delay, recorder, { kind: `${index}` }))
        kernel.runUntil(100)
        const expected = delays.map((delay, index) => [delay, `${index}`] as const).sort((a, b) => a[0] - b[0])
        expect(recorder.seen).toEqual(expected)
        expect(kernel.nowNs).toBe(100)
      }),
    )
  })

  it('skips what was cancelled', () => {
    const kernel = new Kernel('cancel')
    const recorder = new Recorder(kernel)
    const first = kernel.schedule(5, recorder, { kind: 'first' })
    kernel.schedule(6, recorder, { kind: 'second' })
    kernel.cancel(first)
    expect(kernel.nextEventNs()).toBe(6)
    kernel.runUntil(10)
    expect(recorder.seen).toEqual([[6, 'second']])
  })

  it('refuses an event in the past', () => {
    const kernel = new Kernel('past')
    kernel.runUntil(10)
    expect(() => kernel.scheduleAt(9, new Recorder(kernel), { kind: 'late' })).toThrow(AssertionError)
  })

  it('goes on from a copy exactly as from the original', () => {
    const kernel = new Kernel('copy')
    const recorder = new Recorder(kernel)
    kernel.schedule(5, recorder, { kind: 'again' })
    kernel.schedule(7, recorder, { kind: 'once' })
    kernel.runUntil(6)
    const kept = copyGraph({ kernel, recorder })
    kernel.runUntil(100)
    kept.kernel.runUntil(100)
    expect(kept.recorder.seen).toEqual(recorder.seen)
    expect(recorder.seen).toHaveLength(3)
    expect(kept.kernel.trace.hash()).toBe(kernel.trace.hash())
  })

  it('gives every name its own random octets, the same for the same seed', () => {
    const draw = (seed: string, name: string): number[] => [...new Kernel(seed).random(name).octets(40)]
    expect(draw('a', 'x')).toEqual(draw('a', 'x'))
    expect(draw('a', 'x')).not.toEqual(draw('a', 'y'))
    expect(draw('a', 'x')).not.toEqual(draw('b', 'x'))
    const kernel = new Kernel('a')
    kernel.random('y').octets(1000)
    expect([...kernel.random('x').octets(40)]).toEqual(draw('a', 'x'))
  })

  it('draws below a bound', () => {
    const stream = new Kernel('bound').random('dice')
    const counts = new Array<number>(6).fill(0)
    for (let i = 0; i < 6000; i++) counts[stream.below(6)]!++
    for (const count of counts) expect(count).toBeGreaterThan(800)
    expect(() => stream.below(0)).toThrow(AssertionError)
  })
})

describe('Trace', () => {
  it('reads back rows and hashes what was written', () => {
    const kernel = new Kernel('trace')
    kernel.runUntil(42)
    kernel.trace.add('vm-state', { vm: 'web', host: 'a', state: 'running' })
    expect(kernel.trace.rows('vm-state')).toEqual([{ atNs: 42, vm: 'web', host: 'a', state: 'running' }])
    const hash = kernel.trace.hash()
    kernel.trace.add('vm-state', { vm: 'web', host: 'a', state: 'paused' })
    expect(kernel.trace.hash()).not.toBe(hash)
    expect(kernel.trace.length).toBe(2)
  })

  it('gives columns, and where a time begins in them', () => {
    const kernel = new Kernel('trace')
    const { trace } = kernel
    for (let i = 0; i < 300; i++) {
      kernel.runUntil(10 * i)
      const link = i % 3 === 0 ? 'a' : 'b'
      trace.add('link-traffic', { link, binNs: i, migrationOctets: 2 * i, probeOctets: 0, otherOctets: 2 ** 40 + i })
    }
    expect([...trace.numbers('link-traffic', 'migrationOctets').subarray(297)]).toEqual([594, 596, 598])
    expect(trace.numbers('link-traffic', 'otherOctets').at(-1)).toBe(2 ** 40 + 299)
    const codes = [...trace.textCodes('link-traffic', 'link')]
    expect(codes.filter((code) => code === trace.codeOf('a'))).toHaveLength(100)
    expect(trace.codeOf('c')).toBe(-1)
    expect([...trace.times('link-traffic').subarray(0, 3)]).toEqual([0, 10, 20])
    expect([0, 1, 10, 2985, 2990, 2991].map((atNs) => trace.firstAt('link-traffic', atNs))).toEqual([
      0, 1, 1, 299, 299, 300,
    ])
    expect([trace.firstAt('probe', 5), trace.count('probe'), trace.rows('probe')]).toEqual([0, 0, []])
  })

  it('a hash does not depend on when it is asked for', () => {
    const run = (ask: boolean): string => {
      const { trace } = new Kernel('trace')
      for (let i = 0; i < 20_000; i++) {
        trace.add('console-line', { vm: 'web', text: `line ${i}` })
        if (ask && i % 1000 === 0) trace.hash()
      }
      return trace.hash()
    }
    expect(run(true)).toBe(run(false))
  })
})

describe('HostCores', () => {
  it('runs a lane one job after another, lanes side by side', () => {
    const cores = new HostCores(new Kernel('cores'), 'a', 4)
    expect(cores.book('migration', 100)).toBe(100)
    expect(cores.book('migration', 50)).toBe(150)
    expect(cores.book('cipher', 30)).toBe(30)
    expect(cores.booked().get('migration')).toBe(150)
  })

  it('slows everybody down in proportion when work exceeds cores', () => {
    const cores = new HostCores(new Kernel('cores'), 'a', 2)
    cores.vcpuStarted()
    cores.book('migration', 1000)
    expect(cores.share()).toBe(1)
    expect(cores.book('cipher', 1000)).toBe(1500)
    expect(cores.share()).toBe(2 / 3)
    cores.vcpuStopped()
    expect(cores.share()).toBe(1)
  })

  it('counts a vCPU with a cap as no more than that', () => {
    const cores = new HostCores(new Kernel('cores'), 'a', 1)
    cores.vcpuStarted()
    cores.vcpuStarted(0.25)
    expect(cores.share()).toBe(0.8)
    cores.vcpuStopped()
    expect(cores.share()).toBe(1)
  })
})
