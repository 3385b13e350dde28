import { Hart } from '../../core/cpu/hart.js'
import { type HartBus, RAM_BASE } from '../../core/cpu/memory.js'
import { Ram } from '../../core/machine/ram.js'
import { assemble } from './assembler.js'

const MIB = 1024 ** 2

/** A bus on which nothing answers, and time is 0x0000000500000007. */
class EmptyBus implements HartBus {
  load(): number {
    return -1
  }
  store(): boolean {
    return false
  }
  timeLow(): number {
    return 7
  }
  timeHigh(): number {
    return 5
  }
}

/** A hart with 1 MiB of RAM and no devices, `program` at the start of RAM. */
export function bareHart(program: string | Uint8Array): Hart {
  const ram = new Ram(MIB)
  const hart = new Hart(ram, new EmptyBus())
  ram.code = hart.code
  ram.write(0, typeof program === 'string' ? assemble(program, RAM_BASE) : program)
  return hart
}

/** Run `program` to its `wfi` (at most a million instructions) and return the hart. */
export function runToWfi(program: string): Hart {
  const hart = bareHart(program)
  hart.run(1e6)
  if (!hart.waiting) throw new Error(`no wfi reached: pc is 0x${hart.pc.toString(16)}`)
  return hart
}
