import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { copyGraph } from '../../../core/base/snapshot.js'
import { milliseconds, PAGE_OCTETS, seconds } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { PageStatisticsVm } from '../../../core/migration/page-statistics-vm.js'
import type { PageStatistics } from '../../../core/migration/page-statistics.js'
import { encodeXbzrle } from '../../../core/migration/wire/xbzrle.js'

function vmWith(statistics: Partial<PageStatistics>, kernel = new Kernel('pages')) {
  const block = { name: 'ram', pageCount: 256, filled: [], writes: [], ...statistics }
  const vm = new PageStatisticsVm(kernel, { name: 'guest', machineType: 'toy', blocks: [block] })
  return { kernel, vm, memory: vm.memory[0]!.memory }
}

const cyclic = { firstPage: 10, pageCount: 40, pagesPerSecond: 1000, order: 'cyclic' } as const

describe('page statistics', () => {
  it('has the pages it was told to have, and no octets to keep for them', () => {
    const { memory } = vmWith({ filled: [{ firstPage: 3, pageCount: 2 }] })
    const filled = Array.from({ length: 256 }, (_, page) => page).filter((page) => !memory.isZero(page))
    expect(filled).toEqual([3, 4])
    expect(memory.page(3).slice()).not.toEqual(memory.page(4).slice())
    expect(memory.page(5).every((octet) => octet === 0)).toBe(true)
  })

  it('logs what a cyclic writer stored between two readings, as a guest storing one by one would', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 60 }),
        (gapsMs, pageCount) => {
          const { kernel, vm, memory } = vmWith({ writes: [{ ...cyclic, pageCount }] })
          const versions = new Array<number>(256).fill(0)
          vm.resume()
          memory.startDirtyLog()
          let stores = 0
          for (const gapMs of gapsMs) {
            kernel.runUntil(kernel.nowNs + milliseconds(gapMs))
            const log = new Uint32Array(8)
            const newlySet = memory.takeDirty(log)
            const expected = new Set<number>()
            for (let store = 0; store < gapMs; store++) {
              const page = 10 + (stores++ % pageCount)
              versions[page]!++
              expected.add(page)
            }
            expect(pagesOf(log)).toEqual([...expected].sort((a, b) => a - b))
            expect(newlySet).toBe(expected.size)
            expect(versions.map((_, page) => memory.version(page))).toEqual(versions)
          }
        },
      ),
    )
  })

  it('leaves of a random set what H (1 - e^-λt) says', () => {
    const set = { firstPage: 0, pageCount: 100_000, pagesPerSecond: 100_000, order: 'random' } as const
    const { kernel, vm, memory } = vmWith({ pageCount: 100_000, writes: [set] })
    vm.resume()
    memory.startDirtyLog()
    for (const t of [0.1, 0.5, 1, 3]) {
      kernel.runUntil(kernel.nowNs + seconds(t))
      const left = memory.takeDirty(new Uint32Array(3125))
      const expected = 100_000 * (1 - Math.exp(-t))
      expect(Math.abs(left - expected) / expected).toBeLessThan(0.01)
    }
  })

  it('writes nothing while it stands still, and less while it is throttled', () => {
    const { kernel, vm } = vmWith({ writes: [cyclic] })
    vm.resume()
    kernel.runUntil(seconds(1))
    vm.throttle(75)
    kernel.runUntil(seconds(2))
    vm.pause()
    kernel.runUntil(seconds(3))
    vm.throttle(0)
    expect(vm.stores).toBe(1250)
  })

  it('changes a run of octets from one version of a page to the next', () => {
    const { kernel, vm, memory } = vmWith({ writes: [{ ...cyclic, pageCount: 1 }], deltaOctets: 100 })
    vm.resume()
    kernel.runUntil(seconds(1))
    const encoded = new Uint8Array(PAGE_OCTETS)
    for (let version = 0; version < 50; version++) {
      const before = memory.page(10).slice()
      kernel.runUntil(kernel.nowNs + milliseconds(1))
      const octets = encodeXbzrle(before, memory.page(10), encoded)
      expect(octets).toBeGreaterThan(90)
      expect(octets).toBeLessThan(120)
    }
  })

  it('takes pages of its own kind and refuses every other', () => {
    const { memory } = vmWith({ filled: [{ firstPage: 0, pageCount: 256 }] })
    const empty = new PageStatisticsVm(new Kernel('copy'), {
      name: 'guest',
      machineType: 'toy',
      blocks: [{ name: 'ram', pageCount: 256, filled: [{ firstPage: 0, pageCount: 256 }], writes: [] }],
      isEmpty: true,
    }).memory[0]!.memory
    expect(memory.differingOctets(empty)).toBe(256 * PAGE_OCTETS)
    for (let page = 0; page < 256; page++) empty.write(page * PAGE_OCTETS, memory.page(page))
    expect(memory.differingOctets(empty)).toBe(0)
    expect(() => empty.write(PAGE_OCTETS, memory.page(2))).toThrow(WireError)
    expect(() => empty.write(0, new Uint8Array(10))).toThrow(WireError)
  })

  it('goes on from a kept state as it would have gone on', () => {
    const writes = [cyclic, { firstPage: 100, pageCount: 100, pagesPerSecond: 500, order: 'random' }] as const
    const { kernel, vm, memory } = vmWith({ writes })
    vm.resume()
    memory.startDirtyLog()
    kernel.runUntil(milliseconds(77))
    memory.takeDirty(new Uint32Array(8))
    const copy = copyGraph({ kernel, memory })
    const logs = [{ kernel, memory }, copy].map((world) => {
      world.kernel.runUntil(seconds(1))
      const log = new Uint32Array(8)
      world.memory.takeDirty(log)
      return log
    })
    expect(logs[1]).toEqual(logs[0])
  })
})

function pagesOf(bitmap: Uint32Array): number[] {
  const pages: number[] = []
  for (let page = 0; page < 32 * bitmap.length; page++)
    if (((bitmap[page >>> 5]! >>> (page & 31)) & 1) === 1) pages.push(page)
  return pages
}
