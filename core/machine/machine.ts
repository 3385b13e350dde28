/** A whole toy machine: hart, RAM and board. */
import { sha256 } from '@noble/hashes/sha2.js'
import { InputError } from '../base/errors.js'
import { microseconds, type Nanos } from '../base/units.js'
import { INTERRUPT_EXTERNAL, INTERRUPT_TIMER } from '../cpu/csr.js'
import { Hart } from '../cpu/hart.js'
import { Board } from './board.js'
import { ConsoleQueue } from './console-queue.js'
import type { StatefulDevice } from './device-state.js'
import type { MachineExit } from './finisher.js'
import { GlobalState } from './global-state.js'
import { GuestClock } from './guest-clock.js'
import { CpuCommon, HartState } from './hart-state.js'
import type { IdleMemory } from './idle-memory.js'
import { loadElf, loadFlat } from './image.js'
import { QemuBoardParts } from './qemu-board.js'
import { Ram } from './ram.js'
import { RTC_EPOCH_NS } from './rtc.js'
import { TimerState } from './timer-state.js'
import { TPM_SEED_OCTETS } from './tpm/tpm-state.js'
import type { Uart } from './uart.js'
import type { VirtioNet } from './virtio-net.js'

/** Instructions a second, at one a cycle, unless said otherwise. */
export const HART_HZ = 50e6

/** QEMU's name of the guest's RAM on this board. */
export const RAM_BLOCK = 'riscv_virt_board.ram'

/** Length of a slice of guest time. Interrupts, frames and typed characters reach the guest between two slices. */
export const SLICE_NS: Nanos = microseconds(50)

/** The first slice boundary at or after `atNs`: slices begin at whole multiples of `SLICE_NS`. */
export function boundaryFrom(atNs: Nanos): Nanos {
  return Math.ceil(atNs / SLICE_NS) * SLICE_NS
}

export interface MachineOptions {
  /** Whole pages from 1 MiB to 1 GiB. */
  readonly ramOctets: number
  /** 6 octets. */
  readonly nicMac: Uint8Array
  readonly hartHz?: number
  /** What the real-time clock shows at virtual time 0: nanoseconds since 1970. */
  readonly rtcEpochNs?: bigint
  /** 32 octets, from which the TPM's random octets follow. By default they differ with the MAC address. */
  readonly tpmSeed?: Uint8Array
  /**
   * The board is QEMU's to the last device, as a stream shows it: with flash, boot ROM, PCI and fw_cfg, which guests here
   * never touch, and without the TPM, which QEMU's has not. Default false.
   */
  readonly qemuBoard?: boolean
}

/** A block of memory by its name on the stream. */
export interface MemoryBlock {
  readonly name: string
  readonly memory: Ram | IdleMemory
}

export interface SliceOutcome {
  /** Instructions begun, which is the cycles used. */
  readonly executed: number
  /**
   * `waiting`: in `wfi` with no enabled interrupt pending. `halted`: `exit` says how. `page-missing`: the next
   * instruction needs one of `wantedPages`. `watched`: the watched word is no longer 0.
   */
  readonly state: 'running' | 'waiting' | 'halted' | 'page-missing' | 'watched'
}

/**
 * Two machines with equal RAM and equal device state, given the same slices and inputs, behave the same to the last
 * instruction. What a device has already sent (console output, frames) is not state: take it before the machine is gone.
 */
export class Machine {
  readonly ram: Ram
  /** RAM and what else the board has, in the order of the stream. */
  readonly memory: readonly MemoryBlock[]
  /** In the order of the stream. */
  readonly devices: readonly StatefulDevice[]
  readonly globalState = new GlobalState()
  private readonly clock: GuestClock
  private readonly board: Board
  private readonly hart: Hart

  constructor(options: MachineOptions) {
    const { ramOctets, nicMac, hartHz = HART_HZ, rtcEpochNs = RTC_EPOCH_NS, qemuBoard = false } = options
    const tpmSeed = options.tpmSeed ?? sha256(nicMac)
    if (nicMac.length !== 6) throw new InputError(`a MAC address has 6 octets, not ${nicMac.length}`)
    if (tpmSeed.length !== TPM_SEED_OCTETS)
      throw new InputError(`a TPM's seed has ${TPM_SEED_OCTETS} octets, not ${tpmSeed.length}`)
    this.ram = new Ram(ramOctets)
    this.clock = new GuestClock(hartHz)
    this.board = new Board(this.ram, this.clock, nicMac, rtcEpochNs, qemuBoard ? null : tpmSeed)
    this.hart = new Hart(this.ram, this.board)
    this.board.hart = this.hart
    this.ram.code = this.hart.code
    const parts = qemuBoard ? new QemuBoardParts() : null
    const ramBlock = { name: RAM_BLOCK, memory: this.ram }
    this.memory = parts === null ? [ramBlock] : [...parts.flashMemory, ramBlock, parts.romMemory]
    this.devices = this.orderedDevices(parts)
  }

  /** As QEMU's board registers them (hw/riscv/virt.c); those that only ours has come before the last. */
  private orderedDevices(parts: QemuBoardParts | null): readonly StatefulDevice[] {
    const { clint, plic, uart, nic, finisher, rtc, tpm, tpmCrb } = this.board
    return [
      new TimerState(this.clock, clint),
      new CpuCommon(this.hart, this.board),
      new HartState(this.hart, this.board),
      ...[clint, plic],
      ...(parts?.pci ?? []),
      ...[uart, rtc],
      ...(parts?.flash ?? []),
      nic,
      ...(parts === null ? [] : [parts.firmwareConfiguration]),
      ...[new ConsoleQueue(uart), finisher],
      ...[tpm, tpmCrb].filter((device) => device !== null),
      this.globalState,
    ]
  }

