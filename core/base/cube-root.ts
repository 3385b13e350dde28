/**
 * The cube root of a number that is not negative, by Newton's method. `Math.cbrt` may differ from one engine to the next
 * in its last bit; this uses only operations that IEEE 754 rounds exactly, so a run gives the same numbers everywhere.
 * The error is at most a few units in the last place.
 */
export function cubeRoot(value: number): number {
  if (!(value > 0)) return 0
  // A power of two at or above the root: from above Newton's steps only descend, until rounding stops them.
  let root = 1
  while (root * root * root < value) root *= 2
  while (root * root * root > 8 * value) root /= 2
  for (;;) {
    const next = (2 * root + value / (root * root)) / 3
    if (next >= root) return root
    root = next
  }
}
