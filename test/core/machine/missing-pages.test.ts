/** A machine whose RAM has not all arrived: the pages a post-copy migration still has to fetch. */
import { describe, expect, test } from 'vitest'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import { Machine } from '../../../core/machine/machine.js'
import { Ram } from '../../../core/machine/ram.js'
import { assemble } from '../../support/assembler.js'
import { bootGuest, GUEST_MAC, MIB } from '../../support/guest-machine.js'

const SLICE = 2500
const CYCLE_NS = 20
const SLICE_NS = SLICE * CYCLE_NS

const allPages = (ram: Ram): Uint32Array => new Uint32Array(ram.pageCount / 32).fill(0xffff_ffff)
const stateOf = (machine: Machine): unknown => machine.devices.map((device) => device.saveState())

/** `machine` again, its devices loaded and every page of RAM still at the source. */
function withoutPages(source: Machine, nowNs: number): Machine {
  source.pause(nowNs)
  const machine = new Machine({ ramOctets: source.ram.octets.length, nicMac: GUEST_MAC })
  for (const [index, device] of source.devices.entries()) machine.devices[index]!.loadState(device.saveState())
  machine.ram.expectPages(allPages(machine.ram))
  return machine
}

/** One slice, fetching from `source` each page that is asked for. Returns how many were. */
function runFetching(machine: Machine, source: Uint8Array, nowNs: number): number {
  let faults = 0
  for (let done = 0; ;) {
    const { executed, state } = machine.runSlice(nowNs + done * CYCLE_NS, SLICE - done)
    done += executed
    if (state !== 'page-missing') return faults
    const [page] = machine.wantedPages()
    faults++
    machine.pageArrived(page!, source.slice(page! * 4096, (page! + 1) * 4096))
  }
}

function machineWith(program: string): Machine {
  const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
  machine.loadFlat(assemble(program), RAM_BASE)
  return machine
}

function pages(machine: Machine, ...numbers: number[]): void {
  const bits = new Uint32Array(machine.ram.pageCount / 32)
  for (const page of numbers) bits[page >>> 5]! |= 1 << (page & 31)
  machine.ram.expectPages(bits)
}

describe('a guest that runs while its pages are fetched one by one', () => {
  test('goes the same way, to the last instruction, as with all of them there', () => {
    const guest = bootGuest({ fillOctets: 4 * MIB, workingSetPages: 300, pagesPerSecond: 5000 })
    guest.run(1e9)
    const { machine } = guest
    const memory = machine.ram.octets.slice()
    const late = withoutPages(machine, guest.nowNs)
    let faults = 0
    for (let nowNs = 1e9; nowNs < 1.3e9; nowNs += SLICE_NS) {
      machine.runSlice(nowNs, SLICE)
      faults += runFetching(late, memory, nowNs)
    }
    expect(faults).toBeGreaterThan(300)
    expect(stateOf(late)).toEqual(stateOf(machine))
    for (let page = 0; page < late.ram.pageCount; page++)
      late.pageArrived(page, memory.subarray(page * 4096, (page + 1) * 4096))
    expect(late.ram.missingPages).toBe(0)
    expect(Buffer.compare(late.ram.octets, machine.ram.octets)).toBe(0)
  })
})

