/** A VM on a host: its machine, its life, and the virtual time it runs in. */
import { assert } from '../base/errors.js'
import type { FrameSink } from '../base/frame-sink.js'
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { boundaryFrom, Machine, RAM_BLOCK, SLICE_NS, type SliceOutcome } from '../machine/machine.js'
import type { VirtualisationCosts } from './profiles/hypervisor-profile.js'
import type { GuestDisk } from '../migration/guest-disk.js'
import type { MigratableVm, RamBlock, Userfault, UserfaultListener } from '../migration/guest-memory.js'

/** QEMU's run states (qapi/run-state.json) that Midstream uses. */
export type RunState =
  | 'prelaunch'
  | 'running'
  | 'paused'
  | 'inmigrate'
  | 'finish-migrate'
  | 'postmigrate'
  | 'shutdown'
  /** It cannot go on: part of its memory is lost. */
  | 'internal-error'

export interface VmOptions {
  readonly name: string
  readonly mac: Uint8Array
  readonly ramOctets: number
  /** Cycles, and instructions, a second. */
  readonly hartHz: number
  /** 32 octets for the TPM of a machine that starts here; one that comes from elsewhere brings its own state. */
  readonly tpmSeed?: Uint8Array
  /** See `MachineOptions`. */
  readonly qemuBoard?: boolean
  /** Its host's image, or one that several hosts share. Nothing for a guest without a disk. */
  readonly disk?: GuestDisk
  /** The most that it may have of a core, above 0; one unless told. Linux's `cpu.max` and Xen's `cap` do this. */
  readonly coreCap?: number
}

export interface VmOwner {
  consoleWrote(vm: VirtualMachine, octets: Uint8Array): void
  vmStateChanged(vm: VirtualMachine): void
}

/**
 * Runs the machine in slices that begin at whole multiples of `SLICE_NS`. What a slice put out (frames, characters) goes
 * out when it ends. A slice that began is finished even if the VM is paused meanwhile, so a pause is exact to a slice.
 */
export class VirtualMachine implements Process, FrameSink, MigratableVm, Userfault {
  readonly machine: Machine
  /** QEMU's name for the board (hw/riscv/virt.c). */
  readonly machineType = 'virt'
  readonly memory: readonly RamBlock[]
  /** Who fetches the pages this VM needs and does not have. */
  faultListener: UserfaultListener | null = null
  /** QEMU's `autostart`: once it was moved here it runs by itself, if it ran before. */
  autostart = true
  /** Where RAM is among the blocks. */
  private readonly ramBlock: number
  private runState: RunState = 'prelaunch'
  private boundary: QueuedEvent | null = null
  private onCore = false
  private waiting = false
  private instructionCount = 0
  /** Percent of its time that the vCPU is kept from running. */
  private throttlePercent = 0
  /** Until then the vCPU stands still for what the hypervisor did in its place. */
  private heldUntilNs: Nanos = 0

  constructor(
    private readonly kernel: Kernel,
    readonly options: VmOptions,
    readonly cores: HostCores,
    private readonly costs: VirtualisationCosts,
    private readonly owner: VmOwner,
    /** Where the guest's frames go: its host's virtual switch. Set once the host plugged it in. */
    public network: FrameSink | null = null,
  ) {
    const { ramOctets, mac: nicMac, hartHz, tpmSeed, qemuBoard = false } = options
    this.machine = new Machine({ ramOctets, nicMac, hartHz, qemuBoard, ...(tpmSeed === undefined ? {} : { tpmSeed }) })
    this.memory = this.machine.memory
    this.ramBlock = this.memory.findIndex(({ name }) => name === RAM_BLOCK)
  }

  get devices(): MigratableVm['devices'] {
    return this.machine.devices
  }

  get permanentDevices(): MigratableVm['devices'] {
    return this.machine.permanentDevices
  }

  get disk(): GuestDisk | null {
    return this.options.disk ?? null
  }

  get userfault(): Userfault {
    return this
  }

  get name(): string {
    return this.options.name
  }
  get hostName(): string {
    return this.cores.host
  }
  get state(): RunState {
    return this.runState
  }
  /** Instructions executed on this host. */
  get instructions(): number {
    return this.instructionCount
  }

