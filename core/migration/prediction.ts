/**
 * What pre-copy will come to, by the usual model of constant rates: a guest with `ramOctets` of memory dirties
 * `dirtyRate` octets a second, never more than its writable working set before the next round, and the link carries
 * `bandwidth`. With r = dirtyRate / bandwidth, n live rounds send M + c + cr + ... where c = min(rM, W), and leave
 * L = c r^(n-1) for the downtime. The sums are taken term by term: the closed form needs a logarithm.
 */
import type { Nanos } from '../base/units.js'

export interface PrecopyModel {
  readonly ramOctets: number
  /** Octets a second, both. */
  readonly bandwidth: number
  readonly dirtyRate: number
  /** What the guest writes again and again: no round leaves more. */
  readonly workingSetOctets: number
  readonly downtimeLimitNs: Nanos
  /** Rounds with the guest running, at most; 0 for no end. */
  readonly roundsMax: number
}

export interface PrecopyPrediction {
  /** What is left fits the downtime limit in the end, without being forced. */
  readonly converges: boolean
  /** Rounds with the guest running. */
  readonly rounds: number
  readonly octets: number
  readonly totalNs: Nanos
  readonly downtimeNs: Nanos
}

/** A guest that needs more rounds than this is said never to converge. */
const ROUNDS_END = 100_000

/** Null when it would go on for ever. */
export function predictPrecopy(model: PrecopyModel): PrecopyPrediction | null {
  const { bandwidth, workingSetOctets, roundsMax } = model
  const ratio = model.dirtyRate / bandwidth
  const limitOctets = (bandwidth * model.downtimeLimitNs) / 1e9
  let octets = model.ramOctets
  let left = Math.min(ratio * model.ramOctets, workingSetOctets)
  let rounds = 1
  while (left > limitOctets && rounds !== roundsMax) {
    if (rounds === ROUNDS_END) return null
    octets += left
    left = Math.min(ratio * left, workingSetOctets)
    rounds++
  }
  octets += left
  return {
    converges: left <= limitOctets,
    rounds,
    octets,
    totalNs: Math.round((octets / bandwidth) * 1e9),
    downtimeNs: Math.round((left / bandwidth) * 1e9),
  }
}
