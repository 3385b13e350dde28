import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../../core/base/errors.js'
import { latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { copyGraph } from '../../../core/base/snapshot.js'
import { milliseconds } from '../../../core/base/units.js'
import { VirtualMachine, type RunState, type VmOwner } from '../../../core/hypervisor/virtual-machine.js'
import { SLICE_NS } from '../../../core/machine/machine.js'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { assemble } from '../../support/assembler.js'
import { bareMachine } from '../../support/bare-machine.js'

const HART_HZ = 50e6
const RAM_BASE = 0x8000_0000
const SLICE_INSTRUCTIONS = (HART_HZ * SLICE_NS) / 1e9

const COUNT_FOR_EVER = 'loop:\naddi t0, t0, 1\nj loop'
const SLEEP_FOR_EVER = 'loop:\nwfi\nj loop'
/** Sleeps until `mtime` reaches 10 000 (1 ms), then switches itself off. */
const SLEEP_A_MILLISECOND = `
  lui t0, 0x2004
  addi t1, zero, -1
  sw t1, 4(t0)
  lui t1, 0x2
  addi t1, t1, 0x7d0
  addi t1, t1, 8
  sw t1, 0(t0)
  sw zero, 4(t0)
  addi t1, zero, 0x80
  csrrw zero, mie, t1
  wfi
  lui t0, 0x100
  lui t1, 0x5
  addi t1, t1, 0x555
  sw t1, 0(t0)
  loop:
  j loop`
const SAY_A_AND_SWITCH_OFF = `
  lui t0, 0x10000
  addi t1, zero, 65
  sb t1, 0(t0)
  lui t0, 0x100
  lui t1, 0x5
  addi t1, t1, 0x555
  sw t1, 0(t0)
  loop:
  j loop`

class Owner implements VmOwner {
  said = ''
  readonly states: RunState[] = []
  consoleWrote(_vm: VirtualMachine, octets: Uint8Array): void {
    this.said += latin1Text(octets)
  }
  vmStateChanged(vm: VirtualMachine): void {
    this.states.push(vm.state)
  }
}

function machine(program: string, coreCount = 2, costs = bareMachine) {
  const kernel = new Kernel('vm')
  const owner = new Owner()
  const cores = new HostCores(kernel, 'host-a', coreCount)
  const options = { name: 'web', mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1), ramOctets: 1024 ** 2, hartHz: HART_HZ }
  const vm = new VirtualMachine(kernel, options, cores, costs, owner)
  vm.machine.loadFlat(assemble(program), RAM_BASE)
  return { kernel, owner, cores, vm }
}

