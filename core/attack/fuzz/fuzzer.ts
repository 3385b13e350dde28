/**
 * Tries a program with hostile inputs: it changes inputs that it knows, and keeps those that take the program where none has been, to
 * change them further (as AFL does, by branches). The same randomness gives the same run.
 */
import type { AttackerRandom } from '../reach.js'
import { minimise } from './minimise.js'
import { mutate } from './mutation.js'

export interface FuzzTarget {
  run(input: Uint8Array): FuzzRun
}

export interface FuzzRun {
  /** Where the program has been, by names. */
  readonly branches: readonly string[]
  /** What it crashed by: the same words for the same mistake. Null when it did not. */
  readonly crash: string | null
}

export interface FuzzCrash {
  readonly crash: string
  /** The run in which it came first, from 1, and what it came with. */
  readonly run: number
  readonly input: Uint8Array
  /** The shortest that does the same, of that input or of a later one. */
  readonly minimised: Uint8Array
  /** What making it small took, in runs that are not counted as such. */
  readonly minimisingTests: number
}

export class Fuzzer {
  runs = 0
  readonly crashes: FuzzCrash[] = []
  private readonly corpus: Uint8Array[] = []
  private readonly branches = new Set<string>()

  /** Seeds are tried as they are, which counts. */
  constructor(
    private readonly target: FuzzTarget,
    private readonly seeds: readonly Uint8Array[],
    private readonly random: AttackerRandom,
  ) {}

  get corpusSize(): number {
    return this.corpus.length
  }

  get branchCount(): number {
    return this.branches.size
  }

  /** One run. Gives the crash if it is a new one. */
  step(): FuzzCrash | null {
    const input = this.seeds[this.runs] ?? mutate(this.pick(), this.pick(), this.random)
    const { branches, crash } = this.target.run(input)
    this.runs++
    if (crash !== null) return this.crashed(crash, input)
    const isNew = branches.some((branch) => !this.branches.has(branch))
    for (const branch of branches) this.branches.add(branch)
    if (isNew || this.runs <= this.seeds.length) this.corpus.push(input)
    return null
  }

  private pick(): Uint8Array {
    return this.corpus[this.random.below(Math.max(1, this.corpus.length))] ?? new Uint8Array(1)
  }

  /** An input shorter than what another one was made into is worth to be made small too. */
  private crashed(crash: string, input: Uint8Array): FuzzCrash | null {
    const index = this.crashes.findIndex((known) => known.crash === crash)
    const known = this.crashes[index]
    if (known !== undefined && known.minimised.length <= input.length) return null
    const { octets: minimised, tests } = minimise(input, (octets) => this.target.run(octets).crash === crash)
    const minimisingTests = tests + (known?.minimisingTests ?? 0)
    if (known !== undefined) {
      this.crashes[index] = { ...known, minimised, minimisingTests }
      return null
    }
    const found = { crash, run: this.runs, input, minimised, minimisingTests }
    this.crashes.push(found)
    return found
  }
}
