import { describe, expect, it } from 'vitest'
import { BulkTraffic } from '../../../../core/attack/traffic/bulk-traffic.js'
import { estimateMetadata } from '../../../../core/attack/traffic/metadata-estimate.js'
import { supposePrecopy } from '../../../../core/attack/traffic/precopy-model.js'
import { workloadClasses } from '../../../../core/base/leak-quantities.js'

const PAGE_ON_WIRE = 4112
const PAGES_PER_SECOND = 20_000

/** A transfer of so many pages at a steady rate, and a guest that stands still for the last of them. */
function transferOf(livePages: number, leftPages: number): ReturnType<typeof estimateMetadata> {
  const traffic = new BulkTraffic()
  const pages = livePages + leftPages
  const atNs = (page: number): number => Math.round((page * 1e9) / PAGES_PER_SECOND)
  for (let page = 0; page < pages; page++) traffic.add(true, PAGE_ON_WIRE, atNs(page))
  return estimateMetadata(traffic, { mac: 1, stoppedNs: atNs(livePages), resumedNs: atNs(pages) + 1e6 })
}

describe('estimate of what a sealed migration carried', () => {
  it('reads the stop off the guest’s own frames', () => {
    const { downtime, 'stopped-at': stoppedAt } = transferOf(6000, 500)
    expect(stoppedAt?.value).toBe(300e6)
    expect(downtime?.value).toBe(26e6)
  })

  it('takes the next power of two for the size', () => {
    expect(transferOf(6000, 10).ram?.value).toBe(32 * 1024 ** 2)
    expect(transferOf(14_000, 10).ram?.value).toBe(64 * 1024 ** 2)
  })

  it('tells an idle guest from one that left much behind', () => {
    const idle = transferOf(10_000, 5)
    const heavy = transferOf(60_000, 7000)
    expect(workloadClasses[idle.workload!.value]).toBe('idle')
    expect(idle['dirty-rate']!.value).toBeLessThan(heavy['dirty-rate']!.value)
    expect(idle['working-set']!.value).toBeLessThan(heavy['working-set']!.value)
    expect(heavy['dirty-rate']!.high).toBeGreaterThan(idle['dirty-rate']!.value)
  })

  it('gives ranges around its value', () => {
    for (const estimate of Object.values(transferOf(12_000, 800))) {
      expect(estimate.low).toBeLessThanOrEqual(estimate.value)
      expect(estimate.high).toBeGreaterThanOrEqual(estimate.value)
    }
  })

  it('says nothing of a guest that was never heard, but its size; and nothing at all of little', () => {
    const traffic = new BulkTraffic()
    traffic.add(true, 3 * 1024 ** 2, 0)
    expect(Object.keys(estimateMetadata(traffic, null))).toEqual(['sent', 'ram'])
    expect(estimateMetadata(new BulkTraffic(), null)).toEqual({})
  })

  it('sees one round where the guest stood still from the beginning', () => {
    expect(transferOf(10, 5000)).toMatchObject({ rounds: { value: 1 } })
  })
})

describe('supposed pre-copy', () => {
  it('agrees with the closed form: M, then what was dirtied meanwhile', () => {
    const guest = { pages: 100_000, dirtyPagesPerSecond: 0, workingSetPages: 0 }
    expect(supposePrecopy(guest, 20_000, 0.0001)).toEqual({
      ...{ livePages: 100_000, leftPages: 0, foundPerSecond: 0, rounds: 2 },
    })
    // 5 s at 1000 pages a second on a set so large that hardly a page is written twice; then 0.25 s, and so on.
    const steady = supposePrecopy({ ...guest, dirtyPagesPerSecond: 1000, workingSetPages: 10_000_000 }, 20_000, 0.02)
    expect(steady.livePages).toBeCloseTo(105_000, -3)
    expect(steady.leftPages).toBeCloseTo(250, -1)
    expect(steady.rounds).toBe(3)
  })

  it('ends after thirty rounds when the guest writes faster than the link drains', () => {
    const guest = { pages: 10_000, dirtyPagesPerSecond: 100_000, workingSetPages: 8000 }
    expect(supposePrecopy(guest, 20_000, 0.01).rounds).toBe(31)
  })
})