describe('an instruction that needs a missing page', () => {
  test.each([
    ['load', 'lw t1, 0(t0)', [2]],
    ['load octet', 'lbu t1, 7(t0)', [2]],
    ['store', 'sh t1, 2(t0)', [2]],
    ['store word', 'sw t1, 0(t0)', [2]],
    ['atomic', 'amoadd.w t1, t1, (t0)', [2]],
    ['reservation', 'lr.w t1, (t0)', [2]],
    ['fetch', 'jalr zero, t0, 0', [2]],
    ['load across two pages', 'lw t1, -2(t0)', [1, 2]],
    ['store across two pages', 'sw t1, -2(t0)', [1, 2]],
  ])('%s: has not begun, changes nothing, and goes on once it came', (_, instruction, missing) => {
    const machine = machineWith(`li t0, 0x80002000\n${instruction}\nwfi`)
    machine.ram.words[0x2000 >> 2] = 0x10500073
    const [whole, half] = [machine.ram.octets.slice(), machine]
    pages(half, ...missing)
    const asked: number[] = []
    let executed = 0
    for (;;) {
      const outcome = half.runSlice(executed * CYCLE_NS, 100)
      executed += outcome.executed
      if (outcome.state !== 'page-missing') break
      const again = half.runSlice(executed * CYCLE_NS, 100)
      expect(again).toEqual({ executed: 0, state: 'page-missing' })
      const [page] = half.wantedPages()
      asked.push(page!)
      half.pageArrived(page!, whole.slice(page! * 4096, (page! + 1) * 4096))
    }
    expect(asked).toEqual(missing)
    const reference = machineWith(`li t0, 0x80002000\n${instruction}\nwfi`)
    reference.ram.words[0x2000 >> 2] = 0x10500073
    expect(reference.runSlice(0, 100).executed).toBe(executed)
    expect(stateOf(half)).toEqual(stateOf(reference))
    expect(Buffer.compare(half.ram.octets, reference.ram.octets)).toBe(0)
  })

  test('a page that came is not overwritten by one that comes late', () => {
    const machine = machineWith('li t0, 0x80002000\nli t1, 7\nsw t1, 0(t0)\nwfi')
    pages(machine, 2)
    machine.runSlice(0, 100)
    expect(machine.wantedPages()).toEqual([2])
    expect(machine.pageArrived(2, new Uint8Array(4096))).toBe(true)
    expect(machine.wantedPages()).toEqual([])
    machine.runSlice(100, 100)
    expect(machine.pageArrived(2, new Uint8Array(4096).fill(9))).toBe(false)
    expect(machine.ram.words[0x2000 >> 2]).toBe(7)
    expect(machine.wantedPages()).toEqual([])
  })

  test('what stood in an expected page is gone, and the dirty log has what was written after an arrival', () => {
    const ram = new Ram(MIB)
    ram.write(4096, Uint8Array.of(1, 2, 3))
    ram.startDirtyLog()
    const expected = new Uint32Array(8)
    expected[0] = 0b110
    ram.expectPages(expected)
    expect([ram.octets[4096], ram.missingPages, ram.firstMissing(0, 4096), ram.firstMissing(4095, 2)]).toEqual([
      0, 2, -1, 1,
    ])
    ram.takeDirty(new Uint32Array(8))
    ram.pageArrived(1, new Uint8Array(4096).fill(5))
    ram.pageArrived(2, new Uint8Array(4096).fill(5))
    ram.write(2 * 4096, Uint8Array.of(6))
    const dirty = new Uint32Array(8)
    expect([ram.takeDirty(dirty), dirty[0]]).toEqual([1, 0b100])
  })
})

describe('the network device', () => {
  /** A guest that answers pings, and the pages it stands on. */
  const PING = Uint8Array.from(
    Buffer.from(
      '525400123456' +
        '020000000009' +
        '0806' +
        '0001080006040001' +
        '020000000009' +
        '0a000209' +
        '000000000000' +
        '0a00020f',
      'hex',
    ),
  )

  test('holds frames while pages of its rings or buffers are missing, and delivers them when they come', () => {
    const guest = bootGuest({ pagesPerSecond: 0 })
    guest.run(1e9)
    guest.machine.nic.takeFrames()
    const memory = guest.machine.ram.octets.slice()
    const late = withoutPages(guest.machine, guest.nowNs)
    late.nic.receiveFrame(PING)
    late.nic.receiveFrame(PING)
    expect(late.wantedPages().length).toBe(1)
    const answers: Uint8Array[] = []
    for (let nowNs = 1e9; nowNs < 1.1e9; nowNs += SLICE_NS) {
      for (const page of late.wantedPages()) late.pageArrived(page, memory.slice(page * 4096, (page + 1) * 4096))
      runFetching(late, memory, nowNs)
      answers.push(...late.nic.takeFrames())
    }
    expect(answers.length).toBe(2)
    expect(late.nic.droppedFrames).toBe(0)
    // ARP replies, as from a guest with all its memory.
    guest.machine.nic.receiveFrame(PING)
    guest.run(1e8)
    expect(Buffer.compare(answers[0]!, guest.machine.nic.takeFrames()[0]!)).toBe(0)
  })
})
