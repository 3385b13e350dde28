/**
 * 16550A serial port: the guest's console (National Semiconductor PC16550D data sheet; QEMU's hw/char/serial.c).
 *
 * The line is infinitely fast: what is written has left at once, and what was typed is there as soon as the FIFO has
 * room. So the receive interrupt comes at any trigger level, as the data sheet's time-out would bring it. Left out: modem
 * lines, line errors. Typed octets that wait their turn are part of the device state: none is ever lost.
 */
import { OctetWriter } from '../base/octets.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'

const FIFO_OCTETS = 16
/** Typed octets that may wait, those in the FIFO included. */
export const CONSOLE_QUEUE_OCTETS = 4096

const LCR_DLAB = 0x80
const IER_RECEIVED = 1
const IER_TRANSMITTED = 2
const IIR_NONE = 0x01
const IIR_TRANSMITTED = 0x02
const IIR_RECEIVED = 0x04
const FCR_ENABLE = 1
const FCR_RESET_RECEIVER = 2
/** What can be told of it later: FIFO enable, DMA mode, trigger level. */
const FCR_KEPT = 0xc9
const MCR_OUT2 = 0x08
const MCR_LOOP = 0x10
const LSR_DATA_READY = 0x01
/** Transmitter holding register and transmitter empty. */
const LSR_TRANSMITTER_EMPTY = 0x60
/** Data carrier detect, data set ready, clear to send. */
const MSR_CONNECTED = 0xb0

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'serial',
  instanceId: 0,
  version: 3,
  vmsdName: 'serial',
  fields: [
    { name: 'divider', type: 'uint16' },
    { name: 'ier', type: 'uint8' },
    { name: 'lcr', type: 'uint8' },
    { name: 'mcr', type: 'uint8' },
    { name: 'scr', type: 'uint8' },
    { name: 'fcr', type: 'uint8' },
    { name: 'thr_ipending', type: 'bool' },
    { name: 'recv_count', type: 'uint16' },
    { name: 'recv_queue', type: 'buffer', size: CONSOLE_QUEUE_OCTETS },
  ],
} satisfies DeviceStateDescription)

export class Uart implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
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
        return identity | (this.fcr & FCR_ENABLE ? 0xc0 : 0)
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
    const octet = value & 0xff
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
        this.fcr = octet & FCR_KEPT
        if ((octet & FCR_RESET_RECEIVER) !== 0) this.dropReceived(Math.min(FIFO_OCTETS, this.receivedCount))
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

  saveState(): StateValues {
    const queue = new Uint8Array(CONSOLE_QUEUE_OCTETS)
    queue.set(this.received.subarray(0, this.receivedCount))
    return {
      divider: this.divider,
      ier: this.ier,
      lcr: this.lcr,
      mcr: this.mcr,
      scr: this.scr,
      fcr: this.fcr,
      thr_ipending: this.transmittedPending,
      recv_count: this.receivedCount,
      recv_queue: queue,
    }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('serial', values)
    const divider = state.number('divider', 0xffff)
    const [ier, lcr, mcr] = [state.number('ier', 0x0f), state.number('lcr', 0xff), state.number('mcr', 0x1f)]
    const [scr, fcr] = [state.number('scr', 0xff), state.number('fcr', FCR_KEPT)]
    if ((fcr & ~FCR_KEPT) !== 0) state.refuse('fcr', 'has bits that do not last')
    const transmittedPending = state.bool('thr_ipending')
    const receivedCount = state.number('recv_count', CONSOLE_QUEUE_OCTETS)
    const received = state.octets('recv_queue', CONSOLE_QUEUE_OCTETS)
    if (received.subarray(receivedCount).some((octet) => octet !== 0))
      state.refuse('recv_queue', 'longer than recv_count says')
    Object.assign(this, { divider, ier, lcr, mcr, scr, fcr, transmittedPending, receivedCount })
    this.received.set(received)
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
