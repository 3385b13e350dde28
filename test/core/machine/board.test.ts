import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { Board } from '../../../core/machine/board.js'
import { ConsoleQueue } from '../../../core/machine/console-queue.js'
import type {
  StateBody,
  StateField,
  StateValue,
  StateValues,
  StatefulDevice,
} from '../../../core/machine/device-state.js'
import { GuestClock } from '../../../core/machine/guest-clock.js'
import { Machine } from '../../../core/machine/machine.js'
import { Ram } from '../../../core/machine/ram.js'
import { BOARD_REGISTERS, widthsAt } from '../../support/board-registers.js'
import { GUEST_MAC, MIB } from '../../support/guest-machine.js'

const ram = new Ram(MIB)
const board = (): Board => new Board(ram, new GuestClock(50e6), GUEST_MAC, 0n, new Uint8Array(32))

const mask = (width: number): number => (width === 4 ? 0xffff_ffff : width === 2 ? 0xffff : 0xff)
const devices = [...new Set(BOARD_REGISTERS.map(({ device }) => device))]

describe.each(devices)('%s', (device) => {
  test.each(BOARD_REGISTERS.filter((register) => register.device === device))('$name: section $section', (register) => {
    const { address, width, values, otherWidths, faults = [], before = [] } = register
    const bus = board()
    for (const step of before) bus.store(step.address, step.width, step.store ?? 0)
    if (values === null) {
      for (const any of widthsAt(address)) {
        expect([bus.load(address, any), bus.store(address, any, 1)]).toEqual([-1, false])
      }
      return
    }
    const [reset, ones, zeros] = values
    expect(bus.load(address, width)).toBe(reset)
    expect([bus.store(address, width, mask(width)), bus.load(address, width)]).toEqual([true, ones])
    expect([bus.store(address, width, 0), bus.load(address, width)]).toEqual([true, zeros])

    for (const other of widthsAt(address).filter((any) => any < width)) {
      const isFault = otherWidths === 'fault' || faults.includes(other)
      const part = isFault ? -1 : otherWidths === 'nothing' ? 0 : (zeros & mask(other)) >>> 0
      expect([other, bus.load(address, other)]).toEqual([other, part])
      expect(bus.store(address, other, 0x5a)).toBe(!isFault)
      if (isFault || otherWidths === 'nothing') expect(bus.load(address, width)).toBe(zeros)
      bus.store(address, width, 0)
    }
  })
})

test('a register is wider than the octet it is made for on the UART only: the rest reads 0', () => {
  const bus = board()
  expect([bus.load(0x1000_0004, 4), bus.load(0x1000_0004, 2), bus.load(0x1000_0006, 2)]).toEqual([8, 8, 0xb0])
  bus.store(0x1000_0007, 1, 0x1ff & 0xff)
  bus.store(0x1000_0004, 4, 0xffff_ff05)
  expect([bus.load(0x1000_0004, 1), bus.load(0x1000_0007, 1)]).toEqual([5, 0xff])
})

/** Anywhere in a device, at its registers or between them. */
const addresses = fc.oneof(
  fc.constantFrom(...BOARD_REGISTERS.map(({ address }) => address)),
  ...[
    [0x0010_0000, 0x2000],
    [0x0200_0000, 0x1_0000],
    [0x0400_0000, 0x1000],
    [0x0c00_0000, 0x60_0000],
    [0x1000_0000, 0x1_0000],
  ].map(([base, octets]) => fc.nat(octets! - 1).map((offset) => base! + offset)),
  fc.nat(0x7fff_ffff),
)
const word = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 2, 3, 0x8000_0000, 0xffff_ffff))
const accesses = fc.array(
  fc.record({ address: addresses, width: fc.constantFrom(1, 2, 4), value: word, isStore: fc.boolean() }),
  { minLength: 1, maxLength: 60 },
)