describe('VirtualMachine', () => {
  it('runs an instruction a cycle, in slices that begin at multiples of 50 µs', () => {
    const { kernel, vm } = machine(COUNT_FOR_EVER)
    kernel.runUntil(12_345)
    vm.resume()
    expect(kernel.nextEventNs()).toBe(SLICE_NS)
    kernel.runUntil(milliseconds(10))
    expect(vm.instructions).toBe(200 * SLICE_INSTRUCTIONS)
  })

  it('gets less of a core when there are more workers than cores', () => {
    const { kernel, vm, cores } = machine(COUNT_FOR_EVER, 1)
    cores.book('cipher', milliseconds(10))
    vm.resume()
    kernel.runUntil(SLICE_NS)
    expect(vm.instructions).toBe(SLICE_INSTRUCTIONS / 2)
  })

  it('stands still for what its hypervisor does in its place', () => {
    const pollLine = 'lui t0, 0x10000\nloop:\nlbu t1, 5(t0)\nj loop'
    const { kernel, vm } = machine(pollLine, 2, { ...bareMachine, deviceAccessNs: 1000 })
    vm.resume()
    kernel.runUntil(milliseconds(50))
    // Two instructions of 20 ns and 1 µs for the access between them: as many fit as if the vCPU waited at each.
    expect(vm.instructions / ((50e6 / 1040) * 2)).toBeCloseTo(1, 1)
  })

  it('pays for the first store to each page after the dirty log was read', () => {
    const storeOften = 'lui t0, 0x80010\nloop:\nsw t0, 0(t0)\nj loop'
    const [free, logged] = [0, 25_000].map((loggedStoreNs) => {
      const { kernel, vm } = machine(storeOften, 2, { ...bareMachine, loggedStoreNs })
      vm.machine.ram.startDirtyLog()
      vm.resume()
      kernel.runUntil(milliseconds(1))
      return vm.instructions
    })
    // One page, one fault of half a slice.
    expect(logged).toBe(free! - SLICE_INSTRUCTIONS / 2)
  })

  it('asks nothing of its core, and nothing of the kernel, while it sleeps', () => {
    const { kernel, vm, cores } = machine(SLEEP_FOR_EVER, 1)
    vm.resume()
    kernel.runUntil(milliseconds(1))
    cores.book('cipher', milliseconds(10))
    expect(cores.share()).toBe(1)
    expect(kernel.nextEventNs()).toBeUndefined()
    expect(vm.instructions).toBeLessThan(10)
  })

  it('finishes the slice it is in when it is paused, and stands still then', () => {
    const { kernel, vm, owner } = machine(COUNT_FOR_EVER)
    vm.resume()
    kernel.runUntil(3 * SLICE_NS + 1000)
    vm.pause()
    const { instructions } = vm
    kernel.runUntil(milliseconds(5))
    expect(vm.instructions).toBe(instructions)
    expect(instructions).toBe(3 * SLICE_INSTRUCTIONS)
    vm.resume()
    kernel.runUntil(milliseconds(6))
    expect(vm.instructions).toBeGreaterThan(instructions)
    expect(owner.states).toEqual(['running', 'finish-migrate', 'running'])
  })

  it('wakes by its own timer after it was paused asleep: its clock stood still meanwhile', () => {
    const { kernel, vm } = machine(SLEEP_A_MILLISECOND)
    vm.resume()
    kernel.runUntil(milliseconds(0.5))
    vm.pause('paused')
    kernel.runUntil(milliseconds(100))
    vm.resume()
    kernel.runUntil(milliseconds(100.3))
    expect(vm.state).toBe('running')
    kernel.runUntil(milliseconds(101))
    expect(vm.state).toBe('shutdown')
  })

  it('hands out what it wrote, and switches itself off', () => {
    const { kernel, vm, owner } = machine(SAY_A_AND_SWITCH_OFF)
    vm.resume()
    kernel.runUntil(milliseconds(1))
    expect(owner.said).toBe('A')
    expect(vm.state).toBe('shutdown')
    vm.resume()
    vm.pause('paused')
    expect(owner.states).toEqual(['running', 'shutdown'])
    expect(kernel.nextEventNs()).toBeUndefined()
  })

  it('comes alive at a destination only after all was loaded, and never again at its source', () => {
    const { kernel, vm } = machine(COUNT_FOR_EVER)
    vm.awaitIncoming()
    vm.receiveFrame(new Uint8Array(64))
    expect(() => vm.type(latin1Octets('x'))).toThrow(AssertionError)
    expect(() => vm.awaitIncoming()).toThrow(AssertionError)
    kernel.runUntil(milliseconds(1))
    expect(vm.instructions).toBe(0)
    vm.incomingLoaded()
    expect(vm.state).toBe('paused')
    vm.resume()
    kernel.runUntil(milliseconds(2))
    expect(vm.instructions).toBeGreaterThan(0)
    vm.pause()
    vm.handOver()
    expect(() => vm.resume()).toThrow(AssertionError)
    vm.pause('paused')
    expect(vm.state).toBe('postmigrate')
    expect(kernel.trace.rows('vm-state').map(({ state }) => state)).toEqual([
      'inmigrate',
      'paused',
      'running',
      'finish-migrate',
      'postmigrate',
    ])
  })

  it('takes no more characters than the serial port has room for, and says how many', () => {
    const { vm } = machine(SLEEP_FOR_EVER)
    vm.resume()
    const taken = vm.type(new Uint8Array(5000).fill(0x61))
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThan(5000)
    expect(vm.type(latin1Octets('b'))).toBe(0)
  })

  it('goes on from a copy as if nothing had happened', () => {
    const first = machine(COUNT_FOR_EVER)
    first.vm.resume()
    first.kernel.runUntil(milliseconds(1) + 777)
    const second = copyGraph(first)
    for (const { kernel } of [first, second]) kernel.runUntil(milliseconds(3))
    expect(second.vm.instructions).toBe(first.vm.instructions)
    expect(second.kernel.trace.hash()).toBe(first.kernel.trace.hash())
  })
})
