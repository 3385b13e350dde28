import { describe, expect, it } from 'vitest'
import {
  EmulatedMemory,
  MemoryFault,
  multiply32,
} from '../../../../core/hypervisor/vulnerable-receiver/emulated-memory.js'
import { chunkOctets, Heap, HeapCorrupted } from '../../../../core/hypervisor/vulnerable-receiver/heap.js'

const HEAP = 0x0900_0000

function memoryOf(checksRedZones = false): EmulatedMemory {
  return new EmulatedMemory(
    [
      { start: 0x1000, octets: new Uint8Array(64), isWritable: false },
      { start: HEAP, octets: new Uint8Array(1024), isWritable: true },
    ],
    checksRedZones,
  )
}

describe('emulated memory', () => {
  it('multiplies as C does with 32 bits', () => {
    expect(multiply32(0x4000_0001, 4)).toBe(4)
    expect(multiply32(-(2 ** 31) + 3, 4)).toBe(12)
    expect(multiply32(-3, 4)).toBe(0xffff_fff4)
  })

  it('has words in little-endian order, at any address', () => {
    const memory = memoryOf()
    memory.store32(HEAP + 1, 0x8000_0001)
    expect(memory.load32(HEAP + 1)).toBe(0x8000_0001)
    expect([1, 2, 3, 4].map((at) => memory.load8(HEAP + at))).toEqual([1, 0, 0, 0x80])
    // Addresses wrap around, as pointers do.
    expect(memory.load32(HEAP + 1 + 2 ** 32)).toBe(0x8000_0001)
  })

  it.each([
    ['where nothing is', (memory: EmulatedMemory) => memory.load8(0), 'read', 0, 'nothing mapped'],
    ['over an end', (memory: EmulatedMemory) => memory.load32(0x103e), 'read', 0x1040, 'nothing mapped'],
    ['to read-only memory', (memory: EmulatedMemory) => memory.store32(0x1000, 1), 'write', 0x1000, 'read-only memory'],
  ] as const)('faults %s', (_what, access, kind, address, where) => {
    expect(() => access(memoryOf())).toThrow(new MemoryFault(kind, address, where))
  })

  it('has written what comes before the place of a fault', () => {
    const memory = memoryOf()
    expect(() => memory.store(HEAP + 1022, Uint8Array.of(1, 2, 3))).toThrow(MemoryFault)
    expect(memory.load8(HEAP + 1023)).toBe(2)
  })

  it('keeps the first access to a red zone, and ends there if it is told to', () => {
    for (const checks of [false, true]) {
      const memory = memoryOf(checks)
      memory.setRed(HEAP + 16, 8, true)
      memory.touch('write', HEAP, 16)
      expect(memory.firstRed).toBeNull()
      const touch = (): void => memory.touch('write', HEAP + 12, 8)
      if (checks) expect(touch).toThrow(MemoryFault)
      else touch()
      expect(memory.firstRed).toMatchObject({ access: 'write', address: HEAP + 16, where: 'red zone' })
    }
  })
})

describe('the heap', () => {
  it('gives blocks that do not overlap, and what was given back again', () => {
    const memory = memoryOf()
    const heap = new Heap(memory, HEAP, 1024)
    const [a, b, c] = [heap.allocate(64), heap.allocate(0), heap.allocate(30)]
    expect([a, b, c]).toEqual([HEAP + 8, HEAP + 8 + chunkOctets(64), HEAP + 8 + chunkOctets(64) + chunkOctets(0)])
    heap.release(a)
    expect(heap.allocate(100)).toBe(c + chunkOctets(30))
    expect(heap.allocate(64)).toBe(a)
    heap.release(b)
    heap.release(a)
    expect(heap.allocate(72)).toBe(a)
  })

  it('has no block that is larger than what is free', () => {
    const heap = new Heap(memoryOf(), HEAP, 1024)
    expect(heap.allocate(0xffff_fffc)).toBe(0)
    expect(heap.allocate(1016)).toBe(HEAP + 8)
    expect(heap.allocate(1)).toBe(0)
  })

  it('ends the process when a header cannot be, whatever is in it', () => {
    for (const size of [0, 1, 9, 0xffff_ffff, 4096]) {
      const memory = memoryOf()
      const heap = new Heap(memory, HEAP, 1024)
      memory.store32(heap.allocate(8) + 8 + 4, size)
      expect(() => heap.allocate(2000)).toThrow(HeapCorrupted)
    }
  })

  it('lets the program touch its blocks and nothing around them', () => {
    const memory = memoryOf(true)
    const heap = new Heap(memory, HEAP, 1024)
    const block = heap.allocate(20)
    memory.touch('write', block, 20)
    expect(() => memory.touch('read', block + 20, 1)).toThrow(MemoryFault)
    expect(() => memory.touch('read', block - 1, 1)).toThrow(MemoryFault)
    heap.release(block)
    expect(() => memory.touch('read', block, 1)).toThrow(MemoryFault)
  })
})
