import { describe, expect, test } from 'vitest'
import { InputError, WireError } from '../../../core/base/errors.js'
import { Machine } from '../../../core/machine/machine.js'
import { CC, RC } from '../../../core/machine/tpm/tpm-codes.js'
import { TpmState } from '../../../core/machine/tpm/tpm-state.js'
import { TpmCrb } from '../../../core/machine/tpm-crb.js'
import { assemble } from '../../support/assembler.js'
import { registersOf } from '../../support/device-states.js'
import { GUEST_MAC, MIB } from '../../support/guest-machine.js'
import { responseBody, responseCode, tpmCommand } from '../../support/tpm-octets.js'

const [LOC_STATE, LOC_CTRL, LOC_STS, CTRL_REQ, CTRL_STS, CANCEL, START, BUFFER] = [
  ...[0x00, 0x08, 0x0c, 0x40, 0x44, 0x48, 0x4c, 0x80],
] as [number, number, number, number, number, number, number, number]
const INTF_ID = 0x30
const STARTUP = tpmCommand(CC.startup, '0000')

/** The part of a guest's driver (platform profile, section 6.5.3.9 and on). */
class Driver {
  readonly tpm = new TpmState(new Uint8Array(32))
  readonly crb = new TpmCrb(this.tpm)

  set(register: number, value: number): void {
    this.crb.store(register, 4, value, 0)
  }
  get(register: number): number {
    return this.crb.load(register, 4)
  }
  write(octets: Uint8Array): void {
    for (const [index, octet] of octets.entries()) this.crb.store(BUFFER + index, 1, octet, 0)
  }
  response(): Uint8Array {
    const octet = (index: number): number => this.crb.load(BUFFER + index, 1)
    const length = octet(4) * 256 + octet(5)
    return Uint8Array.from({ length }, (_, index) => octet(index))
  }
  open(): this {
    this.set(LOC_CTRL, 1)
    this.set(CTRL_REQ, 1)
    return this
  }
  execute(command: Uint8Array): Uint8Array {
    this.write(command)
    this.set(START, 1)
    expect(this.get(START)).toBe(0)
    return this.response()
  }
}

