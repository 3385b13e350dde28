import { describe, expect, test } from 'vitest'
import { InputError } from '../../../core/base/errors.js'
import { copyGraph, keepGraph } from '../../../core/base/snapshot.js'
import { Ram } from '../../../core/machine/ram.js'
import { Machine } from '../../../core/machine/machine.js'
import { assemble } from '../../support/assembler.js'
import { bootGuest, GUEST_MAC, MIB } from '../../support/guest-machine.js'

const pagesOf = (bits: Uint32Array): number[] =>
  [...bits].flatMap((word, index) =>
    Array.from({ length: 32 }, (_, bit) => 32 * index + bit).filter((p) => (word >>> (p & 31)) & 1),
  )

/** How many pages each of the kept states has that none before it has. */
const ownPages = (states: readonly object[]): number[] => {
  const seen = new Set<unknown>()
  return states.map((state) => {
    const { keptPages } = (state as { graph: Ram }).graph as unknown as { keptPages: (Uint8Array | null)[] }
    const own = keptPages.filter((page) => page !== null && !seen.has(page))
    for (const page of own) seen.add(page)
    return own.length
  })
}

describe('Ram', () => {
  test.each([0, MIB - 4096, MIB + 1, 2 * 1024 * MIB, NaN])('refuses %d octets', (octets) => {
    expect(() => new Ram(octets)).toThrow(InputError)
  })

  test('the log holds what was written since it was last taken, and tells how much of that is new', () => {
    const ram = new Ram(MIB)
    const bits = new Uint32Array(ram.pageCount / 32)
    ram.write(0, Uint8Array.of(1))
    ram.startDirtyLog()
    expect(ram.takeDirty(bits)).toBe(0)
    ram.write(4095, Uint8Array.of(1, 2)) // two pages
    ram.write(63 * 4096, new Uint8Array(4096))
    ram.write(63 * 4096, Uint8Array.of(9))
    ram.markDirty(255)
    expect(ram.takeDirty(bits)).toBe(4)
    expect(pagesOf(bits)).toEqual([0, 1, 63, 255])
    ram.markDirty(1)
    ram.markDirty(2)
    expect(ram.takeDirty(bits)).toBe(1)
    ram.stopDirtyLog()
    ram.markDirty(7)
    expect(ram.takeDirty(bits)).toBe(0)
    expect(pagesOf(bits)).toEqual([0, 1, 2, 63, 255])
  })

  test('what was taken is in the log no longer', () => {
    const ram = new Ram(MIB)
    ram.startDirtyLog()
    ram.markDirty(3)
    ram.markDirty(40)
    ram.takeDirty(new Uint32Array(ram.pageCount / 32))
    ram.markDirty(5)
    const bits = new Uint32Array(ram.pageCount / 32)
    expect(ram.takeDirty(bits)).toBe(1)
    expect(pagesOf(bits)).toEqual([5])
  })

  test('a log that is started anew is empty, and one that was stopped too', () => {
    const ram = new Ram(MIB)
    const bits = new Uint32Array(ram.pageCount / 32)
    ram.startDirtyLog()
    ram.markDirty(3)
    ram.startDirtyLog()
    expect(ram.takeDirty(bits)).toBe(0)
    ram.markDirty(3)
    ram.stopDirtyLog()
    expect(ram.takeDirty(bits)).toBe(0)
  })

  test.each<['start' | 'stop', (ram: Ram) => void]>([
    ['start', (ram) => ram.startDirtyLog()],
    ['stop', (ram) => ram.stopDirtyLog()],
  ])('%s of the log leaves code, watched word and kept pages what they were', (_, change) => {
    const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
    machine.loadFlat(assemble('loop:\naddi a0, a0, 1\nj loop'), 0x8000_0000)
    machine.runSlice(0, 100)
    machine.ram.watch(0x1000)
    change(machine.ram)
    machine.ram.write(0, assemble('li t0, 0x80001000\nsw t0, 0(t0)\nwfi'))
    expect(machine.runSlice(50_000, 100)).toEqual({ executed: 3, state: 'watched' })
    keepGraph(machine.ram)
    change(machine.ram)
    const before = keepGraph(machine.ram)
    expect(ownPages([before, keepGraph(machine.ram)])[1]).toBe(0)
  })

  test('a store is watched for only in its word, and only while that is not 0', () => {
    const ram = new Ram(MIB)
    ram.watch(0x1000)
    expect([ram.noteStore(0x1000), ram.noteStore(0x1004)]).toEqual([false, false])
    ram.words[0x400] = 5
    expect([ram.noteStore(0x1003), ram.noteStore(0x1004), ram.noteStore(0xffc)]).toEqual([true, false, false])
    expect(ram.watchedValue).toBe(5)
  })

  test('a page is expected once', () => {
    const ram = new Ram(MIB)
    const expected = Uint32Array.of(2, 0, 0, 0, 0, 0, 0, 0)
    ram.expectPages(expected)
    ram.expectPages(expected)
    expect(ram.missingPages).toBe(1)
    ram.pageArrived(1, new Uint8Array(4096))
    expect([ram.missingPages, ram.firstMissing(0, 8192)]).toEqual([0, -1])
  })

  test('stores of a running guest are in the log each round, whatever their width, and loads are not', () => {
    const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
    const program = `
      li t0, 0x80010000
    round:
      sb t0, 0(t0)
      li t1, 0x80021000
      sh t0, 2(t1)
      li t1, 0x80032000
      sw t0, 4(t1)
      li t1, 0x80043ffe
      sw t0, 0(t1)          # misaligned, over two pages
      li t1, 0x80055000
      amoadd.w t2, t0, (t1)
      lw t2, 0x400(t1)
      li t1, 0x80077000
      lw t2, 0(t1)
      j round`
    machine.loadFlat(assemble(program), 0x8000_0000)
    machine.ram.startDirtyLog()
    for (let slice = 0; slice < 3; slice++) {
      machine.runSlice(slice * 50_000, 500)
      const bits = new Uint32Array(machine.ram.pageCount / 32)
      expect(machine.ram.takeDirty(bits)).toBe(6)
      expect(pagesOf(bits)).toEqual([0x10, 0x21, 0x32, 0x43, 0x44, 0x55])
    }
  })

  test('code written from outside is what runs next', () => {
    const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
    machine.loadFlat(assemble('loop:\naddi a0, a0, 1\nj loop'), 0x8000_0000)
    machine.runSlice(0, 100)
    machine.ram.write(0, assemble('li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)'))
    machine.runSlice(50_000, 100)
    expect(machine.exit).toEqual({ kind: 'pass', code: 0 })
  })
})

