/** Octets as somebody hostile would change them. */
import { concatOctets } from '../../core/base/octets.js'
import type { RandomStream } from '../../core/kernel/random.js'

/** Octets, and where in them something begins: there most changes are made. */
export interface Sample {
  readonly name: string
  readonly octets: Uint8Array
  readonly marks: readonly number[]
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xff]
const INSERTED_OCTETS_MAX = 64

/** One to four changes: bits and lengths, cuts, things that come twice, in another order, or from `other`. */
export function mutate({ octets, marks }: Sample, other: Sample, random: RandomStream): Uint8Array {
  let changed: Uint8Array = octets.slice()
  for (let count = 1 + random.below(4); count > 0; count--)
    changed = mutateOnce(changed, marks, other, random).slice(0, 2 * octets.length)
  return changed
}

function mutateOnce(octets: Uint8Array, marks: readonly number[], other: Sample, random: RandomStream): Uint8Array {
  if (octets.length === 0) return octets
  const at = Math.min(octets.length - 1, place(octets, marks, random))
  const end = Math.min(octets.length, Math.max(at, place(octets, marks, random)))
  switch (random.below(8)) {
    case 0:
    case 1:
      octets[at]! ^= 1 << random.below(8)
      return octets
    case 2:
      // A length, or a part of one.
      octets.fill(random.pick(EXTREMES), at, at + random.pick([1, 2, 4, 8]))
      return octets
    case 3:
      return octets.slice(0, at)
    case 4:
      return concatOctets([octets.subarray(0, at), octets.subarray(end)])
    case 5:
      return concatOctets([octets.subarray(0, end), octets.subarray(at, end), octets.subarray(end)])
    case 6:
      return concatOctets([
        octets.subarray(0, at),
        random.octets(random.below(INSERTED_OCTETS_MAX)),
        octets.subarray(at),
      ])
    default: {
      const from = place(other.octets, other.marks, random)
      return concatOctets([octets.subarray(0, at), other.octets.subarray(from, from + 20_000), octets.subarray(end)])
    }
  }
}

function place(octets: Uint8Array, marks: readonly number[], random: RandomStream): number {
  if (marks.length === 0 || random.below(5) === 0) return random.below(octets.length + 1)
  return random.pick(marks) + random.below(24)
}
