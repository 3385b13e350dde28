/**
 * A program that receives a migration and trusts what it reads, after Xen 3.1's `xc_domain_restore` and the device model behind it. Its
 * buffers, its return address and its heap lie in emulated memory, and it computes as C does with 32 bits; so a hostile stream does to
 * it what it would do to the original, and nothing to us.
 *
 * The two bugs of `xc_domain_restore` (no CVE number is known): the number of pages in a batch is signed and compared with its maximum
 * alone; the size of the free list is multiplied without a look at what comes of it. The two of devices are of the kinds of
 * CVE-2017-16845 (an index) and CVE-2014-0182 (a length).
 *
 * It starts from the beginning on every call: the same stream always does the same, and a part of one waits for the rest.
 */
import { PAGE_OCTETS } from '../../base/units.js'
import { concatOctets, latin1Octets, latin1Text, readU32be, readU32le } from '../../base/octets.js'
import {
  BATCH_PAGES_MAX,
  DEVICE_SIGNATURE,
  DEVICES,
  GUEST_PAGES_MAX,
  KEYBOARD_QUEUE_OCTETS,
  NAME_OCTETS_MAX,
  PAGE_TYPE_NONE,
  PFN_MASK,
  RESTORE_SIGNATURE,
  VCPU_MAP_BATCH,
  VERIFY_BATCH,
} from '../wire/restore-stream.js'
import { EmulatedMemory, hexAddress, MemoryFault, multiply32, type Access } from './emulated-memory.js'
import type { ReceiverFix } from './fixes.js'
import { Heap, HeapCorrupted } from './heap.js'
import { CODE_OCTETS, HEAP_OCTETS, STACK_OCTETS, STACK_RED_OCTETS, type ProgramLayout } from './program-layout.js'

/** INVALID_P2M_ENTRY. */
const INVALID = 0xffff_ffff
const FREE_ENTRIES_MAX = 2 ** 28
const VCPU_COUNT = 32
/** `struct progress { void (*report)(...); char name[28]; }` */
const PROGRESS_OCTETS = 32
const PROGRESS_NAME_OCTETS = 28
/** Of the free list, between two reports. */
const PROGRESS_EVERY = 64
/** What its network card has room for, and its `struct virtio_ops`. */
const CONFIG_OCTETS = 32
const OPERATIONS_OCTETS = 16
/** `struct { u8 data[256]; i32 rptr, wptr, count; }` */
const QUEUE_OCTETS = KEYBOARD_QUEUE_OCTETS + 12
/** What the guest's driver takes of its keyboard before it does something else. */
const KEYS_TAKEN_MAX = 2 * PAGE_OCTETS
/** Machine pages that the host gives out begin here. */
const FIRST_FREE_MFN = 0x2_0000

/** What its instructions are is of no interest: nothing writes here. */
const CODE = new Uint8Array(CODE_OCTETS)

export type ReceiverRoutine =
  'relocate' | 'xc_domain_restore' | 'report_progress' | 'virtio_load' | 'virtio_notify' | 'ps2_load' | 'ps2_read_data'

/**
 * - `waiting`: for the rest of the stream
 * - `loaded`: the guest runs
 * - `refused`: the program has seen that something is wrong, and ended
 * - `crashed`: the operating system or the C library has ended it
 * - `taken-over`: control went to the host's management
 */
export type ReceiverStatus = 'waiting' | 'loaded' | 'refused' | 'crashed' | 'taken-over'

export interface ReceiverOptions {
  readonly layout: ProgramLayout
  readonly fixes: ReadonlySet<ReceiverFix>
  /** A secret word between a buffer and the return address, compared before a return; or none. */
  readonly canary: number | null
  /** Ends at the first access to a red zone, as a program built with AddressSanitizer does. */
  readonly checksRedZones: boolean
  /** Pages of other guests that the program has mapped. */
  readonly mappedPages: readonly Uint8Array[]
}

export interface ReceivedGuest {
  readonly name: string
  readonly pages: ReadonlyMap<number, Uint8Array>
  readonly freed: readonly number[]
  readonly isVerified: boolean
  /** What the guest took of its keyboard when it went on. */
  readonly keysTaken: Uint8Array
}

