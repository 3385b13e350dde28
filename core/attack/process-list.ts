/**
 * The process table of a guest, found in rebuilt memory by its structure alone, as Volatility's `psscan` finds those of real kernels:
 * no symbol says where it is. The layout is that of the tenant guest's kernel (labs/guests/tenant/kernel.c, `struct tenant`, ILP32):
 *
 *   name 4 | entry 4 | program 4 | data 4 | end 4 | arguments 3 * 4 | state 4 | pad 4 | wake at 8 | registers 32 * 4 | pc 4 | pad 4
 */
import { readU32le } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'
import { guestAddress } from '../migration/wire/guest-address.js'
import type { ImageBlock } from '../migration/wire/ram-image.js'

const RECORD_OCTETS = 184
const RECORD_ALIGNMENT = 8
const AT = { name: 0, entry: 4, program: 8, data: 12, end: 16, state: 32, kernelStack: 48, stack: 56, pc: 176 } as const
const states = ['ready', 'asleep', 'reading', 'over'] as const
const NAME_CHARACTERS_MAX = 15
const PROCESSES_MAX = 256

export interface FoundProcess {
  /** Of its record in the block, octets; `RECORD_OCTETS` long. */
  readonly offset: number
  readonly name: string
  readonly state: (typeof states)[number]
  /** Guest addresses: its program and data, and where it goes on. */
  readonly from: number
  readonly to: number
  readonly pc: number
}

export const PROCESS_RECORD_OCTETS = RECORD_OCTETS

/** In the order of memory. A block whose place in the guest is not known has none. */
export function findProcesses(block: ImageBlock): FoundProcess[] {
  const base = guestAddress(block.name, 0)
  if (base === null) return []
  const memory = new BlockWords(block, base)
  const found: FoundProcess[] = []
  for (let page = 0; page < block.pageCount; page++) {
    const octets = block.page(page)
    if (octets === null) continue
    for (let at = 0; at < PAGE_OCTETS && found.length < PROCESSES_MAX; at += RECORD_ALIGNMENT) {
      // Most places fail at the first word, which is cheap to look at.
      if (!memory.has(readU32le(octets, at))) continue
      const process = processAt(memory, page * PAGE_OCTETS + at)
      if (process !== null) found.push(process)
    }
  }
  return found
}

function processAt(memory: BlockWords, offset: number): FoundProcess | null {
  const field = (at: number): number => memory.word(memory.base + offset + at)
  const [entry, from, data] = [field(AT.entry), field(AT.program), field(AT.data)]
  const [to, pc] = [field(AT.end), field(AT.pc)]
  const isLaidOut = from < data && data < to && (from | data | to | entry | pc) % 4 === 0
  if (!isLaidOut || !memory.has(from) || !memory.has(to - 1)) return null
  const isInProgram = (address: number): boolean => address >= from && address < data
  const stack = field(AT.stack)
  const kernelStack = field(AT.kernelStack)
  if (!isInProgram(entry) || !isInProgram(pc) || stack < data || stack > to) return null
  if (kernelStack !== 0 && !memory.has(kernelStack)) return null
  const state = states[field(AT.state)]
  const name = memory.text(field(AT.name))
  return state === undefined || name === '' ? null : { offset, name, state, from, to, pc }
}

/** What is unknown reads as zero. */
class BlockWords {
  constructor(
    private readonly block: ImageBlock,
    readonly base: number,
  ) {}

  has(address: number): boolean {
    return address >= this.base && address < this.base + this.block.octets
  }

  /** At a multiple of 4. */
  word(address: number): number {
    const offset = address - this.base
    const page = this.block.page(Math.floor(offset / PAGE_OCTETS))
    return page === null ? 0 : readU32le(page, offset % PAGE_OCTETS)
  }

  /** Printable characters up to a zero; '' if there is no such thing. */
  text(address: number): string {
    let text = ''
    for (let at = 0; this.has(address + at); at++) {
      const offset = address + at - this.base
      const octet = this.block.page(Math.floor(offset / PAGE_OCTETS))?.[offset % PAGE_OCTETS] ?? 0
      if (octet === 0) return text
      if (octet <= 0x20 || octet >= 0x7f || at === NAME_CHARACTERS_MAX) return ''
      text += String.fromCharCode(octet)
    }
    return ''
  }
}