describe('command response buffer (PC Client Platform TPM Profile, section 6.5)', () => {
  test('locality 0 is requested, granted, and given back', () => {
    const driver = new Driver()
    expect([driver.get(LOC_STATE), driver.get(LOC_STS)]).toEqual([0x81, 0])
    driver.set(LOC_CTRL, 1)
    expect([driver.get(LOC_STATE), driver.get(LOC_STS)]).toEqual([0x83, 1])
    driver.set(LOC_CTRL, 2)
    expect([driver.get(LOC_STATE), driver.get(LOC_STS)]).toEqual([0x81, 0])
  })

  test('cmdReady and goIdle are done at once, and show in tpmIdle', () => {
    const driver = new Driver()
    const idle = [1, 2, 1, 3].map((request) => {
      driver.set(CTRL_REQ, request)
      return [driver.get(CTRL_REQ), driver.get(CTRL_STS)]
    })
    expect(idle).toEqual([
      [0, 0],
      [0, 2],
      [0, 0],
      [0, 0],
    ])
  })

  test('a command in the buffer is answered in the buffer', () => {
    const driver = new Driver().open()
    expect(responseCode(driver.execute(STARTUP))).toBe(RC.success)
    const response = driver.execute(tpmCommand(CC.getCapability, '00000006 00000100 00000001'))
    expect(responseBody(response)).toBe('010000000600000001' + '00000100' + '322e3000')
    // Nothing is left of what was there before.
    driver.execute(tpmCommand(CC.stirRandom, `0080 ${'ab'.repeat(128)}`))
    for (const at of [10, 12, 139]) expect(driver.crb.load(BUFFER + at, 1)).toBe(0)
    expect(driver.crb.load(0xffc, 4)).toBe(0)
  })

  test('nothing starts without the locality, or in idle', () => {
    const driver = new Driver()
    driver.write(STARTUP)
    driver.set(CTRL_REQ, 1)
    driver.set(START, 1)
    driver.set(LOC_CTRL, 1)
    driver.set(CTRL_REQ, 2)
    driver.set(START, 1)
    expect(driver.tpm.isStarted).toBe(false)
    driver.set(CTRL_REQ, 1)
    driver.set(START, 2)
    expect(driver.tpm.isStarted).toBe(false)
    driver.set(START, 1)
    expect(driver.tpm.isStarted).toBe(true)
  })

  test('a command is cancelled while Cancel is set', () => {
    const driver = new Driver().open()
    driver.set(CANCEL, 1)
    expect(responseCode(driver.execute(STARTUP))).toBe(RC.cancelled)
    driver.set(CANCEL, 0)
    expect(responseCode(driver.execute(STARTUP))).toBe(RC.success)
  })

  test.each([0, 9, 3969, 0xffff_ffff])('a command that says it has %i octets is refused', (size) => {
    const driver = new Driver().open()
    const command = STARTUP.slice()
    new DataView(command.buffer).setUint32(2, size)
    expect(responseCode(driver.execute(command))).toBe(RC.commandSize)
  })

  test('registers can be read in parts', () => {
    const { crb } = new Driver()
    const word = crb.load(INTF_ID, 4)
    expect([0, 1, 2, 3].map((at) => crb.load(INTF_ID + at, 1))).toEqual([0x11, 0x58, 0x02, 0])
    expect([crb.load(INTF_ID + 2, 2), word, crb.load(INTF_ID + 4, 4)]).toEqual([2, 0x0002_5811, 0x1014])
  })

  test('the buffer can be used in any width, little-endian', () => {
    const { crb } = new Driver()
    crb.store(BUFFER, 4, 0x4433_2211, 0)
    crb.store(BUFFER + 4, 2, 0x6655, 0)
    expect([0, 1, 2, 3, 4, 5].map((at) => crb.load(BUFFER + at, 1))).toEqual([0x11, 0x22, 0x33, 0x44, 0x55, 0x66])
    expect([crb.load(BUFFER + 2, 2), crb.load(BUFFER + 4, 4)]).toEqual([0x4433, 0x6655])
  })

  test('the state of a command half written goes into another machine', () => {
    const driver = new Driver().open()
    driver.write(STARTUP.subarray(0, 6))
    const other = new Driver()
    other.crb.loadState(driver.crb.saveState())
    expect(other.crb.saveState()).toEqual(driver.crb.saveState())
    for (const [index, octet] of STARTUP.subarray(6).entries()) other.crb.store(BUFFER + 6 + index, 1, octet, 0)
    other.set(START, 1)
    expect(responseCode(other.response())).toBe(RC.success)
  })

  test.each([{ buffer: new Uint8Array(10) }, { idle: 1 }, { cancel: 0n }])('refuses the state %o', (damage) => {
    const { crb } = new Driver()
    expect(() => crb.loadState({ ...crb.saveState(), ...damage })).toThrow(WireError)
  })
})

describe('the TPM on the board', () => {
  /** Start the TPM up, then read four random octets into s2. */
  const PROGRAM = `
    li s0, 0x04000000
    addi t0, zero, 1
    sw t0, 0x08(s0)
    sw t0, 0x40(s0)
    li t1, 0x00000180       # 8001 0000000c 00000144 0000
    sw t1, 0x80(s0)
    li t1, 0x00000c00
    sw t1, 0x84(s0)
    li t1, 0x00004401
    sw t1, 0x88(s0)
    sw t0, 0x4c(s0)
    li t1, 0x00000180       # 8001 0000000c 0000017b 0004
    sw t1, 0x80(s0)
    li t1, 0x00000c00
    sw t1, 0x84(s0)
    li t1, 0x04007b01
    sw t1, 0x88(s0)
    sw t0, 0x4c(s0)
    lw s2, 0x8c(s0)
    wfi`
  const randomOf = (options: { tpmSeed?: Uint8Array; nicMac?: Uint8Array }): number => {
    const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC, ...options })
    machine.loadFlat(assemble(PROGRAM), 0x8000_0000)
    expect(machine.runSlice(0, 1000).state).toBe('waiting')
    return registersOf(machine)[18]!
  }

  test("a guest gets random octets from it, which follow from the machine's seed", () => {
    const tpmSeed = new Uint8Array(32).fill(7)
    expect(randomOf({ tpmSeed })).not.toBe(0)
    expect(randomOf({ tpmSeed })).toBe(randomOf({ tpmSeed }))
    expect(randomOf({ tpmSeed: new Uint8Array(32) })).not.toBe(randomOf({ tpmSeed }))
    expect(randomOf({})).not.toBe(randomOf({ nicMac: new Uint8Array(6) }))
    expect(() => randomOf({ tpmSeed: new Uint8Array(31) })).toThrow(InputError)
  })
})
