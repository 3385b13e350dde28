/** What is kept of a migration beyond the trace, because a report asks for it. */
import { sha256 } from '@noble/hashes/sha2.js'
import { hexOf } from '../base/octets.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'

/** Which of it is kept: both cost time or memory. */
export interface CrossingEvidence {
  /** SHA-256 of both copies of RAM at switch-over. */
  readonly hashRam: boolean
  /** The stream as the source wrote it. */
  readonly recordStream: boolean
}

/** Hexadecimal. */
export interface RamHashes {
  readonly source: string
  readonly destination: string
}

export function hashRam(source: VirtualMachine, destination: VirtualMachine): RamHashes {
  const hash = ({ machine }: VirtualMachine): string => hexOf(sha256(machine.ram.octets))
  return { source: hash(source), destination: hash(destination) }
}
