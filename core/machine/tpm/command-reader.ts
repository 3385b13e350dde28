import { readU16be, readU32be } from '../../base/octets.js'
import { RC, RC_HANDLE, RC_PARAMETER, RC_SESSION } from './tpm-codes.js'
import { refuse } from './tpm-refusal.js'

/**
 * Reads a command, big-endian, and knows what it reads: a refusal names the handle, session or parameter, as
 * TPM_RC_INSUFFICIENT does when the octets end too early (part 1, section 39.4; part 3, section 5).
 */
export class CommandReader {
  private offset = 0
  private end: number
  /** Added to a refusal's code. */
  private place = 0
  private parameters = 0

  constructor(private readonly octets: Uint8Array) {
    this.end = octets.length
  }

  get remaining(): number {
    return this.end - this.offset
  }

  /** What is read next is the `n`th handle. */
  handle(n: number): this {
    this.place = RC_HANDLE(n)
    return this
  }
  /** What is read next is the `n`th session. */
  session(n: number): this {
    this.place = RC_SESSION(n)
    return this
  }
  /** What is read next is the next parameter. */
  parameter(): this {
    this.place = RC_PARAMETER(++this.parameters)
    return this
  }
  /** What is read next has no number. */
  unnumbered(): this {
    this.place = 0
    return this
  }

  u8(): number {
    return this.octets[this.take(1)]!
  }
  u16(): number {
    return readU16be(this.octets, this.take(2))
  }
  u32(): number {
    return readU32be(this.octets, this.take(4))
  }
  /** `length` octets: a view. */
  raw(length: number): Uint8Array {
    const start = this.take(length)
    return this.octets.subarray(start, start + length)
  }
  /** A TPM2B: its size in 16 bits, then at most `max` octets. */
  sized(max: number): Uint8Array {
    const size = this.u16()
    return size > max ? this.refuse(RC.size) : this.raw(size)
  }
  /** The number of entries of a list, at most `max`. */
  count(max: number): number {
    const count = this.u32()
    return count > max ? this.refuse(RC.size) : count
  }

  /** A part of what remains, to be read on its own: the sessions. */
  part(length: number): CommandReader {
    return new CommandReader(this.raw(length))
  }

  /** The command ends here: what follows makes it too long. */
  finish(): void {
    if (this.remaining !== 0) refuse(RC.size)
  }

  /** With the handle, session or parameter now being read. */
  refuse(code: number): never {
    return refuse(code + this.place)
  }

  private take(count: number): number {
    if (count > this.remaining) this.refuse(RC.insufficient)
    const at = this.offset
    this.offset += count
    return at
  }
}
