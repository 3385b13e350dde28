/** Which neighbour a router believes about which networks: the defence against announcements that draw traffic away. */
import { isInPrefix, type AddressPrefix, type Ipv4Address } from '../wire/addresses.js'

export interface OriginFilter {
  /** The name of the interface that announcements come in by; any unless told. */
  readonly interface?: string
  /** Who may announce; anybody there unless told. */
  readonly neighbour?: Ipv4Address
  readonly accepts: readonly AcceptedPrefix[]
}

/** Networks inside `prefix` are accepted, none longer than `longest` bits; only `prefix` itself unless told. */
export interface AcceptedPrefix {
  readonly prefix: AddressPrefix
  readonly longest?: number
}

export interface Announcement {
  readonly interface: string
  readonly neighbour: Ipv4Address
  readonly prefix: Ipv4Address
  readonly prefixLength: number
}

export type FilterVerdict = 'accepted' | 'neighbour not allowed here' | 'network not allowed' | 'prefix too long'

/** An announcement is believed when one of the filters for its interface and neighbour accepts it. */
export function filterAnnouncement(filters: readonly OriginFilter[], announcement: Announcement): FilterVerdict {
  const { prefix, prefixLength } = announcement
  let verdict: FilterVerdict = 'neighbour not allowed here'
  for (const filter of filters) {
    const isOther =
      (filter.interface !== undefined && filter.interface !== announcement.interface) ||
      (filter.neighbour !== undefined && filter.neighbour !== announcement.neighbour)
    if (isOther) continue
    if (verdict === 'neighbour not allowed here') verdict = 'network not allowed'
    for (const { prefix: accepted, longest = accepted.prefixLength } of filter.accepts) {
      const isInside =
        prefixLength >= accepted.prefixLength && isInPrefix(prefix, accepted.address, accepted.prefixLength)
      if (isInside && prefixLength <= longest) return 'accepted'
      if (isInside) verdict = 'prefix too long'
    }
  }
  return verdict
}
