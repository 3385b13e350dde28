/**
 * 16550A serial port: the guest's console (National Semiconductor PC16550D data sheet; QEMU's hw/char/serial.c).
 *
 * The line is infinitely fast: what is written has left at once, and what was typed is there as soon as the FIFO has
 * room. So the receive interrupt comes at any trigger level, as the data sheet's time-out would bring it. Left out: modem
 * lines, line errors. Typed octets that wait their turn are part of the device state: none is ever lost.
 */
import { OctetWriter } from '../base/octets.js'
import type { StatefulDevice, StateValues } from './device-state.js'
import { FIFO_OCTETS, SERIAL_DESCRIPTION } from './serial-description.js'
import { StateReader } from './state-values.js'

/** Typed octets that may wait, those in the FIFO included. */
export const CONSOLE_QUEUE_OCTETS = 4096

const LCR_DLAB = 0x80
const IER_RECEIVED = 1
const IER_TRANSMITTED = 2
const IIR_NONE = 0x01
const IIR_TRANSMITTED = 0x02
const IIR_RECEIVED = 0x04
const IIR_TIMED_OUT = 0x0c
const IIR_IDENTITY = 0x06
const IIR_FIFOS = 0xc0
const FCR_ENABLE = 1
const FCR_RESET_RECEIVER = 2
const FCR_RESET_TRANSMITTER = 4
/** What can be told of it later: FIFO enable, DMA mode, trigger level. */
const FCR_KEPT = 0xc9
const MCR_OUT2 = 0x08
const MCR_LOOP = 0x10
const LSR_DATA_READY = 0x01
const LSR_HOLDING_EMPTY = 0x20
/** Transmitter holding register and transmitter empty. */
const LSR_TRANSMITTER_EMPTY = 0x60
/** Octets in the FIFO at which the receive interrupt comes, by the two highest bits of FCR (section 8.5). */
const TRIGGER_LEVELS = [1, 4, 8, 14] as const
/** Data carrier detect, data set ready, clear to send. */
const MSR_CONNECTED = 0xb0

export class Uart implements StatefulDevice {
  readonly stateDescription = SERIAL_DESCRIPTION
  private divider = 12
  private ier = 0
  private lcr = 0
  private mcr = MCR_OUT2
  private scr = 0
  private fcr = 0
  /** The transmitter-empty interrupt is wanted and not yet acknowledged. */
  private transmittedPending = false
  private readonly received = new Uint8Array(CONSOLE_QUEUE_OCTETS)
  private receivedCount = 0
  private readonly output = new OctetWriter()

  /**
   * Octets typed at the console. Returns how many were taken: all, unless more than `CONSOLE_QUEUE_OCTETS` would wait;
   * the caller keeps the rest and offers it again.
   */
  receive(octets: Uint8Array): number {
    const taken = Math.min(octets.length, CONSOLE_QUEUE_OCTETS - this.receivedCount)
    this.received.set(octets.subarray(0, taken), this.receivedCount)
    this.receivedCount += taken
    return taken
  }

  /** What the guest wrote since the last call. It has left the machine and is no part of its state. */
  takeOutput(): Uint8Array {
    return this.output.take()
  }

  isInterrupting(): boolean {
    return this.interruptIdentity() !== IIR_NONE
  }

  load(offset: number): number {
    const isDivider = (this.lcr & LCR_DLAB) !== 0
    switch (offset) {
      case 0:
        return isDivider ? this.divider & 0xff : this.readReceived()
      case 1:
        return isDivider ? this.divider >>> 8 : this.ier
      case 2: {
        const identity = this.interruptIdentity()
        if (identity === IIR_TRANSMITTED) this.transmittedPending = false
        return identity | (this.hasFifos ? IIR_FIFOS : 0)
      }
      case 3:
        return this.lcr
      case 4:
        return this.mcr
      case 5:
        return LSR_TRANSMITTER_EMPTY | (this.receivedCount > 0 ? LSR_DATA_READY : 0)
      case 6:
        return (this.mcr & MCR_LOOP) === 0 ? MSR_CONNECTED : loopedLines(this.mcr)
      case 7:
        return this.scr
      default:
        return 0
    }
  }

