/** What changes between copies of pages that cross several times. */
import { describe, expect, it } from 'vitest'
import { analyseFile } from '../../../core/attack/capture-file.js'
import { PageChanges } from '../../../core/attack/page-changes.js'
import { readU32le, writeU32le } from '../../../core/base/octets.js'
import { readCapture } from '../../support/captures.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

const PAGE = 4096

/** Copies of one page, one after another; a number at each place. */
function changesOf(copies: readonly (Readonly<Record<number, number>> | null)[], page = 5): PageChanges {
  const changes = new PageChanges()
  const pages = copies.map((words) => {
    if (words === null) return null
    const octets = new Uint8Array(PAGE)
    for (const [at, word] of Object.entries(words)) writeU32le(octets, Number(at), word)
    return octets
  })
  for (let copy = 1; copy < pages.length; copy++) {
    changes.keep(pages[copy - 1]!)
    changes.compare(page, pages[copy]!)
  }
  return changes
}

describe('changes between copies of a page', () => {
  it('are words with what they went through, counters told from others', () => {
    const changes = changesOf([
      { 0: 41, 8: 7, 4092: 1 },
      { 0: 42, 8: 3, 4092: 1 },
      { 0: 43, 8: 9, 4092: 1 },
      { 0: 43, 8: 9, 4092: 1 },
      { 0: 45, 8: 9, 4092: 2 },
    ])
    expect(changes.page(5)).toEqual({
      page: 5,
      changes: 3,
      wordsChanged: 6,
      words: [
        { offset: 5 * PAGE, values: [41, 42, 43, 45], isCounter: true },
        { offset: 5 * PAGE + 8, values: [7, 3, 9], isCounter: false },
        { offset: 5 * PAGE + 4092, values: [1, 2], isCounter: false },
      ],
    })
    expect(changes.page(6)).toBeNull()
  })

  it('begin and end with zeros, and are none where a page comes again as it was', () => {
    expect(changesOf([null, { 4: 9 }, null]).page(5)?.words).toEqual([
      { offset: 5 * PAGE + 4, values: [0, 9, 0], isCounter: false },
    ])
    expect(changesOf([{ 4: 9 }, { 4: 9 }]).pages()).toEqual([])
    expect(changesOf([null, null]).pages()).toEqual([])
  })

  it('of a page that is rewritten are a number, and of a word the last ones', () => {
    const rewritten = (value: number) => Object.fromEntries(Array.from({ length: 100 }, (_, word) => [4 * word, value]))
    const changes = changesOf([rewritten(1), rewritten(2), rewritten(3)])
    expect(changes.page(5)).toEqual({ page: 5, changes: 2, wordsChanged: 200, words: [] })
    const long = changesOf(Array.from({ length: 100 }, (_, value) => ({ 0: value })))
    expect(long.page(5)?.words[0]?.values).toEqual(Array.from({ length: 16 }, (_, value) => 84 + value))
  })

  it('are kept of so many pages and no more', () => {
    const changes = new PageChanges()
    const octets = new Uint8Array(PAGE).fill(1)
    for (let page = 0; page < 5000; page++) {
      changes.keep(null)
      changes.compare(page, octets)
    }
    expect(changes.pages()).toHaveLength(4096)
  })
})

describe('changes in a capture', () => {
  it.each(['a_plain', 'a_xbzrle', 'a_multifd'])('of a real QEMU: the guest’s counters (%s)', (name) => {
    const { report, migrations } = analyseFile(readCapture(name))
    const [changes] = report.streams.flatMap((stream) => stream.changes)
    expect(changes?.pagesBySends.slice(1).reduce((sum, pages) => sum + pages)).toBeGreaterThan(10)
    expect(changes?.counters.length).toBeGreaterThan(0)
    const ram = migrations[0]!.blocks.find((block) => block.name === changes?.block)!
    for (const { address, values } of changes!.counters) {
      const offset = Number(address) - 0x8000_0000
      expect(readU32le(ram.page(Math.floor(offset / PAGE))!, offset % PAGE)).toBe(values.at(-1))
    }
  })

  it('are what the attacker’s shell shows', () => {
    const session = bootedSession({ seed: 'changes' })
    const type = (text: string): string => {
      const before = session.world.consoles.attacker.from(0).length
      session.do({ kind: 'type', console: 'attacker', text: `${text}\r` })
      return session.world.consoles.attacker.from(0).slice(before)
    }
    expect(type('changes')).toContain('No page crossed more than once')
    migrateToEnd(session)
    const said = type('changes')
    expect(said).toMatch(/sent 2 times: \d+ pages/)
    const hottest = /(0x8[0-9a-f]{7}): \d+ copies/.exec(said)?.[1] ?? ''
    expect(type(`changes ${hottest}`)).toMatch(new RegExp(`${hottest}: \\d+ copies, \\d+ changes, of \\d+ words`))
    expect(type('changes 0x90000000')).toContain('was not seen to change')
    expect(type('changes here')).toContain('takes an address in hexadecimal')
  })
})
