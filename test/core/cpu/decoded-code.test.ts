import { describe, expect, test } from 'vitest'
import { Hart } from '../../../core/cpu/hart.js'
import { ATTENTION_CODE, ATTENTION_LOG, type HartBus } from '../../../core/cpu/memory.js'
import { Ram } from '../../../core/machine/ram.js'
import { bareHart } from '../../support/bare-hart.js'

const PAGE_WORDS = 1024
const NOP = 0x13

/** A hart whose RAM is `pages` pages of `nop`; page k begins with `addi a0, a0, k` and ends with a step into the next. */
function pagesOfCode(pages: number): { hart: Hart; ram: Ram } {
  const ram = new Ram(4096 * Math.max(pages, 256))
  const hart = new Hart(ram, bareHart('').bus satisfies HartBus)
  ram.code = hart.code
  for (let page = 0; page < pages; page++) {
    ram.words.fill(NOP, page * PAGE_WORDS, (page + 1) * PAGE_WORDS)
    ram.words[page * PAGE_WORDS] = (page << 20) | (10 << 15) | (10 << 7) | NOP
  }
  return { hart, ram }
}

describe('DecodedCode', () => {
  test.each([20, 600])('%i pages of code run as they stand in RAM, again and again', (pages) => {
    const { hart } = pagesOfCode(pages)
    const sum = (pages * (pages - 1)) / 2
    for (const times of [1, 2]) {
      hart.pc = 0x8000_0000
      expect(hart.run(pages * PAGE_WORDS)).toBe(pages * PAGE_WORDS)
      expect([hart.x[10], hart.pc]).toEqual([times * sum, 0x8000_0000 + 4096 * pages])
    }
  })

  test('when the pool is full all is forgotten, and stores to those pages need no attention but for the log', () => {
    const { hart, ram } = pagesOfCode(600)
    ram.startDirtyLog()
    hart.run(512 * PAGE_WORDS)
    expect(ram.attention.reduce((count, bits) => count + (bits & ATTENTION_CODE ? 1 : 0), 0)).toBe(512)
    hart.run(1)
    expect(ram.attention.reduce((count, bits) => count + (bits & ATTENTION_CODE ? 1 : 0), 0)).toBe(1)
    expect(ram.attention.every((bits) => (bits & ATTENTION_LOG) !== 0)).toBe(true)
  })
})
