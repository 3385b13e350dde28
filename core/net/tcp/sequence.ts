/** Sequence numbers: 32 bits that wrap around (RFC 9293 §3.4). Comparisons hold for numbers less than 2^31 apart. */

export function seqAdd(sequence: number, octets: number): number {
  return (sequence + octets) >>> 0
}

/** How far `a` is after `b`; negative when it is before. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0
}

export function seqLt(a: number, b: number): boolean {
  return ((a - b) | 0) < 0
}

export function seqLeq(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0
}

export function seqMax(a: number, b: number): number {
  return seqLt(a, b) ? b : a
}