  store(offset: number, value: number): void {
    let octet = value & 0xff
    const isDivider = (this.lcr & LCR_DLAB) !== 0
    switch (offset) {
      case 0:
        if (isDivider) this.divider = (this.divider & 0xff00) | octet
        else {
          if ((this.mcr & MCR_LOOP) === 0) this.output.u8(octet)
          else this.receive(Uint8Array.of(octet))
          this.transmittedPending = true
        }
        break
      case 1:
        if (isDivider) this.divider = (this.divider & 0xff) | (octet << 8)
        else {
          // Enabling the interrupt while the transmitter is empty raises it at once.
          if ((octet & ~this.ier & IER_TRANSMITTED) !== 0) this.transmittedPending = true
          this.ier = octet & 0x0f
        }
        break
      case 2:
        // Section 8.5: switching the FIFOs on or off empties them. Off, there is one octet to lose.
        const held = this.heldOctets
        if (((octet ^ this.fcr) & FCR_ENABLE) !== 0) octet |= FCR_RESET_RECEIVER | FCR_RESET_TRANSMITTER
        this.fcr = octet & FCR_KEPT
        if ((octet & FCR_RESET_TRANSMITTER) !== 0) this.transmittedPending = true
        if ((octet & FCR_RESET_RECEIVER) !== 0) this.dropReceived(held)
        break
      case 3:
        this.lcr = octet
        break
      case 4:
        this.mcr = octet & 0x1f
        break
      case 7:
        this.scr = octet
        break
    }
  }

  /** What was typed beyond what the FIFO, or without FIFOs the one register, holds. */
  waiting(): Uint8Array {
    return this.received.slice(this.heldOctets, this.receivedCount)
  }

  /** Put `octets` in place of that: as many as there is room for. */
  setWaiting(octets: Uint8Array): void {
    this.receivedCount = this.heldOctets
    this.receive(octets)
  }

  saveState(): StateValues {
    const held = this.received.slice(0, this.heldOctets)
    // Fewer octets than the trigger level: here they interrupt at once, in QEMU when a timer has run out.
    const isTimedOut = this.hasFifos && held.length > 0 && held.length < TRIGGER_LEVELS[this.fcr >>> 6]!
    const identity = this.interruptIdentity()
    const shown = identity === IIR_RECEIVED && isTimedOut ? IIR_TIMED_OUT : identity
    const isPending = this.transmittedPending
    const isImplied = (this.ier & IER_TRANSMITTED) === 0 || isPending === (identity === IIR_TRANSMITTED)
    const data = new Uint8Array(FIFO_OCTETS)
    if (this.hasFifos) data.set(held)
    return {
      serial: {
        divider: this.divider,
        rbr: this.hasFifos ? 0 : (held[0] ?? 0),
        ier: this.ier,
        iir: shown | (this.hasFifos ? IIR_FIFOS : 0),
        lcr: this.lcr,
        mcr: this.mcr,
        lsr: this.load(5),
        msr: this.load(6),
        scr: this.scr,
        fcr_vmstate: this.fcr,
        ...(isImplied ? {} : { 'serial/thr_ipending': { thr_ipending: isPending ? 1 : 0 } }),
        ...(this.hasFifos && held.length > 0
          ? { 'serial/recv_fifo': { recv_fifo: { data, head: 0, num: held.length } } }
          : {}),
        ...(isTimedOut ? { 'serial/timeout_ipending': { timeout_ipending: 1 } } : {}),
      },
    }
  }

