/** Where the parts of the receiving program lie: the same in every process, unless addresses are chosen anew at each start. */
import { PAGE_OCTETS } from '../../base/units.js'
import { BATCH_PAGES_MAX } from '../wire/restore-stream.js'

export const CODE_OCTETS = 2 * PAGE_OCTETS
export const STACK_OCTETS = 3 * PAGE_OCTETS
export const HEAP_OCTETS = 4 * PAGE_OCTETS
/** Between a buffer on the stack and what comes after it. */
export const STACK_RED_OCTETS = 16

/** Pages by which each part lies elsewhere. */
export interface Slides {
  readonly code: number
  readonly heap: number
  readonly stack: number
  readonly mapped: number
}

export interface ProgramLayout {
  readonly code: number
  readonly heap: number
  readonly stack: number
  /** Pages of the host's guests that the program has mapped: their console rings. */
  readonly mapped: number
  /** `unsigned long region_pfn_type[MAX_BATCH_SIZE]`, on the stack. */
  readonly batchBuffer: number
  /** The last word of the red zone behind it, if the program was built with one. */
  readonly canary: number
  readonly returnSlot: number
  /** Entry points. */
  readonly routines: {
    readonly relocate: number
    readonly reportProgress: number
    readonly virtioNotify: number
    /** What an attacker wants: whoever gets here has the host's management at the connection. */
    readonly managementShell: number
  }
}

/** Without slides: as the program was linked. */
export function programLayout(slides: Slides = { code: 0, heap: 0, stack: 0, mapped: 0 }): ProgramLayout {
  const code = 0x0804_8000 + slides.code * PAGE_OCTETS
  const stack = 0xbfff_c000 - slides.stack * PAGE_OCTETS
  const batchBuffer = stack + PAGE_OCTETS
  const behindBuffer = batchBuffer + 4 * BATCH_PAGES_MAX + STACK_RED_OCTETS
  return {
    code,
    heap: 0x0900_0000 + slides.heap * PAGE_OCTETS,
    stack,
    mapped: 0x4000_0000 + slides.mapped * PAGE_OCTETS,
    batchBuffer,
    canary: behindBuffer - 4,
    // Behind the saved frame pointer.
    returnSlot: behindBuffer + 4,
    routines: {
      relocate: code + 0x120,
      reportProgress: code + 0x248,
      virtioNotify: code + 0x5d4,
      managementShell: code + 0x16c4,
    },
  }
}
