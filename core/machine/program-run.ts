/** A program alone on a machine: no host, no network, virtual time that passes as fast as it can. */
import { InputError, WireError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import { RAM_BASE } from '../cpu/memory.js'
import { elfSymbol } from './elf-symbol.js'
import { boundaryFrom, HART_HZ, Machine, SLICE_NS } from './machine.js'

const CYCLE_NS = 1e9 / HART_HZ
const SLICE_INSTRUCTIONS = SLICE_NS / CYCLE_NS
/** Of a network device that leads nowhere. */
export const PROGRAM_MAC = Object.freeze([0x52, 0x54, 0, 0x12, 0x34, 0x56])

export interface ProgramOptions {
  readonly ramOctets: number
  /** The image is no ELF file: its octets go to the start of RAM, and its first is run first. */
  readonly isFlat: boolean
  /** End at the first store of something other than 0 to the word that the ELF symbol `tohost` names. */
  readonly exitOnTohost: boolean
}

/**
 * How it ended, or why it does not go on: the test finisher (`pass`, `fail`, `reset`), the word `tohost`, or `asleep`, in
 * `wfi` with nothing that could end it but something typed.
 */
export type ProgramState = 'running' | 'pass' | 'fail' | 'reset' | 'tohost' | 'asleep'

export class ProgramRun {
  state: ProgramState = 'running'
  /** Instructions begun. */
  instructions = 0
  /** Virtual time that has passed. */
  nowNs: Nanos = 0

  /** Goes on with a machine as it is. */
  constructor(readonly machine: Machine) {}

  /** Throws `WireError` for an image that is not one, `InputError` for options that do not fit it. */
  static load(image: Uint8Array, { ramOctets, isFlat, exitOnTohost }: ProgramOptions): ProgramRun {
    const run = new ProgramRun(new Machine({ ramOctets, nicMac: Uint8Array.from(PROGRAM_MAC) }))
    if (isFlat && image.length === 0) throw new WireError('image', 0, 'it is empty')
    if (isFlat) run.machine.loadFlat(image, RAM_BASE)
    else run.machine.loadElf(image)
    if (exitOnTohost) run.watch(isFlat ? null : elfSymbol(image, 'tohost'))
    return run
  }

  /** The word that the program left for its host; 0 before that, or when nobody looks for it. */
  get tohost(): number {
    return this.machine.ram.watchedValue
  }

  /** The code given to the test finisher: 0 but for `fail`. */
  get exitCode(): number {
    return this.machine.exit?.code ?? 0
  }

  /**
   * Run until `instructions` more have begun, virtual time is `untilNs`, or the state is another. Time skips ahead while
   * the hart sleeps. In how many parts a run is asked for makes no difference to it.
   */
  advance(instructions: number, untilNs: Nanos = Infinity): void {
    if (this.state === 'asleep') this.state = 'running'
    const end = this.instructions + instructions
    while (this.instructions < end && this.nowNs < untilNs && this.state === 'running') {
      const { executed, state } = this.machine.runSlice(
        this.nowNs,
        Math.min(SLICE_INSTRUCTIONS, end - this.instructions),
      )
      this.instructions += executed
      this.nowNs += executed * CYCLE_NS
      if (state === 'watched') this.state = 'tohost'
      else if (state === 'halted') this.state = this.machine.exit?.kind ?? 'fail'
      else if (state === 'waiting') this.sleep(untilNs)
    }
  }

  private sleep(untilNs: Nanos): void {
    const wakeNs = this.machine.wakeAtNs()
    if (wakeNs === null) this.state = 'asleep'
    else this.nowNs = Math.min(untilNs, boundaryFrom(Math.max(wakeNs, this.nowNs + 1)))
  }

  private watch(address: number | null): void {
    if (address === null) throw new InputError('the image has no symbol named tohost: there is nothing to end on')
    const offset = address - RAM_BASE
    if (offset < 0 || offset >= this.machine.ram.octets.length || offset % 4 !== 0)
      throw new InputError(`the symbol tohost, 0x${address.toString(16)}, is not a word in RAM`)
    this.machine.ram.watch(offset)
  }
}
