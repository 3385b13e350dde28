/**
 * The way of a destination through post-copy (QEMU migration/savevm.c `loadvm_postcopy_*`, migration/postcopy-ram.c): told
 * that it may come to that, which pages to forget, to listen for pages that are asked for, and at last to run.
 */
import { WireError } from '../base/errors.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { MigratableVm, RamBlock } from './guest-memory.js'
import { bitmapToOctets, checkAdvise, decodeDiscard } from './wire/postcopy.js'

/** QEMU's PostcopyState (migration/postcopy-ram.h). `advise`: still pre-copy. */
export type PostcopyState = 'none' | 'advise' | 'discard' | 'listening' | 'running'

export class IncomingPostcopy {
  private current: PostcopyState = 'none'
  /** Blocks in the order of the VM; by block, the pages that came and were not discarded since. */
  private readonly received: readonly Uint32Array[]

  constructor(private readonly vm: MigratableVm) {
    this.received = vm.memory.map(({ memory }) => new Uint32Array(Math.ceil(memory.pageCount / 32)))
  }

  get state(): PostcopyState {
    return this.current
  }

  /** From now on pages are placed one by one, only where one is missing. */
  get isListening(): boolean {
    return this.current === 'listening' || this.current === 'running'
  }

  advise(data: Uint8Array): void {
    if (this.vm.userfault === undefined) throw refused('this machine cannot run before its memory has come')
    if (this.current !== 'none') throw this.outOfOrder('POSTCOPY_ADVISE')
    checkAdvise(data)
    this.current = 'advise'
  }

  /** The source has newer pages than these: they are forgotten once it is listened for them. */
  discard(data: Uint8Array): void {
    if (this.current !== 'advise' && this.current !== 'discard') throw this.outOfOrder('POSTCOPY_RAM_DISCARD')
    this.current = 'discard'
    const { block, ranges } = decodeDiscard(data)
    const index = this.indexOf(block)
    const { pageCount } = (this.vm.memory[index] as RamBlock).memory
    for (const { offset, octets } of ranges) {
      if (offset + octets > pageCount * PAGE_OCTETS)
        throw refused(`discard of ${octets} octets from ${offset} of block ${block}, which has ${pageCount} pages`)
      for (let page = offset / PAGE_OCTETS; page < (offset + octets) / PAGE_OCTETS; page++)
        this.mark(index, page, false)
    }
  }

  listen(): void {
    if (this.current !== 'advise' && this.current !== 'discard') throw this.outOfOrder('POSTCOPY_LISTEN')
    this.received.forEach((bits, block) => this.vm.userfault?.expectPages(block, inverted(bits)))
    this.current = 'listening'
  }

  run(): void {
    if (this.current !== 'listening') throw this.outOfOrder('POSTCOPY_RUN')
    this.current = 'running'
  }

  /** A page came, by the number of its block in the VM. */
  arrived(block: number, page: number): void {
    this.mark(block, page, true)
  }

  /** For RECV_BITMAP, as it crosses. */
  receivedBitmap(block: string): Uint8Array {
    if (this.current !== 'running') throw this.outOfOrder('RECV_BITMAP')
    const index = this.indexOf(block)
    const { pageCount } = (this.vm.memory[index] as RamBlock).memory
    return bitmapToOctets(this.received[index] as Uint32Array, pageCount)
  }

  private indexOf(name: string): number {
    const index = this.vm.memory.findIndex((block) => block.name === name)
    if (index < 0) throw refused(`RAM block ${JSON.stringify(name)} does not exist here`)
    return index
  }

  private mark(block: number, page: number, isReceived: boolean): void {
    const bits = this.received[block] as Uint32Array
    const bit = 1 << (page & 31)
    const word = bits[page >>> 5] ?? 0
    bits[page >>> 5] = isReceived ? word | bit : word & ~bit
  }

  private outOfOrder(command: string): WireError {
    return refused(`${command} in state ${this.current}`)
  }
}

function inverted(bits: Uint32Array): Uint32Array {
  return bits.map((word) => ~word)
}

function refused(reason: string): WireError {
  return new WireError('qevm', 0, reason)
}
