import { describe, expect, test } from 'vitest'
import { InputError, WireError } from '../../../core/base/errors.js'
import { copyGraph } from '../../../core/base/snapshot.js'
import { INTERRUPT_TIMER } from '../../../core/cpu/csr.js'
import type { StateValue, StatefulDevice, StateField } from '../../../core/machine/device-state.js'
import { guestPassword } from '../../../core/machine/guest-secrets.js'
import { Machine } from '../../../core/machine/machine.js'
import { assemble } from '../../support/assembler.js'
import { deviceOf, fieldsOf, registersOf, valueAt, withValue } from '../../support/device-states.js'
import { bootGuest, GUEST_MAC, MIB, RunningMachine } from '../../support/guest-machine.js'

function machineWith(program: string): Machine {
  const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
  machine.loadFlat(assemble(program), 0x8000_0000)
  return machine
}

/** What a migration does once the machine is paused: all of RAM, then every device. */
function moved(from: Machine): Machine {
  const to = new Machine({ ramOctets: from.ram.octets.length, nicMac: new Uint8Array(6) })
  to.ram.write(0, from.ram.octets)
  for (const [index, device] of from.devices.entries()) to.devices[index]!.loadState(device.saveState())
  return to
}

const stateOf = (machine: Machine): unknown => machine.devices.map((device) => device.saveState())

/** Set mtimecmp to a1:a0 and wait for the timer; then count in s0 for ever. */
const TIMER_PROGRAM = `
      la t0, handler
      csrw mtvec, t0
      li t0, 0x02004000
      li t1, -1
      sw t1, 4(t0)
      sw a0, 0(t0)
      sw a1, 4(t0)
      li t1, 0x80
      csrw mie, t1
      csrrsi zero, mstatus, 8
    spin:
      addi s0, s0, 1
      j spin
    handler:
      csrr s1, cycle
      csrw mie, zero
      wfi`

