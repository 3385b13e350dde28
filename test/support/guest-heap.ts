import { readU32le } from '../../core/base/octets.js'
import type { Machine } from '../../core/machine/machine.js'

/** Where web's and kv's heap begins in RAM (labs/guests/runtime/server.c). */
const HEAP_OFFSET = 0x0004_0000
const HEADER_OCTETS = 8

/**
 * Walk the heap of web or kv (labs/guests/runtime/heap.c): each block says its size and that of the one before, no two
 * free ones lie side by side, and the last is a header alone. Returns how many are in use; throws where it is not whole.
 */
export function blocksInHeap({ ram }: Machine): number {
  let inUse = 0
  let before = 0
  let isFreeBefore = false
  for (let at = HEAP_OFFSET; ; at += before) {
    const fail = (why: string): never => {
      throw new Error(`heap at offset 0x${at.toString(16)}: ${why}`)
    }
    if (at + HEADER_OCTETS > ram.octets.length) fail('beyond RAM')
    const word = readU32le(ram.octets, at)
    const size = word - (word % 2)
    if (readU32le(ram.octets, at + 4) !== before) fail(`the block before has ${before} octets`)
    if (size % 8 !== 0 || size < HEADER_OCTETS) fail(`a block of ${size} octets`)
    const isFree = word % 2 === 0
    if (isFree && isFreeBefore) fail('two free blocks side by side')
    if (size === HEADER_OCTETS) return isFree ? fail('a free end') : inUse
    inUse += isFree ? 0 : 1
    isFreeBefore = isFree
    before = size
  }
}
