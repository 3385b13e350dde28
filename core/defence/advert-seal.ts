/** The tag of an advert: HMAC-SHA-256 by a key of the host that is named in it. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { equalOctets } from '../base/octets.js'
import { encodeAdvert, type Advert, type ReceivedAdvert } from '../hypervisor/wire/adverts.js'

export class AdvertSeal {
  /** Keys by the host's name. */
  constructor(private readonly keys: ReadonlyMap<string, Uint8Array>) {}

  /** The datagram of an advert of a host whose key is known. */
  encode(advert: Advert): Uint8Array {
    const empty = new Uint8Array(sha256.outputLen)
    const key = this.keys.get(advert.host)
    if (key === undefined) return encodeAdvert(advert)
    const covered = encodeAdvert(advert, empty).subarray(0, -empty.length)
    return encodeAdvert(advert, hmac(sha256, key, covered))
  }

  accepts({ advert, covered, tag }: ReceivedAdvert): boolean {
    const key = this.keys.get(advert.host)
    return key !== undefined && equalOctets(tag, hmac(sha256, key, covered))
  }
}
