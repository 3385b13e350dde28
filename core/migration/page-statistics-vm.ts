/** A VM whose memory is page statistics: nothing runs in it, and it migrates as any other. */
import { WireError } from '../base/errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from '../machine/device-state.js'
import type { MigratableVm, RamBlock } from './guest-memory.js'
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
