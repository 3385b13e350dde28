/**
 * XBZRLE, the page delta of QEMU (docs/xbzrle.txt, migration/xbzrle.c).
 *
 *     encoded := (zrun nzrun literal*)+        zrun, nzrun: ULEB128 of 14 bits, 1 or 2 octets
 *
 * `zrun` octets stay as the receiver has them, then `nzrun` literal octets replace what is there (they are the new
 * octets, not differences). A first `zrun` may be 0, an `nzrun` never; what stays at the end of the page is not said.
 */
import { WireError } from '../../base/errors.js'

/** Change `page` as `encoded` says. Throws `WireError` before the first change that does not fit. */
export function applyXbzrle(page: Uint8Array, encoded: Uint8Array): void {
  let at = 0
  let offset = 0
  const uleb = (): number => {
    const first = encoded[at]
    if (first === undefined) throw new WireError('xbzrle', at, 'a run length is missing')
    at++
    if (first < 0x80) return first
    const second = encoded[at]
    if (second === undefined || second >= 0x80) throw new WireError('xbzrle', at, 'a run length of more than 14 bits')
    at++
    return (first & 0x7f) | (second << 7)
  }
  while (at < encoded.length) {
    const startAt = at
    const kept = uleb()
    if (kept === 0 && startAt > 0) throw new WireError('xbzrle', startAt, 'an empty run of kept octets')
    const changed = uleb()
    if (changed === 0) throw new WireError('xbzrle', startAt, 'an empty run of new octets')
    offset += kept
    if (offset + changed > page.length) throw new WireError('xbzrle', startAt, `runs reach ${offset + changed}`)
    if (at + changed > encoded.length) throw new WireError('xbzrle', at, `${changed} new octets, fewer are left`)
    page.set(encoded.subarray(at, at + changed), offset)
    at += changed
    offset += changed
  }
}

/**
 * Write into `encoded` what turns `from` into `to`. Returns its length, 0 when the pages are equal, or -1 when it does
 * not fit into `encoded`: then the page is sent whole.
 */
export function encodeXbzrle(from: Uint8Array, to: Uint8Array, encoded: Uint8Array): number {
  let used = 0
  let at = 0
  const { length } = to
  for (;;) {
    // QEMU wants room for two run lengths even when all that follows stays.
    if (at < length && used + 2 > encoded.length) return -1
    const keptAt = at
    while (at < length && from[at] === to[at]) at++
    if (at === length) return used
    const changedAt = at
    while (at < length && from[at] !== to[at]) at++
    const kept = changedAt - keptAt
    const changed = at - changedAt
    if (used + ulebOctets(kept) + ulebOctets(changed) + changed > encoded.length) return -1
    used = putUleb(encoded, used, kept)
    used = putUleb(encoded, used, changed)
    encoded.set(to.subarray(changedAt, at), used)
    used += changed
  }
}

function ulebOctets(value: number): number {
  return value < 0x80 ? 1 : 2
}

function putUleb(octets: Uint8Array, at: number, value: number): number {
  if (value < 0x80) {
    octets[at] = value
    return at + 1
  }
  octets[at] = (value & 0x7f) | 0x80
  octets[at + 1] = value >> 7
  return at + 2
}