describe('kept states', () => {
  test('share every page that did not change, however it was written, and come back as they were', () => {
    const guest = bootGuest({ fillOctets: 2 * MIB, workingSetPages: 20, pagesPerSecond: 100 })
    guest.run(1e9)
    const { ram } = guest.machine
    const kept = []
    const images: Uint8Array[] = []
    for (let round = 0; round < 4; round++) {
      kept.push(keepGraph(ram))
      images.push(ram.octets.slice())
      guest.run(1e8) // some pages by the hart
      if (round === 1) ram.write(5 * 4096 - 1, Uint8Array.of(1, 2)) // two from outside
    }
    const own = ownPages(kept)
    expect(own[0]).toBeGreaterThan(500)
    for (const pages of own.slice(1)) {
      expect(pages).toBeGreaterThan(0)
      expect(pages).toBeLessThan(40)
    }
    for (const [index, state] of kept.entries()) {
      const restored = state.restore()
      expect(Buffer.compare(restored.octets, images[index]!), `state ${index}`).toBe(0)
      expect([restored.halves.buffer, restored.words.buffer]).toEqual([restored.octets.buffer, restored.octets.buffer])
      // What comes back goes on sharing.
      restored.write(0, Uint8Array.of(restored.octets[0]! ^ 1))
      expect(ownPages([state, keepGraph(restored)])[1]).toBe(1)
    }
    expect(Buffer.compare(kept[0]!.restore().octets, images[0]!)).toBe(0)
  })

  test('a page written back to zeros takes no room; the dirty log and missing pages are kept', () => {
    const ram = new Ram(MIB)
    ram.startDirtyLog()
    ram.write(4096, Uint8Array.of(7))
    const expected = new Uint32Array(8)
    expected[0] = 0b1000
    ram.expectPages(expected)
    const full = keepGraph(ram)
    ram.write(4096, new Uint8Array(4096))
    expect(ownPages([keepGraph(ram)])).toEqual([0])
    ram.markDirty(9)
    ram.pageArrived(3, new Uint8Array(4096))
    const restored = full.restore()
    expect([restored.octets[4096], restored.missingPages, restored.isMissing(3)]).toEqual([7, 1, true])
    const dirty = new Uint32Array(8)
    expect([restored.takeDirty(dirty), dirty[0]]).toEqual([2, 0b1010])
    restored.write(8 * 4096, Uint8Array.of(1))
    expect(restored.takeDirty(dirty)).toBe(1)
  })

  test('a kept state that is kept with its owner stays the one it is', () => {
    const kept = keepGraph(new Ram(MIB))
    const outer = keepGraph({ kept }) as unknown as { graph: { kept: { graph: Ram } } }
    expect(outer.graph.kept.graph).toBe((kept as unknown as { graph: Ram }).graph)
  })

  test('a copy of the graph is whole, and independent', () => {
    const ram = new Ram(MIB)
    ram.write(0, Uint8Array.of(1))
    keepGraph(ram)
    const copy = copyGraph(ram)
    copy.write(0, Uint8Array.of(2))
    expect([ram.octets[0], copy.octets[0], copy.octets.length]).toEqual([1, 2, MIB])
    expect(ownPages([keepGraph(ram), keepGraph(copy)])).toEqual([1, 1])
  })
})
