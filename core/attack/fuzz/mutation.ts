/** Inputs made of others by small changes: those that most often lead a parser astray. */
import { concatOctets, writeU16be, writeU32be, writeU32le } from '../../base/octets.js'
import type { AttackerRandom } from '../reach.js'

/** At the edges of signed and unsigned numbers of 8, 16 and 32 bits. */
const NUMBERS = [
  ...[0, 1, -1, -2, -3, 16, 32, 64, 100, 127, 128, 255, 256, 512, 1000, 1024, 4096],
  ...[0x7fff, 0x8000, 0xffff, 0x1_0000, 0x3fff_ffff, 0x4000_0000, 0x4000_0001, 0x7fff_ffff, -0x8000_0000],
]
const ADDED_MAX = 35
const BLOCK_OCTETS_MAX = 1024
/** Changes to one input: one, two, four or eight. */
const STACK_BITS_MAX = 3
export const INPUT_OCTETS_MAX = 16_384

/** `input` changed; `other` is what it may be spliced with. */
export function mutate(input: Uint8Array, other: Uint8Array, random: AttackerRandom): Uint8Array {
  let changed: Uint8Array = input.slice()
  for (let count = 1 << random.below(STACK_BITS_MAX + 1); count > 0; count--)
    changed = mutateOnce(changed, other, random).slice(0, INPUT_OCTETS_MAX)
  return changed
}

function mutateOnce(octets: Uint8Array, other: Uint8Array, random: AttackerRandom): Uint8Array {
  if (octets.length === 0) return other.slice()
  const at = placeIn(octets, random)
  switch (random.below(8)) {
    case 0:
      octets[at] = (octets[at] ?? 0) ^ (1 << random.below(8))
      return octets
    case 1:
      octets[at] = random.below(256)
      return octets
    case 2:
    case 3:
      return putNumber(octets, at, NUMBERS[random.below(NUMBERS.length)] ?? 0, random)
    case 4:
      octets[at] = (octets[at] ?? 0) + random.below(2 * ADDED_MAX + 1) - ADDED_MAX
      return octets
    case 5:
      return concatOctets([octets.subarray(0, at), octets.subarray(at + blockLength(random))])
    case 6: {
      const from = placeIn(octets, random)
      const block = octets.slice(from, from + blockLength(random))
      return concatOctets([octets.subarray(0, at), block, octets.subarray(at)])
    }
    default:
      return concatOctets([octets.subarray(0, at), other.subarray(random.below(other.length + 1))])
  }
}

/** As a number of one, two or four octets, in either order. What does not fit is cut off. */
function putNumber(octets: Uint8Array, at: number, value: number, random: AttackerRandom): Uint8Array {
  switch (random.below(4)) {
    case 0:
      octets[at] = value
      break
    case 1:
      writeU16be(octets, at, value)
      break
    case 2:
      writeU32be(octets, at, value)
      break
    default:
      writeU32le(octets, at, value)
  }
  return octets
}

/** What a stream begins with decides what the rest is, so early places come more often than late ones. */
function placeIn(octets: Uint8Array, random: AttackerRandom): number {
  return random.below(random.below(octets.length) + 1)
}

/** Short ones come more often than long ones. */
function blockLength(random: AttackerRandom): number {
  return 1 + random.below(1 + random.below(BLOCK_OCTETS_MAX))
}
