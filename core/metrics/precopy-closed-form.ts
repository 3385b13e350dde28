/**
 * Pre-copy and post-copy of one VM with constant rates, in closed form (Clark et al., NSDI 2005, section 3; Akoush et al.,
 * MASCOTS 2010). Octets and seconds throughout; octets of the stream, so that a page counts with its record's header. The
 * number of rounds is ceil(ln(S/c) / ln r) in the literature; here it is found by halving, because logarithms differ from one
 * engine to the next.
 */
import { wholePower } from '../base/exact-powers.js'

export interface PrecopyParameters {
  /** What the first round sends (M): pages that are not zero. */
  readonly memoryOctets: number
  /** Effective bandwidth (B). */
  readonly octetsPerSecond: number
  /** What the guest dirties (D), and the most that one round can leave of it (W, the writable working set). */
  readonly dirtyOctetsPerSecond: number
  readonly workingSetOctets: number
  /** When so little is left the guest is stopped (S). */
  readonly thresholdOctets: number
  /** After so many rounds it is stopped whatever is left; 0 for no end. */
  readonly roundsMax: number
  /** What comes before the first round and after the last. */
  readonly setupSeconds: number
  readonly resumeSeconds: number
}

export interface MigrationForecast {
  /** What is left comes to fit the threshold. */
  readonly converges: boolean
  /** Rounds sent while the guest runs (n); Infinity when nothing ends them. */
  readonly rounds: number
  /** Sent while it stands still (L). */
  readonly leftOctets: number
  /** Sent in all (V). */
  readonly octets: number
  readonly totalSeconds: number
  readonly downtimeSeconds: number
  /** V / M. */
  readonly amplification: number
}

/** Rounds that are not over by then are taken for endless. */
const ROUNDS_MOST = 1e9

export function precopyClosedForm(parameters: PrecopyParameters): MigrationForecast {
  const { memoryOctets, octetsPerSecond, dirtyOctetsPerSecond, workingSetOctets, thresholdOctets } = parameters
  const ratio = dirtyOctetsPerSecond / octetsPerSecond
  const leftFirst = Math.min(ratio * memoryOctets, workingSetOctets)
  const leftAfter = (rounds: number): number =>
    Math.min(leftFirst * wholePower(ratio, rounds - 1), ratio >= 1 ? workingSetOctets : Infinity)
  const natural = firstWhere((rounds) => leftAfter(rounds) <= thresholdOctets, ROUNDS_MOST)
  const roundsMax = parameters.roundsMax === 0 ? Infinity : parameters.roundsMax
  const converges = natural !== null && natural <= roundsMax
  const rounds = converges ? natural : roundsMax
  if (rounds === Infinity) return endless(parameters)
  const leftOctets = leftAfter(rounds)
  // Rounds after the first send what the one before them left.
  const again = ratio < 1 ? (leftFirst - leftOctets) / (1 - ratio) : growing(leftAfter, workingSetOctets, rounds)
  return forecast(parameters, { converges, rounds, leftOctets, octets: memoryOctets + again + leftOctets })
}

/** Rounds 2 to `rounds` when each leaves more than the one before, until all of the working set is left by each. */
function growing(leftAfter: (rounds: number) => number, workingSetOctets: number, rounds: number): number {
  let octets = 0
  let round = 1
  for (; round < rounds && leftAfter(round) < workingSetOctets; round++) {
    octets += leftAfter(round)
    // At r = 1 nothing grows.
    if (leftAfter(round + 1) === leftAfter(round)) return leftAfter(round) * (rounds - 1)
  }
  return octets + workingSetOctets * (rounds - round)
}

interface PostcopyParameters {
  /** M: every page crosses once. */
  readonly memoryOctets: number
  readonly octetsPerSecond: number
  /** Registers and devices, which cross while the guest stands still. */
  readonly deviceOctets: number
  readonly setupSeconds: number
  readonly resumeSeconds: number
  /** Pages that the guest asks for, and what one of them takes: a round trip and its way. */
  readonly faults: number
  readonly faultSeconds: number
}

export interface PostcopyForecast extends Omit<MigrationForecast, 'rounds' | 'converges' | 'leftOctets'> {
  /** From the switch until all pages are there: the guest runs, but not at its pace. */
  readonly degradedSeconds: number
  /** Of those, in which it stood still for a page. */
  readonly blockedSeconds: number
}

export function postcopyClosedForm(parameters: PostcopyParameters): PostcopyForecast {
  const { memoryOctets, octetsPerSecond, deviceOctets, setupSeconds, resumeSeconds, faults, faultSeconds } = parameters
  const octets = memoryOctets + deviceOctets
  return {
    octets,
    totalSeconds: setupSeconds + octets / octetsPerSecond + resumeSeconds,
    downtimeSeconds: deviceOctets / octetsPerSecond + resumeSeconds,
    amplification: octets / memoryOctets,
    degradedSeconds: memoryOctets / octetsPerSecond,
    blockedSeconds: faults * faultSeconds,
  }
}

/**
 * Octets a second that come through when each is copied and encrypted on one of `lanes` cores, over a link of which the part
 * `overhead` is headers.
 */
export function effectiveBandwidth(path: {
  readonly linkOctetsPerSecond: number
  readonly overhead: number
  readonly lanes: number
  readonly copySecondsPerOctet: number
  readonly cipherSecondsPerOctet: number
}): number {
  const { linkOctetsPerSecond, overhead, lanes, copySecondsPerOctet, cipherSecondsPerOctet } = path
  const work = copySecondsPerOctet + cipherSecondsPerOctet
  return Math.min(linkOctetsPerSecond * (1 - overhead), work === 0 ? Infinity : lanes / work)
}

/** The share of its time that the vCPU must be kept from running at least, for rounds to get shorter: 1 - B/D. */
export function leastThrottle(octetsPerSecond: number, dirtyOctetsPerSecond: number): number {
  return Math.max(0, 1 - octetsPerSecond / dirtyOctetsPerSecond)
}

function forecast(
  { memoryOctets, octetsPerSecond, setupSeconds, resumeSeconds }: PrecopyParameters,
  sent: Pick<MigrationForecast, 'converges' | 'rounds' | 'leftOctets' | 'octets'>,
): MigrationForecast {
  return {
    ...sent,
    totalSeconds: setupSeconds + sent.octets / octetsPerSecond + resumeSeconds,
    downtimeSeconds: sent.leftOctets / octetsPerSecond + resumeSeconds,
    amplification: sent.octets / memoryOctets,
  }
}

function endless(parameters: PrecopyParameters): MigrationForecast {
  return forecast(parameters, { converges: false, rounds: Infinity, leftOctets: Infinity, octets: Infinity })
}

/** The least whole number from 1 to `most` for which a claim holds that goes on to hold once it does; null if there is none. */
function firstWhere(holds: (count: number) => boolean, most: number): number | null {
  let high = 1
  while (!holds(high)) {
    if (high >= most) return null
    high *= 2
  }
  let low = Math.floor(high / 2)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle
  }
  return high
}
