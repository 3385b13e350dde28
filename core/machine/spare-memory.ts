/**
 * The memory of a machine that is gone, for the next one of its size. Clearing it takes a tenth of the time in which an
 * operating system gives a process fresh pages, one by one as they are touched. Nothing that could be observed depends on
 * it: that is why one spare may serve every session of the process.
 */

/** Larger memory is given back. */
const SPARE_OCTETS_MAX = 128 * 1024 * 1024

let spare: ArrayBuffer | null = null

/** All zero. */
export function takeMemory(octets: number): ArrayBuffer {
  if (spare?.byteLength !== octets) return new ArrayBuffer(octets)
  const memory = spare
  spare = null
  new Uint8Array(memory).fill(0)
  return memory
}

/** Nobody may use `memory` any more. */
export function giveMemory(memory: ArrayBuffer): void {
  if (memory.byteLength <= SPARE_OCTETS_MAX) spare = memory
}
