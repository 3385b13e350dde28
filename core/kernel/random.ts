import { chacha20 } from '@noble/ciphers/chacha.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { assert } from '../base/errors.js'
import { readU32le, utf8Octets } from '../base/octets.js'

const BLOCK_OCTETS = 1024
const zeros = Object.freeze(new Array<number>(BLOCK_OCTETS).fill(0))

/**
 * A deterministic stream of random octets: the ChaCha20 key stream (RFC 8439) under SHA-256 of its name. Good enough to
 * make keys inside the lab, where the point is that a run can be repeated; nothing outside may rely on them.
 */
export class RandomStream {
  private readonly key: Uint8Array
  private block = new Uint8Array(0)
  private used = 0
  private blockIndex = 0

  constructor(name: string) {
    this.key = sha256(utf8Octets(`midstream random ${name}`))
  }

  /** `length` fresh octets, owned by the caller. */
  octets(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let filled = 0; filled < length;) {
      if (this.used === this.block.length) this.refill()
      const part = this.block.subarray(this.used, this.used + length - filled)
      out.set(part, filled)
      filled += part.length
      this.used += part.length
    }
    return out
  }

  /** Uniform in [0, 2^32). */
  u32(): number {
    return readU32le(this.octets(4), 0)
  }

  /** Uniform in [0, bound); `bound` is a whole number from 1 to 2^32. */
  below(bound: number): number {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32, `random bound ${bound}`)
    const limit = 2 ** 32 - (2 ** 32 % bound)
    for (;;) {
      const value = this.u32()
      if (value < limit) return value % bound
    }
  }

  /** Uniform in [0, 1) with 32 bits. */
  fraction(): number {
    return this.u32() / 2 ** 32
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  private refill(): void {
    const nonce = new Uint8Array(12)
    new DataView(nonce.buffer).setUint32(0, this.blockIndex++, true)
    this.block = chacha20(this.key, nonce, Uint8Array.from(zeros))
    this.used = 0
  }
}