  /** Start, or go on after a pause; after a migration's last phase only if it ran before. */
  resume(): void {
    assert(this.runState !== 'postmigrate', `${this.name} on ${this.hostName} lives elsewhere now`)
    if (this.runState === 'running' || this.hasEnded) return
    if (this.runState === 'finish-migrate' && !this.ranBefore) return this.enter('paused')
    this.enter('running')
    // Its clock goes on with the next slice, so there must be one, even if the guest was waiting for its timer.
    this.waiting = false
    this.wakeAtBoundary()
  }

  /** Stand still from the end of the slice that runs now: by default for a migration's last phase. */
  pause(state: 'paused' | 'finish-migrate' = 'finish-migrate'): void {
    this.storeRunState()
    // The guest has already run to the end of its slice, so its clock stops there.
    if (this.runState === 'running')
      this.machine.pause((this.onCore ? this.boundary?.atNs : undefined) ?? this.kernel.nowNs)
    if (this.runState === 'running' || this.runState === 'paused' || this.runState === 'finish-migrate')
      this.enter(state)
  }

  /** Off at once, whatever the guest was doing. */
  powerOff(): void {
    assert(this.runState !== 'postmigrate', `${this.name} on ${this.hostName} lives elsewhere now`)
    this.storeRunState()
    this.enter('shutdown')
  }

  /**
   * Keep the vCPU from running for so many percent of its time: QEMU's `cpu-throttle`, which lets it sleep in slots of 10 ms,
   * spread evenly over every slice.
   */
  throttle(percent: number): void {
    this.throttlePercent = percent
  }

  /** Waits for a migration to fill it. */
  awaitIncoming(): void {
    assert(this.runState === 'prelaunch', 'only a new VM can wait for a migration')
    this.enter('inmigrate')
  }

  /** Everything was loaded and compared; it may run when its owner says so. */
  incomingLoaded(): void {
    assert(this.runState === 'inmigrate', 'only an incoming VM can have been loaded')
    this.enter('paused')
  }

  /** It lives here now: it runs, or stands still if somebody had stopped it at its source, or wants it stopped here. */
  takeOver(): void {
    if (this.ranBefore && this.autostart) this.resume()
    else if (!this.hasEnded) this.enter('paused')
  }

  /** It lives elsewhere now: this copy never runs again, unless it did not arrive there. */
  handOver(): void {
    this.enter('postmigrate')
  }

  /** It did not arrive elsewhere: this copy is the one that lives, and may go on. */
  takeBack(): void {
    assert(this.runState === 'postmigrate', 'only a VM that was handed over can be taken back')
    this.enter('finish-migrate')
  }

  /** Part of its memory will never come: it ends here. */
  crash(): void {
    if (!this.hasEnded) this.enter('internal-error')
  }

  /** It will not run again unless it is booted anew. */
  get hasEnded(): boolean {
    return this.runState === 'shutdown' || this.runState === 'internal-error'
  }

  /** No migration holds it: it runs, or somebody stopped it or switched it off. */
  get isSettled(): boolean {
    return this.runState === 'running' || this.runState === 'paused' || this.hasEnded
  }

  /** Before it was stopped or switched off for the last phase of a migration, here or at its source. */
  get ranBefore(): boolean {
    return this.machine.globalState.runState === 'running'
  }

  /** QEMU's `global_state_store`: how it is, before a migration stops it. */
  private storeRunState(): void {
    if (this.runState === 'running' || this.runState === 'paused') this.machine.globalState.runState = this.runState
  }

  get missingPages(): number {
    return this.machine.ram.missingPages
  }

  /** No guest waits for a page of another block than RAM. */
  expectPages(block: number, missing: Uint32Array): void {
    if (block === this.ramBlock) this.machine.ram.expectPages(missing)
  }

  placePage(block: number, page: number, octets: Uint8Array): boolean {
    if (block !== this.ramBlock) {
      this.memory[block]?.memory.write(page * PAGE_OCTETS, octets)
      return true
    }
    const wasStalled = this.machine.isStalled
    const isPlaced = this.machine.pageArrived(page, octets)
    if (wasStalled && !this.machine.isStalled && this.runState === 'running') this.wakeAtBoundary()
    if (isPlaced) this.reportMissingPages()
    return isPlaced
  }

