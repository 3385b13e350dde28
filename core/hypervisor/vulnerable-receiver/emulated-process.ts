/** A process of a 32-bit program: its memory, the stream that it reads, and how it ends. What the program does is written elsewhere. */
import { latin1Octets, readU32be, readU32le } from '../../base/octets.js'
import { hexAddress, MemoryFault, type Access, type EmulatedMemory } from './emulated-memory.js'
import type { ReceiverFix } from './fixes.js'
import { Heap, HeapCorrupted } from './heap.js'
import { HEAP_OCTETS, type ProgramLayout } from './program-layout.js'

export type ReceiverRoutine =
  'relocate' | 'xc_domain_restore' | 'virtio_load' | 'virtio_notify' | 'ps2_load' | 'ps2_read_data'

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

/** Where the process is, or how it ended. */
export interface ProcessState {
  readonly status: ReceiverStatus
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
}

/** Why a process does not go on. */
type Ending = Pick<ProcessState, 'status' | 'detail' | 'access'>

/**
 * Thrown when a process does not go on; why, it knows itself. One for all of them: most inputs of a fuzzer end so, and to make an error
 * takes longer than all the rest.
 */
const processOver = new Error('the process does not go on')

export class EmulatedProcess {
  routine: ReceiverRoutine = 'relocate'
  object = 'stream'
  private readonly heap: Heap
  private readonly branches = new Set<string>()
  private offset = 0
  private corrupted: ProcessState['corrupted'] = null
  private ending: Ending | null = null

  /** @param isEnded nothing comes after `stream` */
  constructor(
    private readonly stream: Uint8Array,
    private readonly isEnded: boolean,
    /** Cleared by this. */
    readonly memory: EmulatedMemory,
    readonly options: ReceiverOptions,
  ) {
    memory.clear()
    this.heap = new Heap(memory, options.layout.heap, HEAP_OCTETS)
  }

  /** What becomes of it by what was thrown while it ran, if that is an end of it. */
  stateAfter(error: unknown): ProcessState {
    if (error === processOver && this.ending !== null) return this.state(this.ending)
    if (error instanceof MemoryFault) {
      const how = error.where === 'red zone' ? 'outside of it' : error.where
      const detail = `${error.access} of ${this.object} at ${hexAddress(error.address)}: ${how}`
      return this.state({ status: 'crashed', detail, access: error.access })
    }
    if (error instanceof HeapCorrupted)
      return this.state({ status: 'crashed', detail: `malloc: ${error.message}`, access: null })
    throw error
  }

  state(ending: Ending): ProcessState {
    const { routine, object, corrupted, offset: octetsRead, branches } = this
    return { ...ending, routine, object, corrupted, octetsRead, branches: [...branches] }
  }

  has(fix: ReceiverFix): boolean {
    return this.options.fixes.has(fix)
  }

  /** Notes which way the program went; gives what it was given. */
  pass<T>(branch: string, value: T): T {
    this.branches.add(branch)
    return value
  }

  refuse(reason: string): never {
    return this.end({ status: 'refused', detail: reason, access: null })
  }

  /** The C library, or the operating system, ends it. */
  crash(detail: string, access: 'jump' | null): never {
    return this.end({ status: 'crashed', detail, access })
  }

  /** Control goes to `target`, which is meant to be `meant`. */
  jump(target: number, meant: number): void {
    if (target === meant) return
    const from = `${this.object} holds ${hexAddress(target)}`
    if (target !== this.options.layout.routines.managementShell) this.crash(`${from}: no routine begins there`, 'jump')
    this.end({ status: 'taken-over', detail: `${from}, the management shell`, access: 'jump' })
  }

  /** `malloc`; 0 when there is no room. `octets` is a number of 32 bits. */
  allocate(octets: number, object: string): number {
    this.object = object
    return this.heap.allocate(octets)
  }

  /** For what the program cannot do without. */
  need(octets: number, object: string): number {
    const block = this.allocate(octets, object)
    return block === 0 ? this.refuse(`no memory for ${object}`) : block
  }

  release(block: number, object: string): void {
    this.object = object
    this.heap.release(block)
  }

  load8(address: number, object: string): number {
    this.touch('read', address, 1, object)
    return this.memory.load8(address)
  }

  load32(address: number, object: string): number {
    this.touch('read', address, 4, object)
    return this.memory.load32(address)
  }

  store32(address: number, value: number, object: string): void {
    this.touch('write', address, 4, object)
    this.memory.store32(address, value)
  }

  write(address: number, octets: Uint8Array, object: string): void {
    this.touch('write', address, octets.length, object)
    this.memory.store(address, octets)
  }

  /** `read_exact`: what there is goes to memory, even if it is not enough. False at the end of the stream. */
  readExact(address: number, length: number, object: string): boolean {
    const octets = this.stream.subarray(this.offset, this.offset + length)
    this.offset += octets.length
    this.write(address, octets, object)
    if (octets.length < length) this.expectEnd()
    return octets.length === length
  }

  /** Octets that go to registers or to the guest; null at the end of the stream. */
  read(length: number): Uint8Array | null {
    if (this.stream.length - this.offset < length) {
      this.expectEnd()
      return null
    }
    this.offset += length
    return this.stream.subarray(this.offset - length, this.offset)
  }

  /** The same where the program does nothing but end at the end of the stream. */
  take(length: number): Uint8Array {
    return this.read(length) ?? this.refuse('the stream ends too early')
  }

  word(): number {
    return readU32le(this.take(4), 0)
  }

  wordBe(): number {
    return readU32be(this.take(4), 0)
  }

  expectText(text: string): void {
    const octets = this.take(text.length)
    if (latin1Octets(text).some((octet, index) => octet !== octets[index])) this.refuse(`not a stream: no ${text}`)
  }

  private expectEnd(): void {
    if (!this.isEnded) this.end({ status: 'waiting', detail: 'for the rest of the stream', access: null })
  }

  private end(ending: Ending): never {
    this.ending = ending
    throw processOver
  }

  private touch(access: Access, address: number, length: number, object: string): void {
    this.object = object
    this.memory.touch(access, address, length)
    const { firstRed } = this.memory
    if (firstRed === null || this.corrupted !== null) return
    const detail = `${firstRed.access} outside of ${object}, at ${hexAddress(firstRed.address)}`
    this.corrupted = { routine: this.routine, detail }
  }
}
