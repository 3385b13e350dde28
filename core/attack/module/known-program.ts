/**
 * What the attacker knows of the receiving program: it has the same one at home, as everybody who bought it. Where its parts lie is
 * the same in every process, unless the operating system puts them elsewhere at each start.
 */
export interface KnownProgram {
  /** Where the heap begins. */
  readonly heap: number
  /** The routine that has the host's management at the connection. */
  readonly managementShell: number
  /** Words from the first of the batch's buffer to the return address. */
  readonly returnWord: number
  /** Words of zeros on the stack, beyond that. */
  readonly callerFrame: number
  /** Where pages of the host's guests are mapped. */
  readonly mapped: number
}

export const knownProgram: KnownProgram = {
  heap: 0x0900_0000,
  managementShell: 0x0804_96c4,
  returnWord: 1029,
  callerFrame: 0xbfff_e100,
  mapped: 0x4000_0000,
}
