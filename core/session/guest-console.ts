/** The guest's serial console, as the session has it: what it printed, and what is typed until the guest can take it. */
import { latin1Octets, latin1Text } from '../base/octets.js'
import type { Trace } from '../kernel/trace.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import { ConsoleLog } from './console-log.js'

const LINE_MAX = 500

export class GuestConsole {
  readonly log = new ConsoleLog()
  /** Typed while it stood still, or faster than it reads. */
  private heldInput = ''
  private line = ''

  constructor(private readonly trace: Trace) {}

  /** `vm` is the copy that lives. What is typed waits while it stands still, so that nothing is lost, but not while it is off. */
  type(vm: VirtualMachine | undefined, text: string): void {
    if (vm === undefined || vm.hasEnded) return
    this.heldInput += text
    this.deliver(vm)
  }

  /** Give it what it takes of what is held. */
  deliver(vm: VirtualMachine | undefined): void {
    if (this.heldInput === '' || vm?.state !== 'running') return
    this.heldInput = this.heldInput.slice(vm.type(latin1Octets(this.heldInput)))
  }

  /** It is off: what was typed is for nobody. */
  forget(): void {
    this.heldInput = ''
  }

  wrote(vm: VirtualMachine, octets: Uint8Array): void {
    const text = latin1Text(octets)
    this.log.append(text)
    for (const character of text) {
      if (character === '\n') {
        this.trace.add('console-line', { vm: vm.name, text: this.line })
        this.line = ''
      } else if (character >= ' ' && this.line.length < LINE_MAX) this.line += character
    }
  }
}
