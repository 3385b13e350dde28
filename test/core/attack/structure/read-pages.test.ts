import { describe, expect, it } from 'vitest'
import { ReadPages } from '../../../../core/attack/structure/read-pages.js'
import { PAGE_OCTETS } from '../../../../core/base/units.js'

const pageOf = (octet: number): Uint8Array => new Uint8Array(PAGE_OCTETS).fill(octet)

describe('pages that were read', () => {
  it('are alike when they hold the same, and zeros are known alone', () => {
    const pages = new ReadPages()
    for (const [index, octet] of [1, 2, 1, 0, 3].entries()) pages.add(pageOf(octet), 5000 * index)
    const alike = pages.alikePages()
    expect(alike.map(({ octet, isZero }) => ({ octet, isZero }))).toEqual([
      { octet: 0, isZero: false },
      { octet: 10_000, isZero: false },
      { octet: 15_000, isZero: true },
    ])
    expect(alike[0]?.group).toBe(alike[1]?.group)
  })

  it('may be many', () => {
    const pages = new ReadPages()
    for (let index = 0; index < 3000; index++) pages.add(pageOf(index % 3), index)
    expect(pages.alikePages()).toHaveLength(3000)
  })
})
