/**
 * Powers by addition, multiplication and division alone, which IEEE 754 rounds the same everywhere: `Math.pow` and `Math.exp`
 * differ from one engine to the next, and a trace must not.
 */

/** `base` to a power that is a whole number, 0 or more. */
export function wholePower(base: number, exponent: number): number {
  let power = 1
  for (let square = base, left = exponent; left > 0; square *= square, left = Math.floor(left / 2))
    if (left % 2 === 1) power *= square
  return power
}

/** e^x; below -700 it is 0, and up to 700 the relative error is below 1e-12. Its series for x / 2^10, squared ten times. */
export function exponential(x: number): number {
  if (x < 0) return x < -700 ? 0 : 1 / exponential(-x)
  const part = x / 1024
  let term = 1
  let sum = 1
  for (let n = 1; n <= 24; n++) {
    term *= part / n
    sum += term
  }
  return wholePower(sum, 1024)
}
