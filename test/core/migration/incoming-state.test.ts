/** What a destination refuses of a source that goes over to post-copy in a way of its own. */
import { beforeEach, describe, expect, it } from 'vitest'
import { PAGE_OCTETS } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import type { Userfault, UserfaultListener } from '../../../core/migration/guest-memory.js'
import { IncomingState } from '../../../core/migration/incoming-state.js'
import { encodeDeviceState } from '../../../core/migration/wire/device-codec.js'
import { encodeAdvise } from '../../../core/migration/wire/postcopy.js'
import { MIG_CMD } from '../../../core/migration/wire/qevm.js'
import { StreamWriter } from '../../../core/migration/wire/stream-writer.js'
import { ToyVm } from '../../support/toy-vm.js'

/** A toy that can run before its pages have come. */
class FaultingToy extends ToyVm {
  readonly userfault: Userfault & { readonly expected: Set<string> } = {
    faultListener: null as UserfaultListener | null,
    expected: new Set<string>(),
    get missingPages() {
      return this.expected.size
    },
    expectPages: (block, missing) => {
      const pages = this.memory[block]!.memory.pageCount
      for (let page = 0; page < pages; page++)
        if (((missing[page >>> 5]! >>> (page & 31)) & 1) === 1) this.userfault.expected.add(`${block}/${page}`)
    },
    placePage: (block, page, octets) => {
      if (!this.userfault.expected.delete(`${block}/${page}`)) return false
      this.memory[block]!.memory.write(page * PAGE_OCTETS, octets)
      return true
    },
  }
}

const page = new Uint8Array(PAGE_OCTETS).fill(9)
let vm: FaultingToy
let state: IncomingState

/** The items of a package: all devices, then commands. */
function packageOf(...commands: readonly number[]): Uint8Array {
  const writer = new StreamWriter()
  vm.devices.forEach((device, index) => {
    const { idstr, instanceId, version } = device.stateDescription
    writer.sectionFull(
      { sectionId: 40 + index, idstr, instanceId, version },
      encodeDeviceState(device.stateDescription, device.saveState()),
    )
  })
  for (const command of commands) writer.command(command)
  return writer.take()
}

beforeEach(() => {
  vm = new FaultingToy(new Kernel('incoming'), { pages: 4 })
  state = new IncomingState(vm, null)
  state.configuration('toy')
  state.command(MIG_CMD.POSTCOPY_ADVISE, encodeAdvise())
  state.memorySize(vm.memory.map(({ name, memory }) => ({ name, octets: memory.pageCount * PAGE_OCTETS })))
})

describe('a destination that is told to run before its memory has come', () => {
  it('runs when it has devices and listens, and has its pages placed until none is missing', () => {
    state.page(0, 0, page)
    state.packaged(packageOf(MIG_CMD.POSTCOPY_LISTEN, MIG_CMD.POSTCOPY_RUN))
    expect([state.postcopyState, vm.userfault.missingPages]).toEqual(['running', 6])
    expect(() => state.endOfState()).toThrow('the state ended, 6 pages never came')
    for (const [block, pages] of [4, 3].entries())
      for (let at = 0; at < pages; at++) state.filledPage(block, at * PAGE_OCTETS, 0)
    expect(() => state.endOfState()).not.toThrow()
    // The page that was here already is not overwritten by an older one.
    expect(vm.ram.page(0)).toEqual(page)
  })

  it('refuses to run before it listens', () => {
    expect(() => state.packaged(packageOf(MIG_CMD.POSTCOPY_RUN))).toThrow('POSTCOPY_RUN in state advise')
  })

  it('refuses to run twice', () => {
    const items = packageOf(MIG_CMD.POSTCOPY_LISTEN, MIG_CMD.POSTCOPY_RUN, MIG_CMD.POSTCOPY_RUN)
    expect(() => state.packaged(items)).toThrow('POSTCOPY_RUN in state running')
  })

  it('refuses a package that does not make it run, and listening outside one', () => {
    expect(() => state.command(MIG_CMD.POSTCOPY_LISTEN, new Uint8Array(0))).toThrow('POSTCOPY_LISTEN without a package')
    expect(() => state.packaged(packageOf(MIG_CMD.POSTCOPY_LISTEN))).toThrow('a package that ends before the guest')
  })

  it('takes differences only while the page they are to is what the source sent last', () => {
    const difference = Uint8Array.of(0, 1, 5)
    state.xbzrlePage(0, 0, difference)
    expect(vm.ram.octets[0]).toBe(5)
    state.packaged(packageOf(MIG_CMD.POSTCOPY_LISTEN, MIG_CMD.POSTCOPY_RUN))
    expect(() => state.xbzrlePage(0, 0, difference)).toThrow('an XBZRLE page after the switch to post-copy')
    expect(() => state.compressedPage(0, 0, difference)).toThrow('a compressed page after the switch to post-copy')
  })
})
