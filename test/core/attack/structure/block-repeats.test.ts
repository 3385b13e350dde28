import { describe, expect, it } from 'vitest'
import { BlockRepeats, structureOf } from '../../../../core/attack/structure/block-repeats.js'
import { concatOctets } from '../../../../core/base/octets.js'
import { PAGE_OCTETS } from '../../../../core/base/units.js'
import { RandomStream } from '../../../../core/kernel/random.js'

const random = new RandomStream('blocks')
const noise = (octets = PAGE_OCTETS): Uint8Array => random.octets(octets)
const one = noise()
const zeros = new Uint8Array(PAGE_OCTETS)

/** Pages with a header of 9 octets each, as blocks of 16. */
function repeatsOf(pages: readonly Uint8Array[], headerOctets: number): BlockRepeats {
  const stream = new Uint8Array(pages.reduce((sum, page) => sum + headerOctets + page.length, 0))
  let at = 0
  for (const page of pages) {
    stream.set(noise(headerOctets), at)
    stream.set(page, at + headerOctets)
    at += headerOctets + page.length
  }
  const repeats = new BlockRepeats(16)
  repeats.push(stream, 0)
  return repeats
}

describe('blocks that come again', () => {
  it('show pages that are alike, where they lie the same in their blocks', () => {
    const pages = repeatsOf([one, noise(), one, noise(), one], 16).alikePages()
    expect(pages.map(({ octet }) => octet)).toEqual([16, 16 + 2 * 4112, 16 + 4 * 4112])
    expect(new Set(pages.map(({ group }) => group)).size).toBe(1)
    expect(pages.every(({ isZero }) => !isZero)).toBe(true)
  })

  it('show zeros however they lie', () => {
    const pages = repeatsOf([zeros, noise(), zeros, zeros, noise()], 9).alikePages()
    expect(pages).toHaveLength(3)
    expect(pages.every(({ isZero }) => isZero)).toBe(true)
    for (const [index, at] of [9, 2 * 4105 + 9, 3 * 4105 + 9].entries())
      expect(Math.abs((pages[index]?.octet ?? 0) - at)).toBeLessThan(16)
  })

  it('show zeros behind headers whose end comes again too', () => {
    const header = (): Uint8Array => concatOctets([noise(16), new Uint8Array([0x10, 0x22])])
    const repeats = new BlockRepeats(16)
    for (let page = 0; page < 4; page++) {
      repeats.push(concatOctets([header(), zeros.subarray(0, 14), zeros, zeros.subarray(0, 2)]), page * 8192)
      repeats.cut()
    }
    const pages = repeats.alikePages()
    expect(pages.map(({ octet }) => octet)).toEqual([32, 8224, 16_416, 24_608])
    expect(pages.every(({ isZero }) => isZero)).toBe(true)
  })

  it('miss equal pages that lie differently, and find nothing in noise', () => {
    expect(repeatsOf([one, one], 9).alikePages()).toEqual([])
    const random = repeatsOf([noise(), noise(), noise()], 9)
    expect(random.alikePages()).toEqual([])
    expect(random.repeated).toBe(0)
  })

  it('do not run over a cut', () => {
    const repeats = new BlockRepeats(16)
    for (const part of [one.subarray(0, 2048), one.subarray(2048), one]) {
      repeats.push(part, 0)
      repeats.cut()
    }
    expect(repeats.alikePages()).toEqual([])
    expect(repeats.repeated).toBe(PAGE_OCTETS / 16)
  })

  it('are given up where nothing repeats', () => {
    const repeats = new BlockRepeats(16)
    while (!repeats.isHopeless && repeats.blocks < 2 ** 20) repeats.push(noise(65_536), 0)
    expect(repeats.blocks).toBe(65_536)
  })

  it('are none where nothing was looked at', () => {
    expect(structureOf(null)).toEqual({ blocks: 0, repeated: 0, pages: [] })
  })
})
