/** A VM whose memory is page statistics: nothing runs in it, and it migrates as any other. */
import { WireError } from '../base/errors.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from '../machine/device-state.js'
import type { MigratableVm, RamBlock, Userfault, UserfaultListener } from './guest-memory.js'
import { GuestTime } from './guest-time.js'
import { PageStatisticsMemory, type PageStatistics } from './page-statistics.js'

export interface PageStatisticsVmOptions {
  readonly name: string
  readonly machineType: string
  /** In the order of the stream. */
  readonly blocks: readonly (PageStatistics & { readonly name: string })[]
  /** Of what its devices weigh on the stream. Default 1024. */
  readonly deviceOctets?: number
  /** Every page is zero and the VM has never run: the one that a migration fills. */
  readonly isEmpty?: boolean
}

export class PageStatisticsVm implements MigratableVm {
  readonly name: string
  readonly machineType: string
  readonly memory: readonly (RamBlock & { readonly memory: PageStatisticsMemory })[]
  readonly devices: readonly StatefulDevice[]
  readonly userfault: Userfault
  private readonly device: StoreCounter
  private readonly time: GuestTime

  constructor(kernel: Kernel, options: PageStatisticsVmOptions) {
    this.name = options.name
    this.machineType = options.machineType
    this.time = new GuestTime(kernel)
    const random = kernel.random(`page statistics of ${options.name}`)
    this.memory = options.blocks.map((block) => ({
      name: block.name,
      memory: new PageStatisticsMemory(block, this.time, random, options.isEmpty === true),
    }))
    this.device = new StoreCounter(
      this.memory.map(({ memory }) => memory),
      options.deviceOctets ?? 1024,
    )
    this.devices = [this.device]
    this.userfault = new StatisticsUserfault(this.memory)
  }

  get isRunning(): boolean {
    return this.time.isRunning
  }

  /** Since the guest began its life, on whatever host. */
  get stores(): number {
    let stores = 0
    for (const { memory } of this.memory) for (const set of memory.writes) stores += set.stores
    return stores
  }

  pause(): void {
    this.time.stop()
  }

  resume(): void {
    this.device.handOver()
    this.time.start()
  }

  throttle(percent: number): void {
    this.time.setShare(1 - percent / 100)
  }
}

/** The device by which the writes go on at the destination where they stopped, and the weight of all the others. */
class StoreCounter implements StatefulDevice {
  readonly stateDescription: DeviceStateDescription
  private loaded: readonly number[] | null = null

  constructor(
    private readonly memories: readonly PageStatisticsMemory[],
    private readonly weightOctets: number,
  ) {
    this.stateDescription = {
      idstr: 'page-statistics',
      instanceId: 0,
      version: 1,
      vmsdName: 'page-statistics',
      fields: [
        ...(this.setCount > 0 ? ([{ name: 'stores', type: 'uint64', arrayLength: this.setCount }] as const) : []),
        { name: 'weight', type: 'buffer', size: weightOctets },
      ],
    }
  }

  saveState(): StateValues {
    const stores = this.loaded ?? this.memories.flatMap(({ writes }) => writes.map((set) => set.stores))
    return { stores: stores.map(BigInt), weight: new Uint8Array(this.weightOctets) }
  }

  loadState(values: StateValues): void {
    const stores = (values['stores'] ?? []) as readonly bigint[]
    if (stores.some((count) => count > BigInt(Number.MAX_SAFE_INTEGER)))
      throw new WireError('page-statistics', 0, 'more stores than can be counted')
    this.loaded = stores.map(Number)
  }

  /** What was loaded becomes what goes on. */
  handOver(): void {
    if (this.loaded === null) return
    let first = 0
    for (const memory of this.memories) {
      memory.takeOver(this.loaded.slice(first, first + memory.writes.length))
      first += memory.writes.length
    }
    this.loaded = null
  }

  private get setCount(): number {
    return this.memories.reduce((count, { writes }) => count + writes.length, 0)
  }
}

/** Pages that follow such a guest in post-copy. It never stands still for one: it has no vCPU that could miss a page. */
class StatisticsUserfault implements Userfault {
  faultListener: UserfaultListener | null = null
  missingPages = 0
  private readonly missing: Uint32Array[]

  constructor(private readonly blocks: readonly { readonly memory: PageStatisticsMemory }[]) {
    this.missing = blocks.map(({ memory }) => new Uint32Array(Math.ceil(memory.pageCount / 32)))
  }

  expectPages(block: number, missing: Uint32Array): void {
    const words = this.missing[block]
    if (words === undefined) return
    words.set(missing)
    // Bits beyond the last page say nothing.
    const inLastWord = (this.blocks[block]?.memory.pageCount ?? 0) % 32
    if (inLastWord > 0) words[words.length - 1] = (words[words.length - 1] ?? 0) & (2 ** inLastWord - 1)
    this.missingPages = 0
    for (const ofBlock of this.missing) for (const word of ofBlock) this.missingPages += bitsIn(word)
  }

  placePage(block: number, page: number, octets: Uint8Array): boolean {
    const words = this.missing[block]
    const bit = 1 << (page & 31)
    if (words === undefined || ((words[page >>> 5] ?? 0) & bit) === 0) return false
    words[page >>> 5] = (words[page >>> 5] ?? 0) & ~bit
    this.missingPages--
    this.blocks[block]?.memory.write(page * PAGE_OCTETS, octets)
    return true
  }
}

function bitsIn(word: number): number {
  let bits = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) bits++
  return bits
}
