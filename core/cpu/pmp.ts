/**
 * Physical memory protection: sixteen regions that say what user mode may touch, and, once locked, machine mode too
 * (RISC-V privileged specification 20211203, section 3.7). Granularity is four octets.
 *
 * An access is judged by the lowest-numbered entry that holds any octet of it, and that entry must hold all of them.
 */

export const PMP_ENTRIES = 16

/** What an access needs, as the bits of an entry's configuration. */
export const PMP_READ = 1
export const PMP_WRITE = 2
export const PMP_EXECUTE = 4

const MATCHING = 0x18
const MATCHING_OFF = 0
const MATCHING_TOR = 0x08
const MATCHING_NA4 = 0x10
const LOCKED = 0x80
/** Bits 5 and 6 of a configuration are always 0. */
const CONFIGURATION_BITS = 0x9f

export class Pmp {
  /** `pmpaddr`: bits 33 to 2 of an address. Change it by `setAddress`. */
  readonly addresses = new Uint32Array(PMP_ENTRIES)
  /** An octet of `pmpcfg` each. Change it by `setConfiguration`. */
  readonly configurations = new Uint8Array(PMP_ENTRIES)
  /** Some entry holds for machine mode. */
  hasLocked = false
  /** First address of each entry's region and the one after its last; an empty region holds nothing. */
  private readonly starts = new Float64Array(PMP_ENTRIES)
  private readonly ends = new Float64Array(PMP_ENTRIES)
  /** Entries from this one on are off. */
  private usedEntries = 0

  /** Whether `octets` at `address` may be used for `access`; `isMachine` is the effective privilege. */
  allows(address: number, octets: number, access: number, isMachine: boolean): boolean {
    const end = address + octets
    for (let entry = 0; entry < this.usedEntries; entry++) {
      if (address >= this.ends[entry]! || end <= this.starts[entry]!) continue
      if (address < this.starts[entry]! || end > this.ends[entry]!) return false
      const configuration = this.configurations[entry]!
      return (configuration & access) === access || (isMachine && (configuration & LOCKED) === 0)
    }
    return isMachine
  }

  /** Write `pmpaddr`. A locked entry keeps its address, and the one below a locked top-of-range entry too. */
  setAddress(entry: number, value: number): void {
    const above = this.configurations[entry + 1] ?? 0
    const isBottom = (above & LOCKED) !== 0 && (above & MATCHING) === MATCHING_TOR
    if (isBottom || (this.configurations[entry]! & LOCKED) !== 0) return
    this.addresses[entry] = value
    this.update()
  }

  /** Write an octet of `pmpcfg`. Writable but not readable is reserved: such an entry permits nothing. */
  setConfiguration(entry: number, value: number): void {
    if ((this.configurations[entry]! & LOCKED) !== 0) return
    const isReserved = (value & PMP_WRITE) !== 0 && (value & PMP_READ) === 0
    this.configurations[entry] = value & CONFIGURATION_BITS & (isReserved ? ~7 : ~0)
    this.update()
  }

  /** Everything at once, locks included: a saved state. */
  load(addresses: readonly number[], configurations: readonly number[]): void {
    this.addresses.set(addresses)
    this.configurations.set(configurations)
    this.update()
  }

  /** Whether a configuration is one that `setConfiguration` can leave. */
  static isPossible(configuration: number): boolean {
    const isReserved = (configuration & PMP_WRITE) !== 0 && (configuration & PMP_READ) === 0
    return (configuration & ~CONFIGURATION_BITS) === 0 && !isReserved
  }

  private update(): void {
    this.usedEntries = 0
    this.hasLocked = false
    for (let entry = 0; entry < PMP_ENTRIES; entry++) {
      const configuration = this.configurations[entry]!
      const matching = configuration & MATCHING
      if (matching !== MATCHING_OFF) this.usedEntries = entry + 1
      if ((configuration & LOCKED) !== 0) this.hasLocked = true
      const [start, end] = this.region(entry, matching)
      this.starts[entry] = end > start ? start : 0
      this.ends[entry] = end > start ? end : 0
    }
  }

  private region(entry: number, matching: number): [start: number, end: number] {
    const word = this.addresses[entry]!
    if (matching === MATCHING_OFF) return [0, 0]
    if (matching === MATCHING_TOR) return [4 * (this.addresses[entry - 1] ?? 0), 4 * word]
    if (matching === MATCHING_NA4) return [4 * word, 4 * word + 4]
    // NAPOT: the ones at the end of the word say how large the region is, the bits before them where.
    const zeros = ~word
    const ones = 2 ** (zeros === 0 ? 32 : 31 - Math.clz32(zeros & -zeros))
    const start = 4 * (word - (ones - 1))
    return [start, start + 8 * ones]
  }
}
