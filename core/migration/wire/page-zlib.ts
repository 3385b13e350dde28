/**
 * A page as a zlib stream of its own (RFC 1950): the body of a COMPRESS_PAGE record (migration/ram.c `do_compress_ram_page`).
 */
import { unzlibSync, zlibSync } from 'fflate'
import { WireError } from '../../base/errors.js'
import { readU32be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'

/** QEMU's default `compress-level`. */
const LEVEL = 1
/** Header and checksum. */
const ZLIB_OCTETS_MIN = 6

export function deflatePage(page: Uint8Array): Uint8Array {
  return zlibSync(page, { level: LEVEL })
}

/** Throws `WireError` for what is no zlib stream, or not of one page. */
export function inflatePage(compressed: Uint8Array): Uint8Array {
  let page: Uint8Array
  try {
    // One octet more than a page, to see that there is no more.
    page = unzlibSync(compressed, { out: new Uint8Array(PAGE_OCTETS + 1) })
  } catch {
    throw new WireError('zlib', 0, 'a compressed page that does not inflate')
  }
  if (page.length !== PAGE_OCTETS)
    throw new WireError('zlib', 0, `a compressed page of other than ${PAGE_OCTETS} octets`)
  if (compressed.length < ZLIB_OCTETS_MIN || adler32(page) !== readU32be(compressed, compressed.length - 4))
    throw new WireError('zlib', Math.max(0, compressed.length - 4), 'the checksum of a compressed page is wrong')
  return page
}

/** RFC 1950 §9. A page is short enough for both sums to stay exact until the end. */
function adler32(octets: Uint8Array): number {
  let a = 1
  let b = 0
  for (const octet of octets) {
    a += octet
    b += a
  }
  return (b % 65521) * 65536 + (a % 65521)
}
