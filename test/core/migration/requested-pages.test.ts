import { describe, expect, it } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { PAGE_OCTETS } from '../../../core/base/units.js'
import { PendingPages } from '../../../core/migration/pending-pages.js'
import { RequestedPages } from '../../../core/migration/requested-pages.js'
import { ToyMemory } from '../../support/toy-vm.js'

const blocks = [
  { name: 'ram', memory: new ToyMemory(20) },
  { name: 'rom', memory: new ToyMemory(3) },
]

function allPending(): PendingPages {
  const pending = new PendingPages(blocks)
  pending.markAll()
  return pending
}

/** The pages that are sent for one request. */
function sentFor(page: number, prepagingPages: number, pages = 1, pending = allPending()): number[] {
  const requested = new RequestedPages(blocks, prepagingPages)
  requested.add({ block: 'ram', offset: page * PAGE_OCTETS, octets: pages * PAGE_OCTETS })
  const sent: number[] = []
  while (requested.next(pending)) sent.push(pending.page)
  expect(requested.isEmpty).toBe(true)
  return sent
}

describe('pages that are asked for', () => {
  it('go first, then those behind them, then those before', () => {
    expect(sentFor(10, 0)).toEqual([10])
    expect(sentFor(10, 1)).toEqual([10, 11])
    expect(sentFor(10, 5, 2)).toEqual([10, 11, 12, 13, 14, 8, 9])
  })

  it('have no neighbours beyond their block, and none that were sent', () => {
    expect(sentFor(0, 4)).toEqual([0, 1, 2])
    expect(sentFor(19, 4)).toEqual([19, 17, 18])
    const pending = allPending()
    pending.take(0, 11)
    expect(sentFor(10, 4, 1, pending)).toEqual([10, 12, 8, 9])
    expect(sentFor(10, 4, 1, pending)).toEqual([])
  })

  it('are of the block last named, and are refused where there is none, or no such page', () => {
    const requested = new RequestedPages(blocks, 0)
    const first = { offset: 0, octets: PAGE_OCTETS }
    expect(() => requested.add({ block: null, ...first })).toThrow('no RAM block was named')
    expect(() => requested.add({ block: 'disk', ...first })).toThrow(WireError)
    requested.add({ block: 'rom', ...first })
    requested.add({ block: null, offset: 2 * PAGE_OCTETS, octets: PAGE_OCTETS })
    for (const [offset, octets] of [
      [3 * PAGE_OCTETS, PAGE_OCTETS],
      [1, PAGE_OCTETS],
      [0, 0],
      [0, 4 * PAGE_OCTETS],
    ] as const)
      expect(() => requested.add({ block: null, offset, octets })).toThrow(WireError)
    const pending = allPending()
    expect(requested.next(pending) && [pending.block, pending.page]).toEqual([1, 0])
    expect(requested.next(pending) && [pending.block, pending.page]).toEqual([1, 2])
    expect(requested.next(pending)).toBe(false)
  })

  it('are bounded in number', () => {
    const requested = new RequestedPages(blocks, 4)
    const ask = (): void => requested.add({ block: 'ram', offset: 5 * PAGE_OCTETS, octets: PAGE_OCTETS })
    for (let count = 0; count < 12_288 / 3; count++) ask() // each with its neighbours on both sides
    expect(ask).toThrow('over 12288 stretches of pages wait')
  })
})
