/**
 * The subset of QEMU's `virt` board that guests need, at QEMU's addresses (hw/riscv/virt.c, `virt_memmap`): where each
 * device answers, and how their lines reach the hart. The TPM is the one that QEMU does not have there.
 */
import type { Nanos } from '../base/units.js'
import { INTERRUPT_EXTERNAL, INTERRUPT_SOFTWARE, INTERRUPT_TIMER } from '../cpu/csr.js'
import type { HartBus } from '../cpu/memory.js'
import { Clint } from './clint.js'
import { Finisher } from './finisher.js'
import type { GuestClock } from './guest-clock.js'
import type { HartLines } from './hart-state.js'
import { Plic } from './plic.js'
import type { Ram } from './ram.js'
import { Rtc, RTC_OCTETS } from './rtc.js'
import { TPM_CRB_BASE, TPM_CRB_OCTETS, TpmCrb } from './tpm-crb.js'
import { TpmState } from './tpm/tpm-state.js'
import { Uart } from './uart.js'
import { VENDOR_QEMU, VIRTIO_MAGIC, VirtioNet } from './virtio-net.js'

const FINISHER_BASE = 0x0010_0000
const RTC_BASE = 0x0010_1000
const CLINT_BASE = 0x0200_0000
/** Of the page range it has, as in QEMU: software interrupts in 0x4000 octets, the timer in 0x8000. */
const CLINT_OCTETS = 0xc000
const PLIC_BASE = 0x0c00_0000
const PLIC_OCTETS = 0x60_0000
const UART_BASE = 0x1000_0000
const UART_OCTETS = 8
/** Eight virtio transports, 4 KiB apart; the network device is in the first, the others are empty. */
const VIRTIO_BASE = 0x1000_1000
const VIRTIO_SLOTS = 8
const VIRTIO_OCTETS = 0x200

const PLIC_SOURCE_NETWORK = 1
const PLIC_SOURCE_UART = 10
const PLIC_SOURCE_RTC = 11

/** The hart, as far as its board needs to know it. */
export interface BoardHart {
  mip: number
  stepsInRun(): number
}

export class Board implements HartBus, HartLines {
  readonly clint: Clint
  readonly plic = new Plic()
  readonly uart = new Uart()
  readonly finisher = new Finisher()
  readonly nic: VirtioNet
  readonly rtc: Rtc
  readonly tpm: TpmState | null
  readonly tpmCrb: TpmCrb | null
  /** Set by the machine: the hart needs its bus first. */
  hart: BoardHart | null = null
  /**
   * Loads and stores so far at devices for which a hypervisor leaves its guest. The timer and the interrupt controller are
   * not among them: processors have their own for guests.
   */
  trappedAccesses = 0
  /** Instructions of the present slice begun before the present run. */
  stepsBeforeRun = 0

  constructor(
    ram: Ram,
    private readonly clock: GuestClock,
    nicMac: Uint8Array,
    rtcEpochNs: bigint,
    /** Null for a board without a TPM. */
    tpmSeed: Uint8Array | null,
  ) {
    this.tpm = tpmSeed === null ? null : new TpmState(tpmSeed)
    this.tpmCrb = this.tpm === null ? null : new TpmCrb(this.tpm)
    this.rtc = new Rtc(rtcEpochNs)
    this.clint = new Clint(clock)
    this.nic = new VirtioNet(ram, nicMac)
  }

  /** Guest time at the end of the instruction now executing, or between runs at the end of the last one. */
  guestNs(): number {
    return this.clock.afterSteps(this.stepsBeforeRun + (this.hart?.stepsInRun() ?? 0))
  }

  /** Bring the hart's interrupt lines to what they are at guest time `guestNs`. */
  driveLines(guestNs: number): void {
    this.plic.setLevel(PLIC_SOURCE_UART, this.uart.isInterrupting())
    this.plic.setLevel(PLIC_SOURCE_NETWORK, this.nic.isInterrupting())
    this.plic.setLevel(PLIC_SOURCE_RTC, this.rtc.isInterrupting(this.clock.virtualNsAt(guestNs)))
    if (this.hart === null) return
    this.hart.mip =
      (this.clint.msip ? INTERRUPT_SOFTWARE : 0) |
      (this.clint.isTimerPending(guestNs) ? INTERRUPT_TIMER : 0) |
      (this.plic.isInterrupting() ? INTERRUPT_EXTERNAL : 0)
  }