test('any accesses to any device give a value, or a fault', () => {
  fc.assert(
    fc.property(accesses, (list) => {
      const bus = board()
      for (const { address, width, value, isStore } of list) {
        const at = address - (address % width)
        if (isStore) expect(bus.store(at, width, (value & mask(width)) >>> 0)).toBeTypeOf('boolean')
        else {
          const loaded = bus.load(at, width)
          expect(Number.isInteger(loaded) && loaded >= -1 && loaded <= mask(width), `${at} ${loaded}`).toBe(true)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('what any accesses made of the devices moves into another machine, and is the same there', () => {
  const devicesOf = ({ clint, plic, uart, nic, finisher, rtc, tpm, tpmCrb }: Board): readonly StatefulDevice[] => [
    ...[clint, plic, uart, new ConsoleQueue(uart), nic, finisher, rtc],
    ...[tpm, tpmCrb].filter((device) => device !== null),
  ]
  fc.assert(
    fc.property(accesses, (list) => {
      const bus = board()
      for (const { address, width, value } of list)
        bus.store(address - (address % width), width, (value & mask(width)) >>> 0)
      const others = devicesOf(board())
      for (const [index, device] of devicesOf(bus).entries()) {
        const state = device.saveState()
        others[index]!.loadState(state)
        expect(others[index]!.saveState()).toEqual(state)
      }
    }),
    { numRuns: 100 },
  )
})

/** A value of the field's type: often one that a device could hold. */
function anyValue({ type, size = 0, arrayLength }: StateField): fc.Arbitrary<StateValue> {
  const small = fc.constantFrom(0, 1, 2, 7, 8)
  const one: fc.Arbitrary<number | bigint | boolean> =
    type === 'bool'
      ? fc.boolean()
      : type === 'uint64' || type === 'int64' || type === 'timer'
        ? fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), small.map(BigInt))
        : fc.oneof(small, fc.nat(type === 'uint8' ? 0xff : type === 'uint16' ? 0xffff : 0xffff_ffff))
  // Some octets, then zeros: what a queue that is not full looks like.
  if (type === 'buffer')
    return fc.tuple(fc.nat(size), fc.nat(255)).map(([used, octet]) => new Uint8Array(size).fill(octet, 0, used))
  return arrayLength === undefined ? one : fc.array(one, { minLength: arrayLength, maxLength: arrayLength })
}

/** Values of every field that is not fixed, and some of the subsections. */
function anyState(body: StateBody): fc.Arbitrary<StateValues> {
  const fields = body.fields
    .filter(({ fixed }) => fixed === undefined)
    .map((field) => [field.name, field.body === undefined ? anyValue(field) : anyState(field.body)] as const)
  const subsections = (body.subsections ?? []).map((inner) => [inner.vmsdName, anyState(inner)] as const)
  return fc.record(Object.fromEntries<fc.Arbitrary<StateValue>>([...fields, ...subsections]), {
    requiredKeys: fields.map(([name]) => name),
  })
}

describe('a state of any values is refused, or is what is saved again', () => {
  const { devices: list } = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
  /** Of the others part of the state follows from the rest of it, or of the machine. */
  const whole = new Set(['riscv_sifive_plic', 'riscv.sifive.test', 'tpm', 'tpm-crb', 'globalstate'])
  test.each(
    list
      .filter(({ stateDescription }) => stateDescription.idstr !== 'cpu')
      .map((device) => [device.stateDescription.idstr, device] as const),
  )('%s', (idstr, device) => {
    fc.assert(
      fc.property(anyState(device.stateDescription), (state) => {
        const before = device.saveState()
        try {
          device.loadState(state)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
          expect(device.saveState()).toEqual(before)
          return
        }
        const saved = device.saveState()
        device.loadState(saved)
        expect(device.saveState()).toEqual(saved)
        if (whole.has(idstr)) expect(saved).toEqual(state)
      }),
      { numRuns: 60 },
    )
  })
})