export interface ReceiverRun {
  readonly status: ReceiverStatus
  /** Where it is, or ended. */
  readonly routine: ReceiverRoutine
  /** Why it ended, in words. */
  readonly detail: string
  /** What it was accessing: an object of the program. */
  readonly object: string
  readonly access: Access | 'jump' | null
  /** The first access outside of the object that was meant, whatever came of it. */
  readonly corrupted: { readonly routine: ReceiverRoutine; readonly detail: string } | null
  /** Octets of the stream that it has read. */
  readonly octetsRead: number
  /** The ways it took through the program, in order, each once. */
  readonly branches: readonly string[]
  /** Once it is loaded. */
  readonly guest: ReceivedGuest | null
}

/** @param isEnded nothing comes after `stream` */
export function receiveStream(stream: Uint8Array, isEnded: boolean, options: ReceiverOptions): ReceiverRun {
  return new ReceiverProcess(stream, isEnded, options).run()
}

/** The process is over, or has to wait. */
class ProcessEnd extends Error {
  override readonly name = 'ProcessEnd'
  constructor(
    readonly status: ReceiverStatus,
    readonly detail: string,
    readonly access: 'jump' | null = null,
  ) {
    super(detail)
  }
}

class ReceiverProcess {
  private readonly memory: EmulatedMemory
  private readonly heap: Heap
  private readonly branches = new Set<string>()
  private offset = 0
  private routine: ReceiverRoutine = 'relocate'
  private object = 'stream'
  private corrupted: ReceiverRun['corrupted'] = null
  private readonly guest = {
    name: '',
    pages: new Map<number, Uint8Array>(),
    freed: [] as number[],
    isVerified: false,
    keysTaken: new Uint8Array(0),
  }
  private nextMfn = FIRST_FREE_MFN
  private pageCount = 0
  /** Pointers that the compiler keeps in registers. */
  private progress = 0
  private p2m = 0
  private config = 0
  private operations = 0
  private keyboard = 0

  constructor(
    private readonly stream: Uint8Array,
    private readonly isEnded: boolean,
    private readonly options: ReceiverOptions,
  ) {
    const { layout, mappedPages, checksRedZones } = options
    const own = [
      { start: layout.code, octets: CODE, isWritable: false },
      { start: layout.stack, octets: new Uint8Array(STACK_OCTETS), isWritable: true },
      { start: layout.heap, octets: new Uint8Array(HEAP_OCTETS), isWritable: true },
    ]
    const mapped = { start: layout.mapped, octets: concatOctets(mappedPages), isWritable: true }
    this.memory = new EmulatedMemory(mappedPages.length === 0 ? own : [...own, mapped], checksRedZones)
    this.heap = new Heap(this.memory, layout.heap, HEAP_OCTETS)
  }

  run(): ReceiverRun {
    try {
      this.open()
      this.restore()
      this.loadDevices()
      this.goOn()
      return this.ended('loaded', 'the guest runs', null, this.guest)
    } catch (error) {
      if (error instanceof ProcessEnd) return this.ended(error.status, error.detail, error.access)
      if (error instanceof MemoryFault) {
        const how = error.where === 'red zone' ? 'outside of it' : error.where
        const detail = `${error.access} of ${this.object} at ${hexAddress(error.address)}: ${how}`
        return this.ended('crashed', detail, error.access)
      }
      if (error instanceof HeapCorrupted) return this.ended('crashed', `malloc: ${error.message}`, null)
      throw error
    }
  }

  private ended(
    status: ReceiverStatus,
    detail: string,
    access: ReceiverRun['access'],
    guest: ReceivedGuest | null = null,
  ): ReceiverRun {
    const { routine, object, corrupted, offset: octetsRead, branches } = this
    return { status, routine, detail, object, access, corrupted, octetsRead, branches: [...branches], guest }
  }

