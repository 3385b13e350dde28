import { describe, expect, it } from 'vitest'
import { seconds } from '../../../../core/base/units.js'
import { Host } from '../../../../core/hypervisor/host.js'
import type { VirtualMachine } from '../../../../core/hypervisor/virtual-machine.js'
import { Kernel } from '../../../../core/kernel/kernel.js'
import { WorkMeter } from '../../../../core/session/fleet/work-meter.js'
import { assemble } from '../../../support/assembler.js'
import { bareMachine } from '../../../support/bare-machine.js'

const network = { plug: () => ({ receiveFrame: () => undefined }), unplug: () => undefined }
const nobody = { consoleWrote: () => undefined, vmStateChanged: () => undefined }

/** A host of four cores, of which every machine keeps one busy. */
function busyHost(...names: string[]) {
  const kernel = new Kernel('meter')
  const options = { name: 'host-a', coreCount: 4, ramOctets: 4 * 1024 ** 2, costs: bareMachine }
  const host = new Host(kernel, options, network, nobody)
  const start = (name: string): VirtualMachine => {
    const vm = host.create({ name, mac: new Uint8Array(6), ramOctets: 1024 ** 2, hartHz: 1e6 })
    vm.machine.loadFlat(assemble('loop:\nj loop'), 0x8000_0000)
    vm.resume()
    return vm
  }
  return { kernel, host, start, vms: names.map(start), meter: new WorkMeter(kernel, host) }
}
const rounded = (share: number): number => Math.round(share * 1000) / 1000

describe('WorkMeter', () => {
  it('tells the part of all cores that was used since the last reading, in all and by machine', () => {
    const { kernel, host, vms, meter } = busyHost('web')
    expect(meter.read().busyShare).toBe(0) // no time has passed
    kernel.runUntil(seconds(1))
    host.cores.book('migration', seconds(1))
    const { busyShare, vmShares } = meter.read()
    expect(rounded(busyShare)).toBe(0.5)
    expect([...vmShares.keys()]).toEqual(vms)
    expect([...vmShares.values()].map(rounded)).toEqual([0.25])
    vms[0]?.pause('paused')
    kernel.runUntil(seconds(2))
    expect(rounded(meter.read().busyShare)).toBe(0)
  })

  it('counts what stays in full when a machine leaves, and what that did until then', () => {
    const { kernel, host, vms, meter } = busyHost('web', 'shop')
    kernel.runUntil(seconds(10))
    meter.read()
    kernel.runUntil(seconds(10.5))
    const [web] = vms
    web?.powerOff()
    if (web !== undefined) host.remove(web)
    kernel.runUntil(seconds(11))
    const { busyShare, vmShares } = meter.read()
    expect(rounded(busyShare)).toBe(0.375)
    expect([...vmShares.values()].map(rounded)).toEqual([0.25])
    kernel.runUntil(seconds(12))
    expect(rounded(meter.read().busyShare)).toBe(0.25)
  })

  it('takes a machine that comes for what it does here', () => {
    const { kernel, start, meter } = busyHost('web')
    kernel.runUntil(seconds(1))
    meter.read()
    start('web-2')
    kernel.runUntil(seconds(2))
    expect(rounded(meter.read().busyShare)).toBe(0.5)
  })
})