  receiveFrame(frame: Uint8Array): void {
    if (this.runState !== 'running') return
    this.machine.nic.receiveFrame(frame)
    this.reportMissingPages()
    this.wakeAtBoundary()
  }

  /** What somebody types on the console. Only a running VM takes it; returns how many octets it had room for. */
  type(octets: Uint8Array): number {
    assert(this.runState === 'running', `${this.name} is ${this.runState}`)
    const taken = this.machine.console.receive(octets)
    this.wakeAtBoundary()
    return taken
  }

  handleEvent(_event: KernelEvent): void {
    this.boundary = null
    this.publish()
    const { kernel, machine } = this
    if (this.runState !== 'running') {
      this.wantCore(false)
      return
    }
    if (machine.isStalled) return this.wantCore(false) // the page it needs wakes it
    if (this.waiting && !machine.hasPendingInterrupt(kernel.nowNs)) {
      this.wantCore(false)
      const wakeNs = machine.wakeAtNs()
      if (wakeNs !== null) this.wakeAt(boundaryFrom(Math.max(wakeNs, kernel.nowNs + 1)))
      return
    }
    this.wantCore(true)
    const state = this.runSlice()
    this.waiting = state === 'waiting'
    this.reportMissingPages()
    if (state === 'halted') {
      this.publish()
      this.wantCore(false)
      this.enter('shutdown')
    } else this.wakeAt(boundaryFrom(kernel.nowNs + 1))
  }

  private runSlice(): SliceOutcome['state'] {
    const { costs, machine } = this
    const { nowNs } = this.kernel
    const ownNs = SLICE_NS - Math.min(Math.max(this.heldUntilNs - nowNs, 0), SLICE_NS)
    const cycles = (this.options.hartHz / 1e9) * ownNs * this.cores.share() * this.coreCap * costs.vcpuSpeed
    const { trappedAccesses, loggedStores } = machine
    const { executed, state } = machine.runSlice(nowNs, Math.floor((cycles * (100 - this.throttlePercent)) / 100))
    this.instructionCount += executed
    const heldNs =
      (machine.trappedAccesses - trappedAccesses) * costs.deviceAccessNs +
      (machine.loggedStores - loggedStores) * costs.loggedStoreNs
    if (heldNs > 0) this.heldUntilNs = Math.max(this.heldUntilNs, nowNs + SLICE_NS) + heldNs
    return state
  }

  private wantCore(wanted: boolean): void {
    if (wanted === this.onCore) return
    this.onCore = wanted
    if (wanted) this.cores.vcpuStarted(this.coreCap)
    else this.cores.vcpuStopped(this.coreCap)
  }

  /** In whole parts of 1024, so that sums of them are exact. */
  private get coreCap(): number {
    return Math.ceil((this.options.coreCap ?? 1) * 1024) / 1024
  }

  private publish(): void {
    const output = this.machine.console.takeOutput()
    if (output.length > 0) this.owner.consoleWrote(this, output)
    for (const frame of this.machine.nic.takeFrames()) this.network?.receiveFrame(frame)
  }

  private reportMissingPages(): void {
    const { faultListener: listener, machine } = this
    if (listener === null || machine.ram.missingPages === 0) return
    const { isStalled } = machine
    machine.wantedPages().forEach((page, index) => {
      listener.pageMissed(this.ramBlock, page, isStalled && index === 0 ? 'vcpu' : 'nic')
    })
  }

  private enter(state: RunState): void {
    if (state === this.runState) return
    this.runState = state
    this.kernel.trace.add('vm-state', { vm: this.name, host: this.hostName, state })
    this.owner.vmStateChanged(this)
  }

  private wakeAtBoundary(): void {
    this.wakeAt(boundaryFrom(this.kernel.nowNs + 1))
  }

  /** One boundary is due at a time: the earliest asked for. */
  private wakeAt(atNs: Nanos): void {
    if (this.boundary !== null && this.boundary.atNs <= atNs) return
    this.kernel.cancel(this.boundary)
    this.boundary = this.kernel.scheduleAt(atNs, this, { kind: 'slice' })
  }
}
