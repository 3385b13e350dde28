/**
 * Memory, after Xen 3.1's `xc_domain_restore` (tools/libxc/xc_domain_restore.c), with its two bugs: the number of pages in a batch is
 * signed and compared with its maximum alone; the size of the free list is multiplied without a look at what comes of it. No CVE
 * number of theirs is known. What is ours: the report of progress, through a pointer on the heap.
 */
import { latin1Text, readU32be, readU32le } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import {
  BATCH_PAGES_MAX,
  GUEST_PAGES_MAX,
  NAME_OCTETS_MAX,
  PAGE_TYPE_NONE,
  PFN_MASK,
  RESTORE_SIGNATURE,
  VCPU_MAP_BATCH,
  VERIFY_BATCH,
} from '../wire/restore-stream.js'
import { multiply32 } from './emulated-memory.js'
import type { EmulatedProcess } from './emulated-process.js'
import { STACK_RED_OCTETS } from './program-layout.js'

/** INVALID_P2M_ENTRY. */
const INVALID = 0xffff_ffff
const FREE_ENTRIES_MAX = 2 ** 28
/** `struct progress { void (*report)(...); char name[28]; }` */
const PROGRESS_OCTETS = 32
const PROGRESS_NAME_OCTETS = 28
/** Of the free list, between two reports. */
const PROGRESS_EVERY = 64
/** Machine pages that the host gives out begin here. */
const FIRST_FREE_MFN = 0x2_0000

export class DomainRestore {
  name = ''
  isVerified = false
  readonly pages = new Map<number, Uint8Array>()
  readonly freed: number[] = []
  private nextMfn = FIRST_FREE_MFN
  private pageCount = 0
  /** Pointers that the compiler keeps in registers. */
  private progress = 0
  private p2m = 0

  constructor(private readonly process: EmulatedProcess) {}

  /** What comes before memory: who the guest is, and how big. */
  open(): void {
    const { process } = this
    process.expectText(RESTORE_SIGNATURE)
    const length = readU32be(process.take(4), 0)
    if (length > NAME_OCTETS_MAX) process.refuse('a configuration that long')
    const configuration = process.need(NAME_OCTETS_MAX, 'configuration')
    const name = process.take(length)
    process.write(configuration, name, 'configuration')
    this.progress = process.need(PROGRESS_OCTETS, 'progress')
    process.store32(this.progress, process.options.layout.routines.reportProgress, 'progress.report')
    process.write(this.progress + 4, name.subarray(0, PROGRESS_NAME_OCTETS), 'progress.name')
    this.name = latin1Text(name)
    process.release(configuration, 'configuration')
    this.pageCount = process.word()
    if (this.pageCount < 1 || this.pageCount > GUEST_PAGES_MAX) process.refuse('a guest of that many pages')
    const octets = 4 * this.pageCount
    this.p2m = process.need(octets, 'p2m')
    process.write(this.p2m, new Uint8Array(octets).fill(0xff), 'p2m')
  }

  /** However it ends, it returns. */
  restore(): void {
    const { process } = this
    const { canary, layout } = process.options
    const { memory } = process
    process.routine = 'xc_domain_restore'
    memory.store32(layout.returnSlot, layout.routines.relocate)
    if (canary !== null) memory.store32(layout.canary, canary)
    memory.setRed(layout.batchBuffer - STACK_RED_OCTETS, STACK_RED_OCTETS, true)
    memory.setRed(layout.batchBuffer + 4 * BATCH_PAGES_MAX, STACK_RED_OCTETS, true)
    const failure = this.loadBatches() ?? this.loadFreeList()
    process.object = 'return address'
    if (canary !== null && memory.load32(layout.canary) !== canary)
      process.crash('the word before the return address has changed: the C library ends the process', null)
    process.jump(memory.load32(layout.returnSlot), layout.routines.relocate)
    process.routine = 'relocate'
    if (failure !== null) process.refuse(failure)
  }

