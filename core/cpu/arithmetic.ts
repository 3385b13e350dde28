/** The M extension's results that JavaScript has no operator for (RISC-V unprivileged specification, chapter "M"). */

/** Upper 32 bits of the product of two unsigned 32-bit numbers, as a signed 32-bit number. */
export function mulhu(a: number, b: number): number {
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16) // below 2^32
  const carry = aLow * bHigh + (middle & 0xffff) // below 2^32
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) | 0
}

/** Upper half of signed times signed. */
export function mulh(a: number, b: number): number {
  return (mulhu(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0
}

/** Upper half of signed `a` times unsigned `b`. */
export function mulhsu(a: number, b: number): number {
  return (mulhu(a, b) - (a < 0 ? b : 0)) | 0
}

/** Division never traps: by zero it gives -1, and the most negative number by -1 gives itself. */
export function div(a: number, b: number): number {
  return b === 0 ? -1 : (a / b) | 0
}

export function divu(a: number, b: number): number {
  return b === 0 ? -1 : ((a >>> 0) / (b >>> 0)) | 0
}

/** By zero the remainder is the dividend; an overflowing division leaves 0. */
export function rem(a: number, b: number): number {
  return b === 0 ? a : (a % b) | 0
}

export function remu(a: number, b: number): number {
  return b === 0 ? a : ((a >>> 0) % (b >>> 0)) | 0
}
