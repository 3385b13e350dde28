import { describe, expect, it } from 'vitest'
import { InputError } from '../../../core/base/errors.js'
import type { FrameSink } from '../../../core/base/frame-sink.js'
import { Host, type VmNetwork } from '../../../core/hypervisor/host.js'
import type { VirtualMachine } from '../../../core/hypervisor/virtual-machine.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { bareMachine } from '../../support/bare-machine.js'

const MIB = 1024 ** 2
const mac = Uint8Array.of(0x52, 0x54, 0, 0, 0, 1)

class BareNetwork implements VmNetwork, FrameSink {
  readonly plugged: VirtualMachine[] = []
  readonly frames: Uint8Array[] = []
  plug(vm: VirtualMachine): FrameSink {
    this.plugged.push(vm)
    return this
  }
  unplug(vm: VirtualMachine): void {
    this.plugged.splice(this.plugged.indexOf(vm), 1)
  }
  receiveFrame(frame: Uint8Array): void {
    this.frames.push(frame)
  }
}

const nobody = { consoleWrote: () => undefined, vmStateChanged: () => undefined }

function host(ramOctets = 8 * MIB) {
  const kernel = new Kernel('host')
  const network = new BareNetwork()
  return {
    kernel,
    network,
    host: new Host(kernel, { name: 'host-a', coreCount: 2, ramOctets, costs: bareMachine }, network, nobody),
  }
}
const options = (name: string, ramOctets = 4 * MIB) => ({ name, mac, ramOctets, hartHz: 50e6 })

describe('Host', () => {
  it('gives its memory to VMs, takes it back, and refuses what it does not have', () => {
    const { host: made } = host()
    const web = made.create(options('web'))
    made.create(options('db', 3 * MIB))
    expect(made.freeRamOctets()).toBe(MIB)
    expect(() => made.create(options('big', 2 * MIB))).toThrow(
      new InputError(`host-a has ${MIB} octets of memory free, big needs ${2 * MIB}`),
    )
    made.remove(web)
    expect(made.freeRamOctets()).toBe(5 * MIB)
    expect(made.allVms().map(({ name }) => name)).toEqual(['db'])
    expect(made.vm('web')).toBeUndefined()
  })

  it('has one VM of a name', () => {
    const { host: made } = host()
    made.create(options('web', MIB))
    expect(() => made.create(options('web', MIB))).toThrow(InputError)
    expect(made.freeRamOctets()).toBe(7 * MIB)
  })

  it('lets a VM onto the network when it is plugged in, and announces only such', () => {
    const { host: made, network, kernel } = host()
    const web = made.create(options('web'))
    made.announce(web)
    kernel.runUntil(1e9)
    expect(network.frames).toHaveLength(0)
    made.plug(web)
    made.announce(web)
    kernel.runUntil(2e9)
    expect(network.frames).toHaveLength(5)
    made.remove(web)
    expect(network.plugged).toHaveLength(0)
    expect(web.network).toBeNull()
  })
})
