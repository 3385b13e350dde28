/**
 * The memory that frames are cut from (core/net/frame-pool.ts), and a sum over it by SIMD instructions: the checksum of a
 * frame is what a network spends most of its time on. Where WebAssembly or its SIMD instructions are missing there is
 * plain memory and no such sum; the results are the same.
 */

/** 4 MiB, in WebAssembly's pages of 64 KiB. */
const MEMORY_PAGES = 64
const MEMORY_OCTETS = MEMORY_PAGES * 65536
/** Every frame begins 2 octets after a multiple of this. */
const SLOT_SHIFT = 6

/** The sum of the 16-bit little-endian words at `[start, end)`, a last odd octet padded with zero; exact for 64 KiB. */
export type FrameMemorySum = (start: number, end: number) => number

const { memory, sum } = makeMemory()

/** Null where there are no SIMD instructions. */
export const sumFrameMemory: FrameMemorySum | null = sum

/** By slot, the frame that begins there. */
const frames: (Uint8Array | undefined)[] = new Array<undefined>(MEMORY_OCTETS >> SLOT_SHIFT).fill(undefined)
let usedOctets = 0

/**
 * Cut a frame of `length` octets from the memory; null when it is full. It starts 2 octets after a multiple of 4, so that
 * what follows the 14-octet Ethernet header is aligned.
 */
export function cutFrame(length: number): Uint8Array | null {
  const start = usedOctets + 2
  if (start + length > MEMORY_OCTETS) return null
  usedOctets = ((start + length + (1 << SLOT_SHIFT) - 1) >> SLOT_SHIFT) << SLOT_SHIFT
  const frame = new Uint8Array(memory, start, length)
  frames[start >> SLOT_SHIFT] = frame
  return frame
}

/** Whether these octets are a frame that was cut here, and not a view of one: by far cheaper than asking for its buffer. */
export function isCutFrame(octets: Uint8Array): boolean {
  return frames[octets.byteOffset >> SLOT_SHIFT] === octets
}

function makeMemory(): { readonly memory: ArrayBuffer; readonly sum: FrameMemorySum | null } {
  try {
    const shared = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES })
    const module = new WebAssembly.Module(sumModule())
    const { exports } = new WebAssembly.Instance(module, { net: { memory: shared } })
    return { memory: shared.buffer, sum: exports.sum as FrameMemorySum }
  } catch {
    // Not here, or not allowed by the page's policy: the sum in checksum.ts does it.
    return { memory: new ArrayBuffer(MEMORY_OCTETS), sum: null }
  }
}

/** The module in WebAssembly's binary format: one imported memory, one exported function. */
function sumModule(): Uint8Array<ArrayBuffer> {
  const I32 = 0x7f
  const V128 = 0x7b
  const VOID = 0x40
  const [at, end, lanes, others, total] = [0, 1, 2, 3, 4]
  const get = (local: number): number[] => [0x20, local]
  const set = (local: number): number[] => [0x21, local]
  const constant = (value: number): number[] => [0x41, value] // below 64: one octet of LEB128
  const add = 0x6a
  const block = (...body: number[]): number[] => [0x02, VOID, ...body, 0x0b]
  const loop = (...body: number[]): number[] => [0x03, VOID, ...body, 0x0b]
  const leaveIf = [0x0d, 1]
  const again = [0x0c, 0]
  const isGreater = 0x4b // i32.gt_u
  const load8 = [0x2d, 0, 0]
  const load16 = [0x2f, 0, 0]
  const simd = (instruction: number, ...immediates: number[]): number[] => [
    0xfd,
    ...(instruction < 0x80 ? [instruction] : [(instruction & 0x7f) | 0x80, instruction >> 7]),
    ...immediates,
  ]
  const load128 = (offset: number): number[] => simd(0, 0, offset)
  const lane = (index: number): number[] => simd(0x1b, index) // i32x4.extract_lane
  const pairwise = simd(0x7f) // i32x4.extadd_pairwise_i16x8_u
  const add32x4 = simd(0xae)

  const whileRoom = (octets: number, ...body: number[]): number[] =>
    block(
      ...loop(
        ...[...get(at), ...constant(octets), add, ...get(end), isGreater, ...leaveIf],
        ...body,
        ...[...get(at), ...constant(octets), add, ...set(at), ...again],
      ),
    )
  /** lanes += the words at `at` + `offset`. Two sums, so that one addition need not wait for the other. */
  const accumulate = (into: number, offset: number): number[] => [
    ...get(into),
    ...get(at),
    ...load128(offset),
    ...pairwise,
    ...add32x4,
    ...set(into),
  ]
  const code = [
    ...whileRoom(...[48, ...accumulate(lanes, 0), ...accumulate(others, 16)], ...accumulate(lanes, 32)),
    ...whileRoom(16, ...accumulate(lanes, 0)),
    ...[...get(lanes), ...get(others), ...add32x4, ...set(lanes)],
    ...[...get(lanes), ...lane(0), ...get(lanes), ...lane(1), add],
    ...[...get(lanes), ...lane(2), add, ...get(lanes), ...lane(3), add, ...set(total)],
    ...whileRoom(2, ...get(total), ...get(at), ...load16, add, ...set(total)),
    ...whileRoom(1, ...get(total), ...get(at), ...load8, add, ...set(total)),
    ...get(total),
    0x0b,
  ]
  const locals = [2, 2, V128, 1, I32]
  const name = (text: string): number[] => [text.length, ...Array.from(text, (letter) => letter.charCodeAt(0))]
  const section = (id: number, content: readonly number[]): number[] => [id, ...leb128(content.length), ...content]
  const body = [...locals, ...code]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, I32, I32, 1, I32]),
    ...section(2, [1, ...name('net'), ...name('memory'), 0x02, 0x01, MEMORY_PAGES, ...leb128(MEMORY_PAGES)]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('sum'), 0x00, 0]),
    ...section(10, [1, ...leb128(body.length), ...body]),
  ])
}

/** Unsigned, below 2^14. */
function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]
}
