/**
 * Memory for frames, used again and again, so that a busy network makes no garbage and stays in the processor's caches.
 *
 * A frame has one owner (core/base/frame-sink.ts). Its last owner may give it back by `recycleFrame`; one that is not given
 * back is collected as any other object. Only octets live here, and nothing that could be observed depends on which
 * frame's memory is used next: that is why one pool may serve every session of the process.
 */
import { assert } from '../base/errors.js'
import { cutFrame, isCutFrame } from './wire/frame-memory.js'

/** Longer frames are not recycled. */
const RECYCLED_OCTETS_MAX = 2048
/** Cut from a buffer of this size when that memory is full: a buffer for each frame would cost more than filling it. */
const SLAB_OCTETS = 65536

/** Frames of that memory that nobody owns, by their length. */
const idle: Uint8Array[][] = Array.from({ length: RECYCLED_OCTETS_MAX + 1 }, () => [])
let slab: Uint8Array = new Uint8Array(0)
let slabUsed = 0
/** While tests watch: every frame that nobody owns. */
let watched: Set<Uint8Array> | null = null

/**
 * A frame of `length` octets that may hold anything. It starts 2 octets after a multiple of 4, so that what follows the
 * 14-octet Ethernet header is aligned for the checksum.
 */
export function takeFrame(length: number): Uint8Array {
  const frame = length <= RECYCLED_OCTETS_MAX ? idle[length]?.pop() : undefined
  if (frame === undefined) return cut(length)
  watched?.delete(frame)
  return frame
}

/** Another frame with the same octets, for a second owner. */
export function copyFrame(frame: Uint8Array): Uint8Array {
  const copied = takeFrame(frame.length)
  copied.set(frame)
  return copied
}

/** The frame's last owner is done with it. Nobody may look at it from now on. */
export function recycleFrame(frame: Uint8Array): void {
  if (!isCutFrame(frame)) return
  if (watched !== null) {
    assert(!watched.has(frame), 'a frame was recycled twice')
    watched.add(frame)
    frame.fill(0xdd)
  }
  idle[frame.length]?.push(frame)
}

/** For tests: recycled frames are overwritten, and recycling one twice is an error. */
export function watchFrames(): void {
  watched ??= new Set(idle.flat())
}

function cut(length: number): Uint8Array {
  const frame = length <= RECYCLED_OCTETS_MAX ? cutFrame(length) : null
  if (frame !== null) return frame
  const slotOctets = (length + 2 + 3) & ~3
  if (slotOctets > SLAB_OCTETS) return new Uint8Array(length)
  if (slabUsed + slotOctets > slab.length) {
    slab = new Uint8Array(SLAB_OCTETS)
    slabUsed = 0
  }
  slabUsed += slotOctets
  return slab.subarray(slabUsed - slotOctets + 2, slabUsed - slotOctets + 2 + length)
}
