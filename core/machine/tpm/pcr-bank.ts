import { sha256 } from '@noble/hashes/sha2.js'
import { concatOctets } from '../../base/octets.js'
import { DIGEST_OCTETS } from './tpm-codes.js'

export const PCR_COUNT = 24
/** Octets of a selection: one bit a register, register 0 the lowest bit of the first. */
export const PCR_SELECT_OCTETS = 3

/** What a register allows: localities as bits, locality 0 the lowest. */
interface PcrRule {
  readonly resetFrom: number
  readonly extendFrom: number
  /** Kept by TPM2_Shutdown(STATE), and its change ends an orderly shutdown. */
  readonly isSaved?: boolean
  /** A change does not count in `updateCounter`. */
  readonly isUncounted?: boolean
  /** All ones after a reset: registers that only a dynamic launch begins. */
  readonly isDynamic?: boolean
}

/** TCG PC Client Platform TPM Profile, section 4.6 "PCR attributes", as in the reference implementation. */
const BOOT: PcrRule = { resetFrom: 0, extendFrom: 0x1f, isSaved: true }
export const PCR_RULES: readonly PcrRule[] = Object.freeze([
  ...Array.from({ length: 16 }, () => BOOT),
  { resetFrom: 0x0f, extendFrom: 0x1f, isUncounted: true },
  { resetFrom: 0x10, extendFrom: 0x1c, isDynamic: true },
  { resetFrom: 0x10, extendFrom: 0x1c, isDynamic: true },
  { resetFrom: 0x10, extendFrom: 0x0c, isDynamic: true },
  { resetFrom: 0x14, extendFrom: 0x0e, isDynamic: true },
  { resetFrom: 0x14, extendFrom: 0x04, isDynamic: true, isUncounted: true },
  { resetFrom: 0x14, extendFrom: 0x04, isDynamic: true, isUncounted: true },
  { resetFrom: 0x0f, extendFrom: 0x1f, isUncounted: true },
])

/** The SHA-256 bank of platform configuration registers (part 1, section 17). */
export class PcrBank {
  readonly octets = new Uint8Array(PCR_COUNT * DIGEST_OCTETS)
  /** Changes since power-on, modulo 2^32. */
  updateCounter = 0

  /** A view. */
  read(index: number): Uint8Array {
    return this.octets.subarray(index * DIGEST_OCTETS, (index + 1) * DIGEST_OCTETS)
  }

  /** PCR new = SHA-256(PCR old || digest) (part 1, section 17.2). */
  extend(index: number, digest: Uint8Array): void {
    this.read(index).set(sha256(concatOctets([this.read(index), digest])))
    this.count(index)
  }

  /** As TPM2_PCR_Reset does: to zeros. */
  reset(index: number): void {
    this.read(index).fill(0)
    this.count(index)
  }

  /** As TPM2_Startup does; the saved registers stay if `keepsSaved`. */
  start(keepsSaved: boolean): void {
    for (const [index, { isSaved, isDynamic }] of PCR_RULES.entries()) {
      if (isSaved === true && keepsSaved) continue
      this.read(index).fill(isDynamic === true ? 0xff : 0)
      this.count(index)
    }
  }

  private count(index: number): void {
    if (PCR_RULES[index]!.isUncounted !== true) this.updateCounter = (this.updateCounter + 1) >>> 0
  }
}
