import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { INTERRUPT_TIMER } from '../../../core/cpu/csr.js'
import { Machine } from '../../../core/machine/machine.js'
import { Rtc, RTC_EPOCH_NS } from '../../../core/machine/rtc.js'
import { assemble } from '../../support/assembler.js'
import { registersOf } from '../../support/device-states.js'
import { GUEST_MAC, MIB } from '../../support/guest-machine.js'

const [TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH] = [0x00, 0x04, 0x08, 0x0c]
const [IRQ_ENABLED, CLEAR_ALARM, ALARM_STATUS, CLEAR_INTERRUPT] = [0x10, 0x14, 0x18, 0x1c]

const timeOf = (rtc: Rtc, nowNs: number): bigint =>
  BigInt(rtc.load(TIME_LOW, 4, nowNs)) | (BigInt(rtc.load(TIME_HIGH, 4, nowNs)) << 32n)

function setAlarm(rtc: Rtc, at: bigint, nowNs: number): void {
  rtc.store(ALARM_HIGH, 4, Number(at >> 32n), nowNs)
  rtc.store(ALARM_LOW, 4, Number(at & 0xffff_ffffn), nowNs)
}

describe('goldfish RTC', () => {
  test('shows the epoch plus virtual time; TIME_HIGH is what it was when TIME_LOW was read', () => {
    const rtc = new Rtc(0x1_ffff_ff00n)
    expect(rtc.load(TIME_HIGH, 4, 0)).toBe(0)
    expect(timeOf(rtc, 0)).toBe(0x1_ffff_ff00n)
    expect(rtc.load(TIME_HIGH, 4, 0x100)).toBe(1)
    expect(timeOf(rtc, 0x100)).toBe(0x2_0000_0000n)
    expect(timeOf(new Rtc(RTC_EPOCH_NS), 5e9)).toBe(BigInt(Date.UTC(2026, 0, 1, 0, 0, 5)) * 1_000_000n)
  })

  test('every register after reset, and that only words can be read or written', () => {
    const rtc = new Rtc(0n)
    const offsets = Array.from({ length: 9 }, (_, index) => 4 * index)
    expect(offsets.map((offset) => rtc.load(offset, 4, 0))).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
    for (const offset of offsets)
      for (const width of [1, 2]) {
        expect(rtc.load(offset, width, 0)).toBe(-1)
        expect(rtc.store(offset, width, 1, 0)).toBe(false)
      }
    expect(rtc.store(0x20, 4, 1, 0)).toBe(true)
    expect(rtc.saveState()).toEqual(new Rtc(0n).saveState())
  })

  test('either half of the time can be set, and goes on from there', () => {
    const word = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(word, word, fc.nat(1e9), fc.nat(1e9), (high, low, at, later) => {
        const rtc = new Rtc(RTC_EPOCH_NS)
        rtc.store(TIME_HIGH, 4, high, at)
        rtc.store(TIME_LOW, 4, low, at)
        const set = (BigInt(high) << 32n) | BigInt(low)
        expect(timeOf(rtc, at)).toBe(set)
        expect(timeOf(rtc, at + later)).toBe(BigInt.asUintN(64, set + BigInt(later)))
      }),
    )
  })

  test('an alarm rings once, at its nanosecond; ALARM_STATUS says whether one is set', () => {
    const rtc = new Rtc(1000n)
    rtc.store(IRQ_ENABLED, 4, 0xffff_ffff, 0)
    expect(rtc.load(IRQ_ENABLED, 4, 0)).toBe(1)
    setAlarm(rtc, 1500n, 0)
    expect([rtc.load(ALARM_LOW, 4, 0), rtc.load(ALARM_HIGH, 4, 0), rtc.load(ALARM_STATUS, 4, 0)]).toEqual([1500, 0, 1])
    expect([rtc.alarmDueNs(0), rtc.isInterrupting(499), rtc.isInterrupting(500)]).toEqual([500, false, true])
    expect([rtc.load(ALARM_STATUS, 4, 500), rtc.alarmDueNs(500)]).toEqual([0, null])
    rtc.store(CLEAR_INTERRUPT, 4, 0, 600)
    expect(rtc.isInterrupting(700)).toBe(false)
  })

  test('an alarm in the past rings at once; CLEAR_ALARM takes back one that has not rung', () => {
    const rtc = new Rtc(1000n)
    rtc.store(IRQ_ENABLED, 4, 1, 0)
    setAlarm(rtc, 1000n, 0)
    expect(rtc.isInterrupting(0)).toBe(true)
    rtc.store(CLEAR_INTERRUPT, 4, 1, 0)
    setAlarm(rtc, 2000n, 0)
    rtc.store(CLEAR_ALARM, 4, 1, 0)
    expect([rtc.load(ALARM_STATUS, 4, 0), rtc.isInterrupting(5000)]).toEqual([0, false])
  })

  test('an alarm 2^63 nanoseconds ahead or more rings at once, as its timer counts with a sign', () => {
    const rtc = new Rtc(RTC_EPOCH_NS)
    rtc.store(IRQ_ENABLED, 4, 1, 0)
    setAlarm(rtc, RTC_EPOCH_NS + 2n ** 63n - 1n, 0)
    expect(rtc.isInterrupting(1)).toBe(false)
    setAlarm(rtc, RTC_EPOCH_NS + 2n ** 63n, 0)
    expect(rtc.isInterrupting(1)).toBe(true)
  })

  test('a set alarm rings when it was to ring, whatever is written after ALARM_LOW', () => {
    const rtc = new Rtc(1000n)
    rtc.store(IRQ_ENABLED, 4, 1, 0)
    setAlarm(rtc, 0x1_0000_0000n + 1000n, 0)
    rtc.store(ALARM_HIGH, 4, 0, 1)
    rtc.store(TIME_HIGH, 4, 7, 2)
    expect([rtc.load(ALARM_STATUS, 4, 3), rtc.isInterrupting(4), rtc.alarmDueNs(4)]).toEqual([1, false, 2 ** 32])
    const other = new Rtc(1000n)
    other.loadState(rtc.saveState())
    expect([other.isInterrupting(2 ** 32 - 1), other.isInterrupting(2 ** 32)]).toEqual([false, true])
  })

  test('an alarm that rings while interrupts are off interrupts when they are switched on', () => {
    const rtc = new Rtc(0n)
    setAlarm(rtc, 10n, 0)
    expect(rtc.isInterrupting(10)).toBe(false)
    rtc.store(IRQ_ENABLED, 4, 2, 11)
    expect(rtc.isInterrupting(11)).toBe(false)
    rtc.store(IRQ_ENABLED, 4, 1, 12)
    expect(rtc.isInterrupting(12)).toBe(true)
  })

  test('the state takes with it how the guest set the clock, and an alarm', () => {
    const rtc = new Rtc(RTC_EPOCH_NS)
    rtc.store(TIME_HIGH, 4, Number(RTC_EPOCH_NS >> 32n) + 5, 0)
    const set = RTC_EPOCH_NS + 5n * 2n ** 32n
    setAlarm(rtc, set + 7000n, 0)
    rtc.store(IRQ_ENABLED, 4, 1, 0)
    rtc.load(TIME_LOW, 4, 0)
    const other = new Rtc(RTC_EPOCH_NS)
    other.loadState(rtc.saveState())
    expect(other.saveState()).toEqual(rtc.saveState())
    expect([timeOf(other, 6999), other.isInterrupting(6999), other.isInterrupting(7000)]).toEqual([
      set + 6999n,
      false,
      true,
    ])
  })

  test.each([{ alarm_running: 2 }, { tick_offset: -1n }, { irq_pending: true }, { time_high: 2 ** 32 }])(
    'refuses the state %o',
    (damage) => {
      const rtc = new Rtc(0n)
      expect(() => rtc.loadState({ ...rtc.saveState(), ...damage })).toThrow(WireError)
    },
  )
})