  /** What a QEMU had not put out yet is put out now. */
  loadState(values: StateValues): void {
    const state = new StateReader('serial', values).struct('serial')
    const divider = state.number('divider', 0xffff)
    const [ier, lcr, mcr] = [state.number('ier', 0x0f), state.number('lcr', 0xff), state.number('mcr', 0x1f)]
    const [scr, fcr, iir] = [
      state.number('scr', 0xff),
      state.number('fcr_vmstate', FCR_KEPT),
      state.number('iir', 0xff),
    ]
    if ((fcr & ~FCR_KEPT) !== 0) state.refuse('fcr_vmstate', `0x${fcr.toString(16)}: it has bits that do not last`)
    const [lsr, rbr] = [state.number('lsr', 0xff), state.number('rbr', 0xff)]
    const implied = (iir & IIR_IDENTITY) === IIR_TRANSMITTED ? 1 : 0
    const isPending = state.subsection('serial/thr_ipending')?.number('thr_ipending', 1) ?? implied
    const hasFifos = (fcr & FCR_ENABLE) !== 0
    const queued = fifoContents(state.subsection('serial/recv_fifo')?.struct('recv_fifo'))
    const received = hasFifos ? queued : Uint8Array.of(rbr).subarray(0, lsr & LSR_DATA_READY)
    const unsent = unsentOctets(state, lsr, hasFifos)
    Object.assign(this, { divider, ier, lcr, mcr, scr, fcr })
    this.transmittedPending = (ier & IER_TRANSMITTED) !== 0 && isPending === 1
    this.received.fill(0)
    this.received.set(received)
    this.receivedCount = received.length
    this.output.octets(unsent)
  }

  private get hasFifos(): boolean {
    return (this.fcr & FCR_ENABLE) !== 0
  }

  /** Octets that the FIFO, or without FIFOs the one register, holds now. */
  private get heldOctets(): number {
    return Math.min(this.hasFifos ? FIFO_OCTETS : 1, this.receivedCount)
  }

  private interruptIdentity(): number {
    if ((this.ier & IER_RECEIVED) !== 0 && this.receivedCount > 0) return IIR_RECEIVED
    return (this.ier & IER_TRANSMITTED) !== 0 && this.transmittedPending ? IIR_TRANSMITTED : IIR_NONE
  }

  private readReceived(): number {
    const octet = this.received[0]!
    if (this.receivedCount === 0) return 0
    this.dropReceived(1)
    return octet
  }

  private dropReceived(count: number): void {
    this.received.copyWithin(0, count, this.receivedCount)
    this.receivedCount -= count
  }
}

/** Section 8.8: in loop-back the outputs DTR, RTS, OUT1 and OUT2 feed the inputs DSR, CTS, RI and DCD. */
function loopedLines(mcr: number): number {
  return ((mcr & 0x0c) << 4) | ((mcr & 0x02) << 3) | ((mcr & 0x01) << 5)
}

function fifoContents(fifo: StateReader | undefined): Uint8Array {
  if (fifo === undefined) return new Uint8Array(0)
  const data = fifo.octets('data', FIFO_OCTETS)
  const [head, count] = [fifo.number('head', FIFO_OCTETS - 1), fifo.number('num', FIFO_OCTETS)]
  return Uint8Array.from({ length: count }, (_, index) => data[(head + index) % FIFO_OCTETS]!)
}

/** What a transmitter that is busy has still to put out, in order: shift register, then FIFO or holding register. */
function unsentOctets(state: StateReader, lsr: number, hasFifos: boolean): Uint8Array {
  const shifter = state.subsection('serial/tsr')
  const shifted = shifter === null ? [] : [shifter.number('tsr', 0xff)]
  if (hasFifos) {
    const queued = fifoContents(state.subsection('serial/xmit_fifo')?.struct('xmit_fifo'))
    return Uint8Array.of(...shifted, ...queued)
  }
  const isHolding = shifter !== null && (lsr & LSR_HOLDING_EMPTY) === 0
  return Uint8Array.of(...shifted, ...(isHolding ? [shifter.number('thr', 0xff)] : []))
}