describe('Machine', () => {
  test('refuses sizes and addresses that cannot be', () => {
    expect(() => new Machine({ ramOctets: 5000, nicMac: GUEST_MAC })).toThrow(InputError)
    expect(() => new Machine({ ramOctets: MIB, nicMac: new Uint8Array(5) })).toThrow(InputError)
  })

  test('a slice runs exactly its instructions, and the timer interrupt comes at one instruction whatever the slices', () => {
    const outcomes = [7, 100, 1000, 2500].map((slice) => {
      const machine = machineWith(`li a0, 100\nli a1, 0\n${TIMER_PROGRAM}`)
      let nowNs = 0
      while (nowNs < 1e6) {
        const { executed, state } = machine.runSlice(nowNs, slice)
        if (state === 'waiting') break
        expect(executed).toBe(slice)
        nowNs += slice * 20
      }
      return deviceOf(machine, 'cpu').saveState()
    })
    // mtime 100 is 10 microseconds, 500 instructions: the handler's csrr is the 501st.
    for (const state of outcomes) {
      expect((state['env.gpr'] as number[])[9]).toBe(500)
      expect(state).toEqual(outcomes[0])
    }
  })

  test('a timer due soon after the slice in which the hart fell asleep wakes it then', () => {
    const soon = machineWith(
      `li a0, 30\nli a1, 0\n${TIMER_PROGRAM.replace('spin:', `${'nop\n'.repeat(100)}wfi\nspin:`)}`,
    )
    expect(soon.runSlice(0, 2500).state).toBe('waiting')
    expect(soon.wakeAtNs()).toBe(3000)
  })

  test('nothing wakes a hart that asked for no interrupt, nor one that is awake', () => {
    const timer = 'li t0, 0x02004000\nsw zero, 4(t0)\nli t1, 5000\nsw t1, 0(t0)'
    const alarm = 'li t0, 0x101000\nlw t1, 0(t0)\nlw t2, 4(t0)\naddi t2, t2, 1\nsw t2, 12(t0)\nsw t1, 8(t0)'
    const asleep = machineWith(`${timer}\n${alarm}\nwfi`)
    expect([asleep.runSlice(0, 100).state, asleep.wakeAtNs()]).toEqual(['waiting', null])
    const awake = machineWith(`${timer}\nli t1, 0x80\ncsrw mie, t1\nspin:\nj spin`)
    expect([awake.runSlice(0, 100).state, awake.wakeAtNs()]).toEqual(['running', null])
  })

  test('a flat image is run from its first octet, wherever that is', () => {
    const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
    machine.loadFlat(assemble('wfi', 0x8000_1000), 0x8000_1000)
    expect([machine.pc, machine.runSlice(0, 10).state, machine.pc]).toEqual([0x8000_1000, 'waiting', 0x8000_1004])
  })

  test('wfi waits for what can wake it: nothing, or the timer at its very nanosecond', () => {
    const forEver = machineWith('wfi')
    expect(forEver.runSlice(0, 10)).toEqual({ executed: 1, state: 'waiting' })
    expect([forEver.wakeAtNs(), forEver.hasPendingInterrupt(1e12)]).toEqual([null, false])
    expect(forEver.runSlice(50_000, 10)).toEqual({ executed: 0, state: 'waiting' })

    const sleeper = machineWith(`li a0, 5000\nli a1, 0\n${TIMER_PROGRAM.replace('spin:', 'wfi\nspin:')}`)
    sleeper.runSlice(1_000_000, 2500)
    expect(sleeper.wakeAtNs()).toBe(1_500_000)
    expect([sleeper.hasPendingInterrupt(1_499_999), sleeper.hasPendingInterrupt(1_500_000)]).toEqual([false, true])
    expect(sleeper.runSlice(1_499_999, 2500).executed).toBe(0)
    expect(sleeper.runSlice(1_500_000, 2500)).toEqual({ executed: 3, state: 'waiting' })
  })

  test('a typed character interrupts and wakes; the hart sees it at the start of a slice', () => {
    const machine = machineWith(`
      li t0, 0x10000000
      addi t1, zero, 1
      sb t1, 1(t0)          # UART: interrupt on received data
      li t2, 0x0c000028
      sw t1, 0(t2)          # PLIC: priority of source 10
      li t2, 0x0c002000
      li t1, 0x400
      sw t1, 0(t2)          # enable it
      li t1, 0x800
      csrw mie, t1
      wfi
      li t2, 0x0c200004
      lw a0, 0(t2)
      lbu a1, 0(t0)
      csrr a2, mip
      sw a0, 0(t2)
      wfi`)
    expect(machine.runSlice(0, 100).state).toBe('waiting')
    machine.console.receive(Uint8Array.of(0x41))
    expect(machine.hasPendingInterrupt(50_000)).toBe(true)
    expect(machine.runSlice(50_000, 100).state).toBe('waiting')
    const registers = registersOf(machine)
    expect(registers.slice(10, 13)).toEqual([10, 0x41, INTERRUPT_TIMER])
  })

  test('empty transports answer as transports, the rest of the bus with access faults', () => {
    const machine = machineWith(`
      la t0, handler
      csrw mtvec, t0
      li t1, 0x10002000
      lw a0, 0(t1)
      lw a1, 4(t1)
      lw a2, 8(t1)
      li t1, 0x20000000
      lw a3, 0(t1)
    handler:
      csrr a4, mcause
      wfi`)
    machine.runSlice(0, 100)
    expect(registersOf(machine).slice(10, 15)).toEqual([0x74726976, 2, 0, 0, 5])
  })

  test('the finisher halts, also a copy that starts from the halted state', () => {
    const machine = machineWith('li t0, 0x100000\nli t1, 0x33333\nsw t1, 0(t0)\nspin:\nj spin')
    expect(machine.runSlice(0, 100)).toEqual({ executed: 5, state: 'halted' })
    expect(machine.exit).toEqual({ kind: 'fail', code: 3 })
    expect(moved(machine).runSlice(0, 100)).toEqual({ executed: 0, state: 'halted' })
  })

  test('mtime stands still while paused and goes on without a jump, here and on another host', () => {
    const readTime = 'li t0, 0x0200bff8\nloop:\nlw a0, 0(t0)\nj loop'
    const timeOf = (machine: Machine): number => registersOf(machine)[10]!
    const machine = machineWith(readTime)
    machine.runSlice(0, 2500)
    machine.runSlice(50_000, 2500)
    machine.pause(100_000)
    const there = moved(machine)
    machine.runSlice(7e9, 2500)
    there.runSlice(123_456_789, 2500)
    for (const resumed of [machine, there]) {
      expect(timeOf(resumed)).toBeGreaterThan(1450)
      expect(timeOf(resumed)).toBeLessThanOrEqual(1500)
    }
  })
})