  /** Those that keep what they know while the power is off. */
  get permanentDevices(): readonly StatefulDevice[] {
    return this.board.tpm === null ? [] : [this.board.tpm]
  }

  /** Power comes on, before anything has run: what is kept without power is there from before. */
  powerOn(): void {
    this.board.tpm?.powerOn()
  }

  /** The serial port, from the outside: `receive` what is typed, `takeOutput` of what the guest wrote. */
  get console(): Uart {
    return this.board.uart
  }

  /** The network device, from the outside: `receiveFrame`, `takeFrames`. */
  get nic(): VirtioNet {
    return this.board.nic
  }

  /** How the guest ended the run, or null. */
  /** Loads and stores so far at devices for which a hypervisor leaves its guest. */
  get trappedAccesses(): number {
    return this.board.trappedAccesses
  }

  /** Stores so far that were the first to their page since the dirty log was read. */
  get loggedStores(): number {
    return this.ram.loggedStores
  }

  get exit(): MachineExit | null {
    return this.board.finisher.exit
  }

  /** Address of the next instruction. */
  get pc(): number {
    return this.hart.pc
  }

  /** Instructions retired since power-on, modulo 2^64 and unless the guest wrote to `minstret`. */
  get instructionsRetired(): bigint {
    return this.hart.minstret()
  }

  /** The hart stands still: its next instruction needs a page that has not come. */
  get isStalled(): boolean {
    return this.hart.missingPage >= 0 && this.ram.isMissing(this.hart.missingPage)
  }

  /** The pages of RAM that the hart and the network device stand still for, the hart's first. */
  wantedPages(): number[] {
    return [this.hart.missingPage, this.nic.missingPage].filter((page) => page >= 0 && this.ram.isMissing(page))
  }

  /** A missing page came. False when it was not missing: what is here may be newer, and stays. */
  pageArrived(page: number, octets: Uint8Array): boolean {
    const isAwaited = this.nic.missingPage === page
    if (!this.ram.pageArrived(page, octets)) return false
    if (isAwaited) this.nic.retry()
    return true
  }

  /** Load an ELF32 program (`WireError` if it is not one for this machine) and start at its entry. */
  loadElf(octets: Uint8Array): void {
    this.hart.pc = loadElf(this.ram, octets)
  }

  /** Load octets as they are and start at their first. */
  loadFlat(octets: Uint8Array, address: number): void {
    loadFlat(this.ram, octets, address)
    this.hart.pc = address
  }

  /**
   * Run one slice that begins at virtual time `nowNs`: at most `instructions`. `mtime` advances with the instructions
   * inside the slice, and its interrupt comes at the exact one; what happened outside is seen at the slice's start.
   */
  runSlice(nowNs: Nanos, instructions: number): SliceOutcome {
    this.clock.startSlice(nowNs)
    const outcome = this.runUntilSliceEnd(instructions)
    this.clock.endSlice(outcome.executed)
    this.board.stepsBeforeRun = 0
    return outcome
  }

  /** When `waiting`: the virtual time at which timer or alarm may wake the hart, or null if neither will. */
  wakeAtNs(): Nanos | null {
    if (!this.hart.waiting) return null
    const { board, clock, hart } = this
    const timerNs = (hart.mie & INTERRUPT_TIMER) === 0 ? null : board.clint.lineChangeNs(board.guestNs())
    const alarmNs =
      (hart.mie & INTERRUPT_EXTERNAL) === 0 ? null : board.rtc.alarmDueNs(clock.virtualNsAt(board.guestNs()))
    return earlier(timerNs === null ? null : clock.virtualNsAt(timerNs), alarmNs)
  }

  /** Whether an enabled interrupt is pending at virtual time `nowNs`, so that a slice would wake the hart. */
  hasPendingInterrupt(nowNs: Nanos): boolean {
    this.board.driveLines(this.clock.atVirtualNs(nowNs))
    return (this.hart.mip & this.hart.mie) !== 0
  }

  /**
   * The guest's clock stands still from `nowNs` until the next slice, wherever that is run: `mtime` goes on without a
   * jump when the machine resumes, here or, after `saveState` and `loadState`, on another host.
   */
  pause(nowNs: Nanos): void {
    this.clock.stop(nowNs)
  }

  private runUntilSliceEnd(instructions: number): SliceOutcome {
    const { board, hart } = this
    for (let executed = 0; ;) {
      if (this.exit !== null) return { executed, state: 'halted' }
      if (this.ram.watchedValue !== 0) return { executed, state: 'watched' }
      board.stepsBeforeRun = executed
      const guestNs = board.guestNs()
      board.driveLines(guestNs)
      if (hart.waiting) {
        if ((hart.mip & hart.mie) === 0) return { executed, state: 'waiting' }
        hart.waiting = false
      }
      if (executed >= instructions) return { executed, state: 'running' }
      // A run ends where the timer's line changes or the alarm rings, so that it does at that very instruction.
      const alarmNs = board.rtc.alarmDueNs(this.clock.virtualNsAt(guestNs))
      const dueNs = earlier(
        board.clint.lineChangeNs(guestNs),
        alarmNs === null ? null : this.clock.atVirtualNs(alarmNs),
      )
      const end = dueNs === null ? instructions : this.clock.stepsUntil(dueNs, instructions)
      executed += hart.run(end - executed)
      if (hart.missingPage >= 0) return { executed, state: 'page-missing' }
    }
  }
}

function earlier(a: Nanos | null, b: Nanos | null): Nanos | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b)
}
