/** A hypervisor of the attacker's own, on its computer: what is migrated to it runs there, and can be read. */
import type { Attack } from '../../attack/reach.js'
import type { FrameSink } from '../../base/frame-sink.js'
import type { VmNetwork } from '../../hypervisor/host.js'
import type { VirtualMachine } from '../../hypervisor/virtual-machine.js'
import { copyFrame } from '../../net/frame-pool.js'
import { isGroupMac, readMac } from '../../net/wire/addresses.js'
import type { AttackerComputer } from './attacker-computer.js'

/** Its guests share the computer's cable. */
export class AttackerNetwork implements VmNetwork, Attack {
  private readonly guests: VirtualMachine[] = []

  constructor(private readonly computer: AttackerComputer) {}

  plug(vm: VirtualMachine): FrameSink {
    if (!this.guests.includes(vm)) this.guests.push(vm)
    return this.computer.cable
  }

  unplug(vm: VirtualMachine): void {
    const index = this.guests.indexOf(vm)
    if (index >= 0) this.guests.splice(index, 1)
  }

  start(): void {
    this.computer.tell('wait', 'a hypervisor of ours waits for a guest')
  }

  /** Its guests are gone with it. */
  stop(): void {
    for (const guest of this.guests) if (!guest.hasEnded) guest.powerOff()
  }

  takesFrame(frame: Uint8Array): boolean {
    const destination = readMac(frame, 0)
    for (const guest of this.guests) {
      if (isGroupMac(destination)) guest.receiveFrame(copyFrame(frame))
      else if (destination === readMac(guest.options.mac, 0)) {
        guest.receiveFrame(frame)
        return true
      }
    }
    return false
  }
}