/** Sets an alarm for virtual time 30 microseconds, with priority and enable bit of source 11 in the PLIC. */
const ALARM_PROGRAM = `
  li t0, 0x0c00002c
  addi t1, zero, 1
  sw t1, 0(t0)
  li t0, 0x0c002000
  li t1, 0x800
  sw t1, 0(t0)
  csrw mie, t1
  li s0, 0x00101000
  addi t1, zero, 1
  sw t1, 16(s0)
  sw zero, 12(s0)
  li t1, 30000
  sw t1, 8(s0)`

function machineWith(program: string): Machine {
  const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC, rtcEpochNs: 0n })
  machine.loadFlat(assemble(program), 0x8000_0000)
  return machine
}

describe('the RTC on the board', () => {
  test('its interrupt comes at the exact instruction, whatever the slices are', () => {
    const outcomes = [[2500], [1, 7, 100], [600]].map((slices) => {
      const machine = machineWith(`
        la t0, handler
        csrw mtvec, t0
        ${ALARM_PROGRAM}
        csrrsi zero, mstatus, 8
      spin:
        j spin
      handler:
        csrr s1, minstret
        li t0, 0x0c200004
        lw s2, 0(t0)
        lw s3, 0(s0)
        lw s4, 24(s0)
        sw zero, 28(s0)
        sw s2, 0(t0)
        csrr s5, mip
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)`)
      for (let executed = 0, i = 0; machine.exit === null; i++)
        executed += machine.runSlice(20 * executed, slices[i % slices.length]!).executed
      return [registersOf(machine), machine.devices.map((device) => device.saveState())] as const
    })
    // 30 microseconds are 1500 instructions at 50 MHz: the handler's csrr is the 1501st, its read of the clock the 1505th.
    const [gpr] = outcomes[0]!
    expect([gpr[9], gpr[18], gpr[19], gpr[20], gpr[21]]).toEqual([1500, 11, 1505 * 20, 0, INTERRUPT_TIMER])
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0])
  })

  test('the alarm wakes the hart from wfi, if external interrupts are enabled', () => {
    const machine = machineWith(`${ALARM_PROGRAM}\nwfi\nlw s2, 0(s0)\nwfi`)
    expect(machine.runSlice(0, 2500).state).toBe('waiting')
    expect(machine.wakeAtNs()).toBe(30_000)
    expect([machine.hasPendingInterrupt(29_999), machine.hasPendingInterrupt(30_000)]).toEqual([false, true])
    machine.runSlice(50_000, 2500)
    expect(registersOf(machine)[18]).toBe(50_020)
    expect(machineWith('wfi').wakeAtNs()).toBeNull()
  })

  test('unlike mtime it goes on while the machine is paused, and on the host it moved to', () => {
    const read = 'li s0, 0x00101000\nspin:\nlw s2, 0(s0)\ncsrr s3, time\nj spin'
    const machine = machineWith(read)
    machine.runSlice(0, 2500)
    machine.pause(50_000)
    const other = machineWith(read)
    other.ram.write(0, machine.ram.octets)
    for (const [index, device] of other.devices.entries()) device.loadState(machine.devices[index]!.saveState())
    for (const resumed of [machine, other]) {
      resumed.runSlice(10_000_000, 2500)
      const [, , , , , , , , , , , , , , , , , , rtc, mtime] = registersOf(resumed)
      expect(rtc).toBeGreaterThan(10_000_000)
      expect(mtime).toBeLessThan(1001)
    }
    expect(registersOf(other)).toEqual(registersOf(machine))
  })
})
