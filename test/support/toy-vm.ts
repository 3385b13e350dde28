import { WireError } from '../../core/base/errors.js'
import { differingOctets, isZeroPage } from '../../core/base/page-scan.js'
import { PAGE_OCTETS, type Nanos } from '../../core/base/units.js'
import type { Kernel, KernelEvent, Process } from '../../core/kernel/kernel.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from '../../core/machine/device-state.js'
import type { GuestDisk } from '../../core/migration/guest-disk.js'
import type { GuestMemory, MigratableVm, RamBlock } from '../../core/migration/guest-memory.js'

/** Memory with the plainest possible dirty log: a flag a page. */
export class ToyMemory implements GuestMemory {
  readonly octets: Uint8Array
  readonly words: Int32Array
  private readonly dirty: Uint8Array
  private logging = false

  constructor(readonly pageCount: number) {
    const buffer = new ArrayBuffer(pageCount * PAGE_OCTETS)
    this.octets = new Uint8Array(buffer)
    this.words = new Int32Array(buffer)
    this.dirty = new Uint8Array(pageCount)
  }

  page(index: number): Uint8Array {
    return this.octets.subarray(index * PAGE_OCTETS, (index + 1) * PAGE_OCTETS)
  }
  isZero(page: number): boolean {
    return isZeroPage(this.words, page)
  }
  differingOctets(other: GuestMemory): number {
    return other instanceof ToyMemory ? differingOctets(this.words, other.words) : this.octets.length
  }

  /** The guest stores an octet. */
  store(offset: number, value: number): void {
    this.octets[offset] = value
    if (this.logging) this.dirty[Math.floor(offset / PAGE_OCTETS)] = 1
  }

  write(offset: number, octets: Uint8Array): void {
    this.octets.set(octets, offset)
  }
  startDirtyLog(): void {
    this.logging = true
    this.dirty.fill(0)
  }
  stopDirtyLog(): void {
    this.logging = false
  }
  takeDirty(into: Uint32Array): number {
    let newlySet = 0
    for (let page = 0; page < this.pageCount; page++) {
      const bit = 2 ** (page % 32)
      const word = into[page >> 5]!
      if (this.dirty[page] === 1 && Math.floor(word / bit) % 2 === 0) {
        into[page >> 5] = word + bit
        newlySet++
      }
    }
    this.dirty.fill(0)
    return newlySet
  }
}

/** A device with a field of every type. */
export class ToyDevice implements StatefulDevice {
  readonly stateDescription: DeviceStateDescription
  values: StateValues = {
    armed: false,
    level: 0,
    divider: 0,
    count: 0,
    expiry: 0n,
    skew: 0n,
    registers: [0, 0, 0, 0],
    text: new Uint8Array(5),
  }

  constructor(instanceId = 0) {
    this.stateDescription = {
      idstr: 'toy-timer',
      instanceId,
      version: 1,
      vmsdName: 'toy-timer',
      fields: [
        { name: 'armed', type: 'bool' },
        { name: 'level', type: 'uint8' },
        { name: 'divider', type: 'uint16' },
        { name: 'count', type: 'uint32' },
        { name: 'expiry', type: 'uint64' },
        { name: 'skew', type: 'int64' },
        { name: 'registers', type: 'uint32', arrayLength: 4 },
        { name: 'text', type: 'buffer', size: 5 },
      ],
    }
  }

  saveState(): StateValues {
    return this.values
  }
  loadState(values: StateValues): void {
    if (values['level'] === 255) throw new WireError('toy-timer', 0, 'level 255 cannot be')
    this.values = values
  }
}

export interface ToyOptions {
  readonly pages?: number
  /** Pages filled with non-zero octets; the others stay zero. */
  readonly filledPages?: number
  /** Pages that the guest writes again and again, from page 0 on. */
  readonly workingSetPages?: number
  readonly pagesPerSecond?: number
  readonly disk?: GuestDisk
}

const TICK_NS: Nanos = 1_000_000

/** A guest that writes `pagesPerSecond` pages in turn over its working set, and counts in a device. */
export class ToyVm implements MigratableVm, Process {
  readonly name = 'toy'
  readonly machineType = 'toy'
  readonly ram: ToyMemory
  readonly rom = new ToyMemory(3)
  readonly memory: readonly RamBlock[]
  readonly device = new ToyDevice()
  readonly devices: readonly StatefulDevice[]
  readonly disk: GuestDisk | null
  isRunning = false
  stores = 0
  private readonly workingSetPages: number
  /** What it was told by way of `throttle`. */
  readonly throttlePercents: number[] = []
  private readonly pagesPerTickUnthrottled: number
  private pagesPerTick: number

  constructor(
    private readonly kernel: Kernel,
    options: ToyOptions = {},
  ) {
    const pages = options.pages ?? 64
    this.disk = options.disk ?? null
    this.ram = new ToyMemory(pages)
    this.memory = [
      { name: 'toy.ram', memory: this.ram },
      { name: 'toy.rom', memory: this.rom },
    ]
    this.devices = [this.device, new ToyDevice(1)]
    for (let page = 0; page < (options.filledPages ?? 0); page++)
      this.ram.octets.fill(1 + (page % 251), page * PAGE_OCTETS, (page + 1) * PAGE_OCTETS)
    this.workingSetPages = options.workingSetPages ?? 8
    this.pagesPerTick = this.pagesPerTickUnthrottled = ((options.pagesPerSecond ?? 0) * TICK_NS) / 1e9
  }

  throttle(percent: number): void {
    this.throttlePercents.push(percent)
    this.pagesPerTick = (this.pagesPerTickUnthrottled * (100 - percent)) / 100
  }
  pause(): void {
    this.isRunning = false
  }
  resume(): void {
    if (this.isRunning) throw new Error('resumed twice')
    this.isRunning = true
    this.kernel.schedule(TICK_NS, this, { kind: 'tick' })
  }

  handleEvent(_event: KernelEvent): void {
    if (!this.isRunning) return
    const before = Math.floor(this.stores)
    this.stores += this.pagesPerTick
    for (let store = before; store < Math.floor(this.stores); store++)
      this.ram.store((store % this.workingSetPages) * PAGE_OCTETS + (store % PAGE_OCTETS), 1 + (store % 255))
    this.device.values = { ...this.device.values, count: Math.floor(this.stores), skew: BigInt(-before) }
    this.kernel.schedule(TICK_NS, this, { kind: 'tick' })
  }
}
