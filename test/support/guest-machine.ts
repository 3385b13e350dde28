import { readFileSync } from 'node:fs'
import { latin1Octets, latin1Text } from '../../core/base/octets.js'
import { defaultsOfImage, writeGuestParameters, type GuestParameters } from '../../core/machine/guest-parameters.js'
import { Machine } from '../../core/machine/machine.js'

export type GuestImage = 'shell' | 'shell-b' | 'web' | 'kv' | 'stress' | 'tenant'

export const MIB = 1024 ** 2
export const GUEST_MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56)
/** 50 microseconds at 50 MHz. */
const SLICE_NS = 50_000
const SLICE_INSTRUCTIONS = 2500

export function guestImage(name: GuestImage): Uint8Array {
  return readFileSync(new URL(`../../labs/guests/${name}.elf`, import.meta.url))
}

/** A machine and the virtual time it runs in: what a host does, without a host. */
export class RunningMachine {
  nowNs = 0
  private output = ''

  constructor(readonly machine: Machine) {}

  /** Run for `durationNs`, skipping ahead while the guest sleeps; ends early when it halts. */
  run(durationNs: number): void {
    const endNs = this.nowNs + durationNs
    while (this.nowNs < endNs) {
      const { state } = this.machine.runSlice(this.nowNs, SLICE_INSTRUCTIONS)
      if (state === 'halted') break
      const wakeNs = state === 'waiting' ? (this.machine.wakeAtNs() ?? endNs) : 0
      const nextNs = Math.max(this.nowNs + SLICE_NS, Math.ceil(wakeNs / SLICE_NS) * SLICE_NS)
      this.nowNs = Math.min(nextNs, endNs)
    }
    this.output += latin1Text(this.machine.console.takeOutput())
  }

  type(text: string): void {
    this.machine.console.receive(latin1Octets(text))
  }

  /** Run until the console has said `text` since the last call, and return all it said; throws after 5 s. */
  expect(text: string): string {
    for (const limitNs = this.nowNs + 5e9; !this.output.includes(text); this.run(1e6))
      if (this.nowNs > limitNs) throw new Error(`the guest never said ${JSON.stringify(text)}, but: ${this.output}`)
    const said = this.output
    this.output = ''
    return said
  }
}

interface GuestOptions {
  readonly image?: GuestImage
  readonly ramOctets?: number
}

export function bootGuest(parameters: Partial<GuestParameters> = {}, options: GuestOptions = {}): RunningMachine {
  const { image = 'shell', ramOctets = 16 * MIB } = options
  const machine = new Machine({ ramOctets, nicMac: GUEST_MAC })
  machine.loadElf(guestImage(image))
  writeGuestParameters(machine.ram, { ...defaultsOfImage(image), ...parameters })
  return new RunningMachine(machine)
}