  /** Gives why it goes no further, or null. */
  private loadBatches(): string | null {
    const { process } = this
    const { batchBuffer } = process.options.layout
    for (;;) {
      const head = process.read(4)
      if (head === null) return 'the stream ends before a batch'
      const j = readU32le(head, 0) | 0
      if (j === 0) return process.pass('no more batches', null)
      if (j === VERIFY_BATCH) {
        this.isVerified = process.pass('verify', true)
        continue
      }
      if (j === VCPU_MAP_BATCH) {
        const failure = this.loadVcpuMap()
        if (failure !== null) return failure
        continue
      }
      if (process.has('batch-check') && j < 0) return process.pass('batch-check', 'a batch of fewer than no pages')
      if (j > BATCH_PAGES_MAX) return process.pass('batch too long', `a batch of ${j} pages`)
      if (!process.readExact(batchBuffer, multiply32(j, 4), 'region_pfn_type'))
        return 'the stream ends in the pages’ numbers'
      process.pass('batch', null)
      for (let i = 0; i < j; i++) {
        const failure = this.loadPage(process.load32(batchBuffer + 4 * i, 'region_pfn_type'))
        if (failure !== null) return failure
      }
      this.report()
    }
  }

  /** 64 bits, one a vCPU; there are at most 32. */
  private loadVcpuMap(): string | null {
    const map = this.process.read(8)
    if (map === null) return 'the stream ends in the map of vCPUs'
    if (readU32le(map, 4) !== 0 || readU32le(map, 0) === 0)
      return this.process.pass('vCPU map refused', 'a map of other vCPUs than there can be')
    return this.process.pass('vCPU map', null)
  }

  private loadPage(pfnType: number): string | null {
    const { process } = this
    if (pfnType >>> 28 === PAGE_TYPE_NONE) return process.pass('no page', null)
    const pfn = pfnType & PFN_MASK
    if (pfn >= this.pageCount) return process.pass('pfn out of range', `page ${pfn} of ${this.pageCount}`)
    const entry = this.p2m + 4 * pfn
    if (process.load32(entry, 'p2m') === INVALID) {
      process.store32(entry, this.nextMfn++, 'p2m')
      process.pass('page', null)
    } else process.pass('page again', null)
    const page = process.read(PAGE_OCTETS)
    if (page === null) return 'the stream ends in a page'
    this.pages.set(pfn, page.slice())
    return null
  }

  /** Pages that the guest had when saving began, and has not any more. */
  private loadFreeList(): string | null {
    const { process } = this
    const head = process.read(4)
    if (head === null) return 'the stream ends before the free list'
    const count = readU32le(head, 0)
    if (process.has('free-list-check') && count > FREE_ENTRIES_MAX)
      return process.pass('free-list-check', `a free list of ${count} entries`)
    const octets = multiply32(4, count)
    const pfntab = process.allocate(octets, 'pfntab')
    if (pfntab === 0) return process.pass('no memory', `no memory for a free list of ${octets} octets`)
    if (!process.readExact(pfntab, octets, 'pfntab')) return 'the stream ends in the free list'
    let freed = 0
    // `pfntab + 4 * i` leaves the heap before long, if nothing else ends it.
    for (let i = 0; i < count; i++) {
      const pfn = process.load32(pfntab + 4 * i, 'pfntab')
      if (process.has('pfn-check') && pfn >= this.pageCount) return process.pass('pfn-check', `page ${pfn} to be freed`)
      const entry = this.p2m + multiply32(4, pfn)
      const mfn = process.load32(entry, 'p2m')
      if (mfn === INVALID) process.pass('freed page was not there', null)
      else {
        process.store32(pfntab + 4 * freed++, mfn, 'pfntab')
        process.store32(entry, INVALID, 'p2m')
        if (pfn < this.pageCount) this.freed.push(pfn)
        process.pass('page freed', null)
      }
      if (i % PROGRESS_EVERY === PROGRESS_EVERY - 1) this.report()
    }
    process.release(pfntab, 'pfntab')
    return null
  }

  private report(): void {
    const { reportProgress } = this.process.options.layout.routines
    this.process.jump(this.process.load32(this.progress, 'progress.report'), reportProgress)
  }
}