  /** What comes before memory: who the guest is, and how big. */
  private open(): void {
    this.expectText(RESTORE_SIGNATURE)
    const length = readU32be(this.need(4), 0)
    if (length > NAME_OCTETS_MAX) this.refuse('a configuration that long')
    const configuration = this.allocate(NAME_OCTETS_MAX, 'configuration')
    this.write(configuration, this.need(length), 'configuration')
    this.progress = this.allocate(PROGRESS_OCTETS, 'progress')
    this.store32(this.progress, this.options.layout.routines.reportProgress, 'progress.report')
    const name = this.stream.subarray(this.offset - length, this.offset)
    this.write(this.progress + 4, name.subarray(0, PROGRESS_NAME_OCTETS), 'progress.name')
    this.guest.name = latin1Text(name)
    this.heap.release(configuration)
    this.pageCount = this.word()
    if (this.pageCount < 1 || this.pageCount > GUEST_PAGES_MAX) this.refuse('a guest of that many pages')
    const octets = 4 * this.pageCount
    this.p2m = this.allocate(octets, 'p2m')
    this.write(this.p2m, new Uint8Array(octets).fill(0xff), 'p2m')
  }

  /** `xc_domain_restore`. However it ends, it returns. */
  private restore(): void {
    const { layout, canary } = this.options
    this.routine = 'xc_domain_restore'
    this.memory.store32(layout.returnSlot, layout.routines.relocate)
    if (canary !== null) this.memory.store32(layout.canary, canary)
    this.memory.setRed(layout.batchBuffer - STACK_RED_OCTETS, STACK_RED_OCTETS, true)
    this.memory.setRed(layout.batchBuffer + 4 * BATCH_PAGES_MAX, STACK_RED_OCTETS, true)
    const failure = this.loadBatches() ?? this.loadFreeList()
    this.object = 'return address'
    if (canary !== null && this.memory.load32(layout.canary) !== canary)
      throw new ProcessEnd('crashed', 'the word before the return address has changed: the C library ends the process')
    this.jump(this.memory.load32(layout.returnSlot), layout.routines.relocate)
    this.routine = 'relocate'
    if (failure !== null) this.refuse(failure)
  }

  /** Gives why it goes no further, or null. */
  private loadBatches(): string | null {
    const { fixes, layout } = this.options
    for (;;) {
      const head = this.read(4)
      if (head === null) return 'the stream ends before a batch'
      const j = readU32le(head, 0) | 0
      if (j === 0) return this.pass('no more batches', null)
      if (j === VERIFY_BATCH) {
        this.guest.isVerified = this.pass('verify', true)
        continue
      }
      if (j === VCPU_MAP_BATCH) {
        const map = this.read(8)
        if (map === null) return 'the stream ends in the map of vCPUs'
        if (readU32le(map, 4) !== 0 || readU32le(map, 0) === 0)
          return this.pass('vCPU map refused', `not a map of ${VCPU_COUNT} vCPUs`)
        this.pass('vCPU map', null)
        continue
      }
      if (fixes.has('batch-check') && j < 0) return this.pass('batch-check', 'a batch of fewer than no pages')
      if (j > BATCH_PAGES_MAX) return this.pass('batch too long', `a batch of ${j} pages`)
      if (!this.readExact(layout.batchBuffer, multiply32(j, 4), 'region_pfn_type'))
        return 'the stream ends in the pages’ numbers'
      this.pass('batch', null)
      for (let i = 0; i < j; i++) {
        const failure = this.loadPage(this.load32(layout.batchBuffer + 4 * i, 'region_pfn_type'))
        if (failure !== null) return failure
      }
      this.report()
    }
  }

  private loadPage(pfnType: number): string | null {
    if (pfnType >>> 28 === PAGE_TYPE_NONE) return this.pass('no page', null)
    const pfn = pfnType & PFN_MASK
    if (pfn >= this.pageCount) return this.pass('pfn out of range', `page ${pfn} of ${this.pageCount}`)
    const entry = this.p2m + 4 * pfn
    if (this.load32(entry, 'p2m') === INVALID) {
      this.store32(entry, this.nextMfn++, 'p2m')
      this.pass('page', null)
    } else this.pass('page again', null)
    const page = this.read(PAGE_OCTETS)
    if (page === null) return 'the stream ends in a page'
    this.guest.pages.set(pfn, page.slice())
    return null
  }

