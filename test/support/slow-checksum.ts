/** The Internet checksum as RFC 1071 §1 says it, octet by octet: the twin of core/net/wire/checksum.ts. */
export function slowChecksum(octets: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < octets.length; i += 2) {
    sum += (octets[i] ?? 0) * 256 + (octets[i + 1] ?? 0)
    if (sum > 0xffff) sum -= 0xffff // the carry comes back in at the low end
  }
  return 0xffff - sum
}
