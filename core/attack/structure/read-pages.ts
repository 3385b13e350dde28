/** Pages that were read in clear: which are alike is plain to see. */
import { pageDigest, ZERO_PAGE_DIGEST } from '../../base/page-digest.js'
import type { AlikePage } from './alike-pages.js'

const PAGES_MAX = 2 ** 20

export class ReadPages {
  private octets = new Float64Array(1024)
  private digests = new Float64Array(1024)
  private length = 0

  /** A page whose octets begin at `octet` of the stream. */
  add(page: Uint8Array, octet: number): void {
    if (this.length === PAGES_MAX) return
    if (this.length === this.octets.length) {
      this.octets = doubled(this.octets)
      this.digests = doubled(this.digests)
    }
    this.octets[this.length] = octet
    this.digests[this.length++] = pageDigest(page)
  }

  /** Those that hold what another one holds, or nothing. */
  alikePages(): AlikePage[] {
    const { octets, length } = this
    const digests = this.digests.subarray(0, length)
    const counts = new Map<number, number>()
    for (const digest of digests) counts.set(digest, (counts.get(digest) ?? 0) + 1)
    const pages: AlikePage[] = []
    digests.forEach((digest, index) => {
      const isZero = digest === ZERO_PAGE_DIGEST
      if (isZero || (counts.get(digest) ?? 0) > 1) pages.push({ octet: octets[index] as number, group: digest, isZero })
    })
    return pages
  }
}

function doubled(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const more = new Float64Array(2 * values.length)
  more.set(values)
  return more
}