  /** Pages that the guest had when saving began, and has not any more. */
  private loadFreeList(): string | null {
    const { fixes } = this.options
    const head = this.read(4)
    if (head === null) return 'the stream ends before the free list'
    const count = readU32le(head, 0)
    if (fixes.has('free-list-check') && count > FREE_ENTRIES_MAX)
      return this.pass('free-list-check', `a free list of ${count} entries`)
    const octets = multiply32(4, count)
    const pfntab = this.heap.allocate(octets)
    if (pfntab === 0) return this.pass('no memory', `no memory for a free list of ${octets} octets`)
    if (!this.readExact(pfntab, octets, 'pfntab')) return 'the stream ends in the free list'
    let freed = 0
    // `pfntab + 4 * i` leaves the heap before long, if nothing else ends it.
    for (let i = 0; i < count; i++) {
      const pfn = this.load32(pfntab + 4 * i, 'pfntab')
      if (fixes.has('pfn-check') && pfn >= this.pageCount) return this.pass('pfn-check', `page ${pfn} to be freed`)
      const entry = this.p2m + multiply32(4, pfn)
      const mfn = this.load32(entry, 'p2m')
      if (mfn === INVALID) this.pass('freed page was not there', null)
      else {
        this.store32(pfntab + 4 * freed++, mfn, 'pfntab')
        this.store32(entry, INVALID, 'p2m')
        if (pfn < this.pageCount) this.guest.freed.push(pfn)
        this.pass('page freed', null)
      }
      if (i % PROGRESS_EVERY === PROGRESS_EVERY - 1) this.report()
    }
    this.object = 'pfntab'
    this.heap.release(pfntab)
    return null
  }

  private report(): void {
    const { reportProgress } = this.options.layout.routines
    this.jump(this.load32(this.progress, 'progress.report'), reportProgress)
  }

  private loadDevices(): void {
    this.expectText(DEVICE_SIGNATURE)
    for (;;) {
      const device = this.need(1)[0]
      if (device === DEVICES.end) return
      if (device === DEVICES.keyboard) this.loadKeyboard()
      else if (device === DEVICES.networkCard) this.loadNetworkCard()
      else this.refuse(`there is no device ${device}`)
      this.routine = 'relocate'
    }
  }

  private loadKeyboard(): void {
    this.routine = 'ps2_load'
    if (this.keyboard === 0) this.keyboard = this.allocate(QUEUE_OCTETS, 'keyboard')
    this.write(this.keyboard, this.need(KEYBOARD_QUEUE_OCTETS), 'keyboard.data')
    const [rptr, wptr, count] = [this.wordBe(), this.wordBe(), this.wordBe()]
    const isOutside = (index: number): boolean => index >= KEYBOARD_QUEUE_OCTETS
    if (this.options.fixes.has('index-check') && (isOutside(rptr) || isOutside(wptr) || count > KEYBOARD_QUEUE_OCTETS))
      this.refuse(this.pass('index-check', 'an index beyond the keyboard’s queue'))
    this.pass('keyboard', null)
    const fields = this.keyboard + KEYBOARD_QUEUE_OCTETS
    this.store32(fields, rptr, 'keyboard.rptr')
    this.store32(fields + 4, wptr, 'keyboard.wptr')
    this.store32(fields + 8, count, 'keyboard.count')
  }

  private loadNetworkCard(): void {
    this.routine = 'virtio_load'
    if (this.config === 0) {
      this.config = this.allocate(CONFIG_OCTETS, 'config')
      this.operations = this.allocate(OPERATIONS_OCTETS, 'virtio operations')
      this.store32(this.operations, this.options.layout.routines.virtioNotify, 'operations.notify')
    }
    const length = this.wordBe()
    if (this.options.fixes.has('length-check') && length > CONFIG_OCTETS)
      this.refuse(this.pass('length-check', `a configuration of ${length} octets`))
    this.pass('network card', null)
    if (!this.readExact(this.config, length, 'config')) this.refuse('the stream ends in a configuration')
  }

