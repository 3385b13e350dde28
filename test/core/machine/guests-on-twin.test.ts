/**
 * Every guest on the fast interpreter and on its slow twin: the same registers after every slice, and in some slices after
 * every instruction.
 */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { SHELL_DEFAULTS, writeGuestParameters } from '../../../core/machine/guest-parameters.js'
import { Machine } from '../../../core/machine/machine.js'
import { GUEST_MAC, guestImage, MIB } from '../../support/guest-machine.js'
import { SlowHart } from '../../support/slow-hart.js'

const SLICE = 2500
const CYCLE_NS = 20
const SLICE_NS = SLICE * CYCLE_NS
const SLICES = 240
const guests = readdirSync(new URL('../../../labs/guests', import.meta.url))
  .filter((name) => name.endsWith('.elf'))
  .map((name) => name.slice(0, -4))

/** What of a machine is taken out to put the twin in. */
interface Parts {
  hart: unknown
  board: { hart: unknown }
}

function machineWith(image: Uint8Array): Machine {
  const machine = new Machine({ ramOctets: 2 * MIB, nicMac: GUEST_MAC })
  machine.loadElf(image)
  // A small working set, so that each is soon up and answers.
  writeGuestParameters(machine.ram, { ...SHELL_DEFAULTS, workingSetPages: 8 })
  return machine
}

/** The same machine, its hart replaced. */
function slowMachine(image: Uint8Array): { machine: Machine; hart: SlowHart } {
  const machine = machineWith(image)
  const parts = machine as unknown as Parts
  const hart = new SlowHart(machine.ram.octets, parts.board as unknown as ConstructorParameters<typeof SlowHart>[1])
  hart.pc = machine.pc
  parts.hart = parts.board.hart = hart
  return { machine, hart }
}

describe('guests', () => {
  test.each(guests)('%s', (name) => {
    const image = guestImage(name as 'shell')
    const fast = machineWith(image)
    const slow = slowMachine(image)
    const said = ['', '']
    let executed = 0
    for (let slice = 0, nowNs = 0; slice < SLICES; slice++) {
      // Somebody types, a letter every third slice, and a ping of nonsense comes now and then.
      if (slice % 3 === 0) {
        const key = latin1Octets('alice\rx\rhelp\r'.charAt((slice / 3) % 14))
        for (const each of [fast, slow.machine]) each.console.receive(key)
      }
      if (slice % 50 === 49)
        for (const each of [fast, slow.machine]) each.nic.receiveFrame(new Uint8Array(60).fill(slice))
      const part = slice % 12 === 0 ? 1 : SLICE
      let state = 'running'
      for (let done = 0; done < SLICE && state === 'running'; done += part) {
        const outcomes = [fast, slow.machine].map((each) => each.runSlice(nowNs + done * CYCLE_NS, part))
        expect(outcomes[1]).toEqual(outcomes[0])
        executed += outcomes[0]!.executed
        state = outcomes[0]!.state
        const { hart } = fast as unknown as { hart: { x: Int32Array; mcause: number; mstatus: number } }
        const registers = [fast.pc, hart.mcause, hart.mstatus, ...hart.x.slice(0, 32)].map((value) => value >>> 0)
        const theirs = [slow.hart.pc, slow.hart.mcause, slow.hart.mstatus, ...slow.hart.x]
        if (registers.some((value, index) => value !== theirs[index]))
          expect(theirs, `slice ${slice}`).toEqual(registers)
      }
      for (const [index, each] of [fast, slow.machine].entries()) said[index] += latin1Text(each.console.takeOutput())
      nowNs += state === 'waiting' ? 20 * SLICE_NS : SLICE_NS
    }
    expect(executed).toBeGreaterThan(20_000)
    expect(said[0]).toMatch(/(: |> )/)
    expect(said[0]).not.toContain('panic')
    expect(said[1]).toBe(said[0])
    expect(Buffer.compare(slow.machine.ram.octets, fast.ram.octets)).toBe(0)
  })
})
