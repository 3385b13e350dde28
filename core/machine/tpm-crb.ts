/**
 * TPM 2.0 behind a Command Response Buffer (TCG PC Client Platform TPM Profile 1.05, section 6.5; QEMU's
 * hw/tpm/tpm_crb.c), locality 0 only. A page of registers and buffer, read in any width:
 *
 *     0x00 LOC_STATE   0x08 LOC_CTRL   0x0c LOC_STS   0x30 INTF_ID (64 bits)
 *     0x40 CTRL_REQ   0x44 CTRL_STS   0x48 CTRL_CANCEL   0x4c CTRL_START
 *     0x58 CTRL_CMD_SIZE   0x5c CTRL_CMD_ADDR (64 bits)   0x64 CTRL_RSP_SIZE   0x68 CTRL_RSP_ADDR (64 bits)
 *     0x80 data buffer, for commands and their responses
 *
 * A guest requests the locality, asks for cmdReady, writes a command into the buffer, sets Start and finds the response in
 * the buffer. A command takes no time, so Start always reads 0 and there is nothing to interrupt for; one that is started
 * while Cancel is set answers TPM_RC_CANCELED.
 */
import { readU32be } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'
import { errorResponse, executeCommand } from './tpm/execute-command.js'
import { HEADER_OCTETS, MESSAGE_OCTETS_MAX, RC } from './tpm/tpm-codes.js'
import type { TpmState } from './tpm/tpm-state.js'

/** Where the page is. QEMU's `virt` has its platform bus here, with nothing on it but what a user asks for. */
export const TPM_CRB_BASE = 0x0400_0000
export const TPM_CRB_OCTETS = 0x1000

const REGISTER = {
  locState: 0x00,
  locCtrl: 0x08,
  locSts: 0x0c,
  intfId: 0x30,
  intfId2: 0x34,
  ctrlReq: 0x40,
  ctrlSts: 0x44,
  ctrlCancel: 0x48,
  ctrlStart: 0x4c,
  ctrlCmdSize: 0x58,
  ctrlCmdLaddr: 0x5c,
  ctrlRspSize: 0x64,
  ctrlRspAddr: 0x68,
} as const
const BUFFER = 0x80

const LOC_STATE_NOT_ESTABLISHED = 1 << 0
const LOC_STATE_ASSIGNED = 1 << 1
const LOC_STATE_VALID = 1 << 7
const LOC_CTRL_REQUEST = 1
const LOC_CTRL_RELINQUISH = 2
const REQ_CMD_READY = 1
const REQ_GO_IDLE = 2
const STS_IDLE = 1 << 1
/** CRB in use, version 1, locality 0 only, 64 octets at a time, CRB the only interface there is. */
const INTF_ID = 0x1 | (0x1 << 4) | (3 << 11) | (1 << 14) | (1 << 17)
/** The vendor that QEMU's has (PCI_VENDOR_ID_IBM). */
const VENDOR = 0x1014

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'tpm-crb',
  instanceId: 0,
  version: 1,
  vmsdName: 'tpm-crb',
  fields: [
    { name: 'loc_assigned', type: 'bool' },
    { name: 'idle', type: 'bool' },
    { name: 'cancel', type: 'bool' },
    { name: 'buffer', type: 'buffer', size: MESSAGE_OCTETS_MAX },
  ],
} satisfies DeviceStateDescription)

export class TpmCrb implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  private hasLocality = false
  private isIdle = true
  private isCancelling = false
  private readonly buffer = new Uint8Array(MESSAGE_OCTETS_MAX)

  constructor(private readonly tpm: TpmState) {}

  load(offset: number, width: number): number {
    if (offset >= BUFFER) {
      let value = 0
      for (let i = width - 1; i >= 0; i--) value = (value << 8) | this.buffer[offset - BUFFER + i]!
      return value >>> 0
    }
    const word = this.register(offset & ~3) >>> (8 * (offset & 3))
    return width === 4 ? word : word & (width === 2 ? 0xffff : 0xff)
  }

  /** A register takes what is written at its address, in any width. */
  store(offset: number, width: number, value: number, nowNs: Nanos): boolean {
    if (offset >= BUFFER) for (let i = 0; i < width; i++) this.buffer[offset - BUFFER + i] = value >>> (8 * i)
    else if (offset === REGISTER.locCtrl) {
      if (value === LOC_CTRL_REQUEST) this.hasLocality = true
      else if (value === LOC_CTRL_RELINQUISH) this.hasLocality = false
    } else if (offset === REGISTER.ctrlReq) {
      if (value === REQ_CMD_READY) this.isIdle = false
      else if (value === REQ_GO_IDLE) this.isIdle = true
    } else if (offset === REGISTER.ctrlCancel) this.isCancelling = (value & 1) !== 0
    else if (offset === REGISTER.ctrlStart && (value & 1) !== 0) this.start(nowNs)
    return true
  }

  saveState(): StateValues {
    return {
      loc_assigned: this.hasLocality,
      idle: this.isIdle,
      cancel: this.isCancelling,
      buffer: this.buffer.slice(),
    }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('tpm-crb', values)
    const registers = {
      hasLocality: state.bool('loc_assigned'),
      isIdle: state.bool('idle'),
      isCancelling: state.bool('cancel'),
    }
    this.buffer.set(state.octets('buffer', MESSAGE_OCTETS_MAX))
    Object.assign(this, registers)
  }

  private register(offset: number): number {
    switch (offset) {
      case REGISTER.locState:
        return LOC_STATE_VALID | LOC_STATE_NOT_ESTABLISHED | (this.hasLocality ? LOC_STATE_ASSIGNED : 0)
      case REGISTER.locSts:
        return this.hasLocality ? 1 : 0
      case REGISTER.intfId:
        return INTF_ID
      case REGISTER.intfId2:
        return VENDOR
      case REGISTER.ctrlSts:
        return this.isIdle ? STS_IDLE : 0
      case REGISTER.ctrlCancel:
        return this.isCancelling ? 1 : 0
      case REGISTER.ctrlCmdSize:
      case REGISTER.ctrlRspSize:
        return MESSAGE_OCTETS_MAX
      case REGISTER.ctrlCmdLaddr:
      case REGISTER.ctrlRspAddr:
        return TPM_CRB_BASE + BUFFER
      default:
        return 0
    }
  }

  /** Only for who has the locality, and not while idle (table "CRB states"). */
  private start(nowNs: Nanos): void {
    if (!this.hasLocality || this.isIdle) return
    // The command says how long it is; what it claims beyond the buffer was never sent.
    const claimed = readU32be(this.buffer, 2)
    const command = this.buffer.slice(0, Math.min(Math.max(claimed, HEADER_OCTETS), MESSAGE_OCTETS_MAX))
    const response = this.isCancelling ? errorResponse(RC.cancelled) : executeCommand(this.tpm, command, 0, nowNs)
    this.buffer.fill(0)
    this.buffer.set(response)
  }
}
