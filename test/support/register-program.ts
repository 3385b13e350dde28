import { assemble } from './assembler.js'

/** One access by the program: a load if `store` is absent. */
export interface RegisterAccess {
  readonly address: number
  readonly width: 1 | 2 | 4
  readonly store?: number
}

const LOAD = { 1: 'lbu', 2: 'lhu', 4: 'lw' } as const
const STORE = { 1: 'sb', 2: 'sh', 4: 'sw' } as const
/** Where the program notes what it found: two words an access. */
const NOTES = 0x8008_0000

/**
 * A bare-metal program for 0x80000000 that makes the accesses in order, then sets the UART to rights, prints a line for
 * each (value and trap cause, 8 hexadecimal digits each) and `mip` as it was at reset, and powers off.
 */
export function registerProgram(accesses: readonly RegisterAccess[]): Uint8Array {
  const lines = accesses.map(({ address, width, store }) =>
    store === undefined
      ? `li s0, ${address | 0}\n${LOAD[width]} a1, 0(s0)\njal ra, note`
      : `li s0, ${address | 0}\nli a1, ${store | 0}\n${STORE[width]} a1, 0(s0)\naddi a1, zero, 0\njal ra, note`,
  )
  return assemble(`
    la t0, handler
    csrw mtvec, t0
    li s5, ${NOTES | 0}
    addi s2, zero, 0
    csrr a1, mip
    jal ra, note
    ${lines.join('\n')}
    li s0, 0x10000000
    addi t0, zero, 3
    sb t0, 3(s0)
    sb zero, 1(s0)
    sb zero, 4(s0)
    li s6, ${NOTES | 0}
  next:
    bgeu s6, s5, done
    lw a0, 0(s6)
    addi s4, zero, 32
    jal ra, hex
    lw a0, 4(s6)
    addi s4, zero, 10
    jal ra, hex
    addi s6, s6, 8
    j next
  done:
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
  stop:
    j stop
  handler:                  # note the cause, and go on behind the access
    csrr s2, mcause
    addi a1, zero, 0
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    mret
  note:
    sw a1, 0(s5)
    sw s2, 4(s5)
    addi s5, s5, 8
    addi s2, zero, 0
    jalr zero, ra, 0
  hex:                      # a0, then the character s4
    addi t1, zero, 28
  digit:
    srl t2, a0, t1
    andi t2, t2, 15
    addi t3, zero, 10
    bltu t2, t3, decimal
    addi t2, t2, 39
  decimal:
    addi t2, t2, 48
    sb t2, 0(s0)
    addi t1, t1, -4
    bge t1, zero, digit
    sb s4, 0(s0)
    jalr zero, ra, 0`)
}

/** What the program printed: `mip` at reset, and for each access the value loaded or the cause of the trap. */
export function readRegisterOutput(output: string): { mip: number; results: string[] } {
  const lines = output
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(' ').map((word) => Number.parseInt(word, 16)) as [number, number])
  return {
    mip: lines[0]![0],
    results: lines.slice(1).map(([value, cause]) => (cause === 0 ? value.toString(16) : `trap ${cause}`)),
  }
}
