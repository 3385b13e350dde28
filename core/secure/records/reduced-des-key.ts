/**
 * DES keys of which only some bits are secret.
 *
 * A DES key has 56 bits, seven in each octet above a parity bit (FIPS 46-3). The last `secretBits` of the 56 are kept;
 * the others are replaced by public ones.
 */

const BITS_AN_OCTET = 7

/** `key` with all but its last `secretBits` taken from the first octets of `known`; parity is odd. */
export function limitDesKey(key: Uint8Array, secretBits: number, known: Uint8Array): Uint8Array {
  return withParity(
    key.map((octet, index) => {
      const mask = secretMask(index, secretBits)
      return (octet & mask) | ((known[index] ?? 0) & ~mask)
    }),
  )
}

/** The key whose secret bits are the number `index`, below 2^`secretBits`; at most 32 bits. */
export function numberedDesKey(index: number, secretBits: number, known: Uint8Array): Uint8Array {
  const key = new Uint8Array(8)
  for (let at = 7, left = index; at >= 0; at--) {
    key[at] = (left & 0x7f) << 1
    left >>>= BITS_AN_OCTET
  }
  return limitDesKey(key, secretBits, known)
}

/** Which of the upper seven bits of the octet at `index` are secret. */
function secretMask(index: number, secretBits: number): number {
  const fromHere = secretBits - BITS_AN_OCTET * (7 - index)
  const count = Math.min(BITS_AN_OCTET, Math.max(0, fromHere))
  return ((1 << count) - 1) << 1
}

function withParity(key: Uint8Array): Uint8Array {
  return key.map((octet) => {
    let parity = octet >> 1
    parity ^= parity >> 4
    parity ^= parity >> 2
    parity ^= parity >> 1
    return (octet & 0xfe) | (~parity & 1)
  })
}
