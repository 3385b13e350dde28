import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { latin1Text } from '../../../core/base/octets.js'
import { Machine } from '../../../core/machine/machine.js'
import { machineFromFile } from '../../../core/migration/machine-file.js'
import { writeDevices } from '../../../core/migration/outgoing-devices.js'
import { StreamWriter } from '../../../core/migration/wire/stream-writer.js'
import { descriptionText } from '../../../core/migration/wire/vmdesc.js'
import { readSavedStream, readTruth } from '../../support/captures.js'
import { deviceOf, registersOf } from '../../support/device-states.js'
import { bootGuest, GUEST_MAC, MIB, RunningMachine } from '../../support/guest-machine.js'
import { migratableMachine, streamOf } from '../../support/saved-machine.js'

const fromQemu = readSavedStream('a_plain')

/** Devices, end of state and description, as `machine` would send them. */
function tailOf(machine: Machine): Uint8Array {
  const writer = new StreamWriter()
  const descriptions = writeDevices(writer, migratableMachine(machine))
  writer.endOfState()
  writer.description(descriptionText(descriptions))
  return writer.take()
}

describe("a machine that a real QEMU saved (QEMU 7.2's board virt)", () => {
  it('has the memory that QEMU had', () => {
    const { ram } = machineFromFile(fromQemu, GUEST_MAC)
    expect(createHash('sha256').update(ram.octets).digest('hex')).toBe(readTruth('a_plain').final_ram_sha256)
  })

  it('goes on where it was: at tick 5', () => {
    const machine = machineFromFile(fromQemu, GUEST_MAC)
    machine.console.takeOutput()
    let text = ''
    for (let nowNs = 0; !text.endsWith('login: ') && nowNs < 2e9; nowNs += 50_000) {
      machine.runSlice(nowNs, 2500)
      text += latin1Text(machine.console.takeOutput())
    }
    expect(text).toBe('\r\n[tick 5]\r\n\r\npayroll-a login: ')
  })

  it('is saved again octet for octet: every section of every device, and the description', () => {
    const tail = tailOf(machineFromFile(fromQemu, GUEST_MAC))
    expect(tail.length).toBeGreaterThan(10_000)
    expect(Buffer.compare(tail, fromQemu.subarray(fromQemu.length - tail.length))).toBe(0)
  })

  it.each([
    ['env.satp', 1, 'env.satp is 0x1, on this machine it is always 0x0'],
    ['env.priv', 1, 'env.priv is a mode the hart does not have'],
    ['env.mhartid', 1, 'env.mhartid is 0x1, on this machine it is always 0x0'],
  ])('is refused when %s is %i, with the reason', (name, value, reason) => {
    // In the section `cpu` the field stands behind 32 registers, 32 of floating point, 128 priorities, and words.
    const sectionAt = latin1Text(fromQemu).lastIndexOf('\x03cpu\0\0\0\0\0\0\0\x05') + 12
    const offsets: Readonly<Record<string, number>> = { 'env.priv': 564, 'env.mhartid': 580, 'env.satp': 624 }
    const damaged = fromQemu.slice()
    damaged[sectionAt + offsets[name]! + 3] = value
    expect(() => machineFromFile(damaged, GUEST_MAC)).toThrow(reason)
  })

  it('is refused when the file ends too early', () => {
    for (const length of [0, 4, 200, 100_000, fromQemu.length - 10_000])
      expect(() => machineFromFile(fromQemu.subarray(0, length), GUEST_MAC)).toThrow(WireError)
  })
})

describe('a machine that was saved here', () => {
  it.each([false, true])("goes on as the first does; QEMU's board: %s", (qemuBoard) => {
    const { machine } = bootGuest({}, { ramOctets: 2 * MIB })
    const saved = new Machine({ ramOctets: 2 * MIB, nicMac: GUEST_MAC, qemuBoard })
    saved.ram.write(0, machine.ram.octets)
    deviceOf(saved, 'cpu').loadState(deviceOf(machine, 'cpu').saveState())
    const first = new RunningMachine(saved)
    first.expect('login: ')
    first.type('a user who types faster than the guest reads: '.repeat(20))
    saved.pause(first.nowNs)
    const second = new RunningMachine(machineFromFile(streamOf(migratableMachine(saved)), GUEST_MAC))
    expect(second.machine.memory.map(({ name }) => name)).toEqual(saved.memory.map(({ name }) => name))
    second.nowNs = first.nowNs
    for (const running of [first, second]) running.run(2e8)
    expect(second.expect('')).toBe(first.expect(''))
    expect(registersOf(second.machine)).toEqual(registersOf(first.machine))
    expect(Buffer.compare(second.machine.ram.octets, first.machine.ram.octets)).toBe(0)
  })
})
