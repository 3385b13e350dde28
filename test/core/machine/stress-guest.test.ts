import { deflateSync } from 'fflate'
import { beforeAll, describe, expect, it } from 'vitest'
import { findSecrets } from '../../../core/attack/secret-finder.js'
import {
  CONTENTS,
  STRESS_DEFAULTS,
  writeGuestParameters,
  type GuestParameters,
} from '../../../core/machine/guest-parameters.js'
import { bootGuest, guestImage, type RunningMachine } from '../../support/guest-machine.js'

/** The working set begins above the program and the parameter block, at 0x80040000. */
const FIRST_PAGE = 64
const PAGE = 4096
/** So short that no page is visited twice in it. */
const WINDOW_NS = 5e6

function stress(parameters: Partial<GuestParameters>): RunningMachine {
  const guest = bootGuest({ tick: 'off', ...parameters }, { image: 'stress' })
  guest.expect('stress> ')
  return guest
}

/** Visits of each page of the working set in `seconds`, from the dirty log of many short windows. */
function visits(guest: RunningMachine, pages: number, seconds: number): number[] {
  const { ram } = guest.machine
  const bits = new Uint32Array(Math.ceil(ram.pageCount / 32))
  const counts = new Array<number>(pages).fill(0)
  ram.startDirtyLog()
  ram.takeDirty(bits)
  for (let window = 0; window < seconds / (WINDOW_NS / 1e9); window++) {
    guest.run(WINDOW_NS)
    bits.fill(0)
    ram.takeDirty(bits)
    for (let page = 0; page < pages; page++) {
      const at = FIRST_PAGE + page
      if ((bits[at >>> 5]! >>> (at & 31)) & 1) counts[page]!++
    }
  }
  return counts
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

describe('the rate and the spread of what stress rewrites', () => {
  it.each(CONTENTS)('%s: as many pages a second as it was told, the hot ones their share', (content) => {
    const guest = stress({ workingSetPages: 128, pagesPerSecond: 3000, hotPages: 16, hotPercent: 75, content })
    const counts = visits(guest, 128, 1)
    const hot = counts.slice(0, 16)
    const cold = counts.slice(16)
    expect(sum(counts)).toBeGreaterThan(2990)
    expect(sum(counts)).toBeLessThan(3060) // a visit across the end of a window counts twice
    expect(sum(hot) / sum(counts)).toBeCloseTo(0.75, 2)
    // Each page of a set is visited in its turn.
    for (const set of [hot, cold]) expect(Math.max(...set) - Math.min(...set)).toBeLessThanOrEqual(8)
  })

  it('without hot pages all get the same, and with a rate of nothing none is written', () => {
    const even = visits(stress({ workingSetPages: 50, pagesPerSecond: 1000, hotPages: 0 }), 50, 1)
    expect(sum(even)).toBeGreaterThan(990)
    expect(Math.max(...even) - Math.min(...even)).toBeLessThanOrEqual(8)
    expect(sum(visits(stress({ workingSetPages: 50, pagesPerSecond: 0 }), 50, 0.5))).toBe(0)
  })

  it('takes other settings from the host while it runs, and from its console', () => {
    const guest = stress({ workingSetPages: 64, pagesPerSecond: 500, hotPages: 0, content: 'random' })
    const told = { ...STRESS_DEFAULTS, workingSetPages: 32, pagesPerSecond: 1000, hotPages: 4, hotPercent: 50 }
    writeGuestParameters(guest.machine.ram, told)
    guest.run(2e8)
    const counts = visits(guest, 64, 1)
    expect(sum(counts.slice(0, 4))).toBeGreaterThan(490)
    expect(sum(counts.slice(4, 32))).toBeGreaterThan(490)
    expect(sum(counts.slice(32))).toBe(0)
    guest.type('work 64 200\rhot 0 0\r')
    guest.run(2e8)
    const typed = visits(guest, 64, 1)
    expect(sum(typed)).toBeGreaterThan(198)
    expect(sum(typed)).toBeLessThan(202)
  })
})

describe('what stress writes', () => {
  const pages = 256
  const workingSet = (guest: RunningMachine): Uint8Array =>
    guest.machine.ram.octets.subarray(FIRST_PAGE * PAGE, (FIRST_PAGE + pages) * PAGE)
  const zeroShare = (octets: Uint8Array): number => {
    let zeros = 0
    for (let at = 0; at < octets.length; at += PAGE)
      if (octets.subarray(at, at + PAGE).every((octet) => octet === 0)) zeros++
    return zeros / pages
  }
  /** Page by page, as QEMU's multifd-zlib and others compress. */
  const compressed = (octets: Uint8Array): number => {
    let length = 0
    for (let at = 0; at < octets.length; at += PAGE) length += deflateSync(octets.subarray(at, at + PAGE)).length
    return length / octets.length
  }
  const filled = new Map<string, RunningMachine>()
  beforeAll(() => {
    for (const content of CONTENTS)
      filled.set(
        content,
        stress({ content, workingSetPages: pages, pagesPerSecond: 4000, hotPages: 0, octetsPerPage: 512 }),
      )
  })

  it.each(['when it has booted', 'after many visits'])('%s: random, zero-heavy and text-like pages', (when) => {
    const [random, zeros, text] = CONTENTS.map((content) => {
      const guest = filled.get(content)!
      if (when !== 'when it has booted') guest.run(1e9)
      return workingSet(guest)
    })
    expect(compressed(random!)).toBeGreaterThan(0.9)
    expect(zeroShare(random!)).toBe(0)
    expect(zeroShare(zeros!)).toBeGreaterThan(0.25)
    expect(zeroShare(zeros!)).toBeLessThan(0.5)
    expect(zeros!.filter((octet) => octet === 0).length / zeros!.length).toBeGreaterThan(0.85)
    expect(compressed(zeros!)).toBeLessThan(0.25)
    expect(zeroShare(text!)).toBe(0)
    expect(text!.every((octet) => octet === 10 || (octet >= 32 && octet < 127))).toBe(true)
    expect(compressed(text!)).toBeGreaterThan(0.15)
    expect(compressed(text!)).toBeLessThan(0.45)
  })

  it('is never the same twice: a rewritten page differs from what it was', () => {
    for (const content of ['random', 'text'] as const) {
      const guest = filled.get(content)!
      const before = workingSet(guest).slice()
      guest.run(1e8)
      const after = workingSet(guest)
      let changed = 0
      for (let at = 0; at < before.length; at += PAGE)
        if (before.subarray(at, at + PAGE).some((octet, i) => octet !== after[at + i])) changed++
      expect(changed, content).toBe(pages)
    }
  })

  it('holds no secret, whatever it is filled with', () => {
    for (const guest of filled.values()) expect(findSecrets(guest.machine.ram.octets)).toEqual([])
    expect(findSecrets(guestImage('stress'))).toEqual([])
  })
})