describe('device state', () => {
  const isOfType = (value: StateValue | undefined, { type, size, arrayLength }: StateField): boolean => {
    if (type === 'buffer') return value instanceof Uint8Array && value.length === size
    const elements = arrayLength === undefined ? [value] : Array.isArray(value) ? (value as StateValue[]) : []
    const expected = type === 'bool' ? 'boolean' : type.endsWith('64') ? 'bigint' : 'number'
    return elements.length === (arrayLength ?? 1) && elements.every((element) => typeof element === expected)
  }
  /** Follow from other fields, and are there for QEMU. */
  const derived = new Set(['msr', 'num_default', 'broken', 'started', 'desc', 'used', 'avail', 'num', 'config.mac'])

  const { devices } = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
  test.each(devices.map((device) => [device.stateDescription.idstr, device] as const))(
    '%s: its description names what it saves, and it refuses each field missing or of another kind',
    (_idstr, device: StatefulDevice) => {
      const state = device.saveState()
      const fields = fieldsOf(device.stateDescription, state)
      expect(fields.length).toBeGreaterThan(0)
      for (const { path, field } of fields) {
        const name = path.join('/')
        expect(isOfType(valueAt(state, path), field), name).toBe(true)
        if (derived.has(field.name)) continue
        expect(() => device.loadState(withValue(state, path, undefined)), name).toThrow(WireError)
        const other = field.type === 'bool' ? 1 : true
        expect(() => device.loadState(withValue(state, path, other)), name).toThrow(WireError)
      }
      device.loadState(state)
      expect(device.saveState()).toEqual(state)
    },
  )

  test.each([
    { 'env.pc': 0x80000001 },
    { 'env.mstatus': 1n },
    { 'env.mepc': 2 },
    { 'env.gpr': new Array<number>(32).fill(1) },
  ])('the hart refuses %o', (damage) => {
    const hart = deviceOf(new Machine({ ramOctets: MIB, nicMac: GUEST_MAC }), 'cpu')
    expect(() => hart.loadState({ ...hart.saveState(), ...damage })).toThrow(WireError)
  })

  test('a guest moved in the middle of its work, of typing and of a command goes on exactly as one that stayed', () => {
    const guest = bootGuest({ pagesPerSecond: 5000 })
    guest.expect('login: ')
    guest.type(`alice\r${guestPassword(0x00c0_ffee, 'alice')}\rset note `)
    guest.expect('set note ')
    guest.type('typed before the move\rget note\r')
    guest.machine.pause(guest.nowNs)
    const there = new RunningMachine(moved(guest.machine))
    there.nowNs = guest.nowNs
    there.machine.nic.receiveFrame(new Uint8Array(60))
    guest.machine.nic.receiveFrame(new Uint8Array(60))
    for (const running of [guest, there]) running.run(1.2e9)
    expect(there.expect('typed before the move\r\nalice')).toBe(guest.expect('typed before the move\r\nalice'))
    expect(stateOf(there.machine)).toEqual(stateOf(guest.machine))
    expect(Buffer.compare(there.machine.ram.octets, guest.machine.ram.octets)).toBe(0)
  })

  test('a copied machine goes on as the first does, and leaves it alone', () => {
    const guest = bootGuest({ pagesPerSecond: 5000 }, { ramOctets: 2 * MIB })
    guest.expect('login: ')
    guest.machine.ram.startDirtyLog()
    const kept = copyGraph(guest)
    for (const running of [guest, kept]) {
      running.type('root\r')
      running.run(0.3e9)
    }
    const dirty = [guest, kept].map(({ machine }) => {
      const bits = new Uint32Array(machine.ram.pageCount / 32)
      machine.ram.takeDirty(bits)
      return bits
    })
    expect(dirty[1]).toEqual(dirty[0])
    expect(stateOf(kept.machine)).toEqual(stateOf(guest.machine))
    expect(Buffer.compare(kept.machine.ram.octets, guest.machine.ram.octets)).toBe(0)
    expect(kept.machine.ram.octets.buffer).not.toBe(guest.machine.ram.octets.buffer)
  })
})