  /** The guest runs: its card is told, and its keyboard read. */
  private goOn(): void {
    if (this.operations !== 0) {
      this.routine = 'virtio_notify'
      const { virtioNotify } = this.options.layout.routines
      this.jump(this.load32(this.operations, 'operations.notify'), virtioNotify)
    }
    if (this.keyboard !== 0) this.guest.keysTaken = this.readKeyboard()
    this.routine = 'relocate'
  }

  private readKeyboard(): Uint8Array<ArrayBuffer> {
    this.routine = 'ps2_read_data'
    const fields = this.keyboard + KEYBOARD_QUEUE_OCTETS
    const keys: number[] = []
    while (keys.length < KEYS_TAKEN_MAX) {
      const count = this.load32(fields + 8, 'keyboard.count')
      if (count === 0) break
      const rptr = this.load32(fields, 'keyboard.rptr')
      this.object = 'keyboard.data'
      this.touch('read', this.keyboard + rptr, 1)
      keys.push(this.memory.load8(this.keyboard + rptr))
      this.store32(fields, rptr + 1 === KEYBOARD_QUEUE_OCTETS ? 0 : rptr + 1, 'keyboard.rptr')
      this.store32(fields + 8, count - 1, 'keyboard.count')
      this.pass('key taken', null)
    }
    return Uint8Array.from(keys)
  }

  private jump(target: number, meant: number): void {
    if (target === meant) return
    const { managementShell } = this.options.layout.routines
    const from = `${this.object} holds ${hexAddress(target)}`
    if (target === managementShell) throw new ProcessEnd('taken-over', `${from}, the management shell`, 'jump')
    throw new ProcessEnd('crashed', `${from}: no routine begins there`, 'jump')
  }

  /** Notes which way the program went; gives what it was given. */
  private pass<T>(branch: string, value: T): T {
    this.branches.add(branch)
    return value
  }

  private refuse(reason: string): never {
    throw new ProcessEnd('refused', reason)
  }

  private allocate(octets: number, object: string): number {
    this.object = object
    const block = this.heap.allocate(octets)
    if (block === 0) this.refuse(`no memory for ${object}`)
    return block
  }

  private load32(address: number, object: string): number {
    this.object = object
    this.touch('read', address, 4)
    return this.memory.load32(address)
  }

  private store32(address: number, value: number, object: string): void {
    this.object = object
    this.touch('write', address, 4)
    this.memory.store32(address, value)
  }

  private write(address: number, octets: Uint8Array, object: string): void {
    this.object = object
    this.touch('write', address, octets.length)
    this.memory.store(address, octets)
  }

  private touch(access: Access, address: number, length: number): void {
    this.memory.touch(access, address, length)
    const { firstRed } = this.memory
    if (firstRed === null || this.corrupted !== null) return
    const detail = `${firstRed.access} outside of ${this.object}, at ${hexAddress(firstRed.address)}`
    this.corrupted = { routine: this.routine, detail }
  }

  /** `read_exact`: what there is goes to memory, even if it is not enough. False at the end of the stream. */
  private readExact(address: number, length: number, object: string): boolean {
    const octets = this.stream.subarray(this.offset, this.offset + length)
    this.offset += octets.length
    this.write(address, octets, object)
    if (octets.length === length) return true
    if (!this.isEnded) throw new ProcessEnd('waiting', 'for the rest of the stream')
    return false
  }

  /** Octets that go to registers or to the guest; null at the end of the stream. */
  private read(length: number): Uint8Array | null {
    if (this.stream.length - this.offset < length) {
      if (!this.isEnded) throw new ProcessEnd('waiting', 'for the rest of the stream')
      return null
    }
    this.offset += length
    return this.stream.subarray(this.offset - length, this.offset)
  }

  private need(length: number): Uint8Array {
    return this.read(length) ?? this.refuse('the stream ends too early')
  }

  private word(): number {
    return readU32le(this.need(4), 0)
  }

  private wordBe(): number {
    return readU32be(this.need(4), 0)
  }

  private expectText(text: string): void {
    const octets = this.need(text.length)
    if (latin1Octets(text).some((octet, index) => octet !== octets[index])) this.refuse(`not a stream: no ${text}`)
  }
}
