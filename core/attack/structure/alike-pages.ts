/** What a listener may learn without reading: which pages of a stream hold the same as others, and which hold nothing. */
import type { StructureReport } from '../analysis-report.js'

/** A page that is like others, or empty, as far as the listener can tell. */
export interface AlikePage {
  /** Where about its 4096 octets begin in what the stream carries. */
  readonly octet: number
  /** Pages of one number are alike. */
  readonly group: number
  /** Taken for zeros. */
  readonly isZero: boolean
}

/** What the structure of a conversation gives away. Without cipher blocks, because it is read in clear, their numbers are 0. */
export interface StructureSeen {
  readonly blocks: number
  /** Blocks that were there before. */
  readonly repeated: number
  readonly pages: readonly AlikePage[]
}

export function structureReport({ blocks, repeated, pages }: StructureSeen): StructureReport {
  const emptyPages = pages.filter(({ isZero }) => isZero).length
  return { blocks, blocksRepeated: repeated, alikePages: pages.length, emptyPages }
}