  settleLines(): void {
    this.driveLines(this.guestNs())
  }

  setSoftwareInterrupt(isHigh: boolean): void {
    this.clint.msip = isHigh
  }

  /** Virtual time at the same instant. A guest that stands still executes nothing that could ask. */
  private virtualNs(): Nanos {
    return this.clock.virtualNsAt(this.guestNs()) ?? 0
  }

  timeLow(): number {
    return this.clint.timeLow(this.guestNs())
  }

  timeHigh(): number {
    return this.clint.timeHigh(this.guestNs())
  }

  load(address: number, width: number): number {
    if (isInside(address, CLINT_BASE, CLINT_OCTETS)) return this.clint.load(address - CLINT_BASE, width, this.guestNs())
    if (isInside(address, PLIC_BASE, PLIC_OCTETS)) {
      const value = this.plic.load(address - PLIC_BASE, width)
      this.driveLines(this.guestNs())
      return value
    }
    this.trappedAccesses++
    if (isInside(address, UART_BASE, UART_OCTETS)) {
      const value = this.uart.load(address - UART_BASE)
      this.driveLines(this.guestNs())
      return value
    }
    if (isInside(address, VIRTIO_BASE, VIRTIO_OCTETS)) return this.nic.load(address - VIRTIO_BASE, width)
    if (isEmptySlot(address)) return loadEmptySlot(address & 0xfff, width)
    if (this.tpmCrb !== null && isInside(address, TPM_CRB_BASE, TPM_CRB_OCTETS))
      return this.tpmCrb.load(address - TPM_CRB_BASE, width)
    if (isInside(address, RTC_BASE, RTC_OCTETS)) return this.rtc.load(address - RTC_BASE, width, this.virtualNs())
    return isInside(address, FINISHER_BASE, 0x1000) && width > 1 ? 0 : -1
  }

  store(address: number, width: number, value: number): boolean {
    if (isInside(address, CLINT_BASE, CLINT_OCTETS))
      return this.clint.store(address - CLINT_BASE, width, value, this.guestNs())
    if (isInside(address, PLIC_BASE, PLIC_OCTETS)) return this.plic.store(address - PLIC_BASE, width, value)
    this.trappedAccesses++
    if (isInside(address, UART_BASE, UART_OCTETS)) this.uart.store(address - UART_BASE, value)
    else if (isInside(address, VIRTIO_BASE, VIRTIO_OCTETS)) return this.nic.store(address - VIRTIO_BASE, width, value)
    else if (this.tpmCrb !== null && isInside(address, TPM_CRB_BASE, TPM_CRB_OCTETS))
      return this.tpmCrb.store(address - TPM_CRB_BASE, width, value, this.virtualNs())
    else if (isInside(address, RTC_BASE, RTC_OCTETS))
      return this.rtc.store(address - RTC_BASE, width, value, this.virtualNs())
    else if (isInside(address, FINISHER_BASE, 0x1000) && width > 1) this.finisher.store(address - FINISHER_BASE, value)
    else return isEmptySlot(address)
    return true
  }
}

function isInside(address: number, base: number, octets: number): boolean {
  return address >= base && address < base + octets
}

function isEmptySlot(address: number): boolean {
  return isInside(address, VIRTIO_BASE + 0x1000, 0x1000 * (VIRTIO_SLOTS - 1)) && (address & 0xfff) < VIRTIO_OCTETS
}

/** A transport without a device has device ID 0 (section 4.2.3.1.1); like QEMU's it answers accesses of any width. */
function loadEmptySlot(offset: number, width: number): number {
  const word = offset === 0 ? VIRTIO_MAGIC : offset === 4 ? 2 : offset === 0xc ? VENDOR_QEMU : 0
  return width === 4 ? word : word & (width === 2 ? 0xffff : 0xff)
}
