/** Checksums of TCP, UDP and ICMPv6 with the pseudo-header of IPv4 (RFC 9293 §3.1) or IPv6 (RFC 8200 §8.1). */
import { onesComplementSum } from '../../net/wire/checksum.js'
import type { IpAddress } from '../../net/wire/addresses.js'
import type { Dissection } from '../dissection.js'
import type { FieldDefinition } from '../field.js'

/** What Wireshark calls the states of a checksum. */
export const CHECKSUM_STATUS = { bad: 0, good: 1, unverified: 2, notPresent: 3 } as const
export const CHECKSUM_WORDS = { 0: 'Bad', 1: 'Good', 2: 'Unverified', 3: 'Not present' }

/** Whether the message at `octets[start, end)` holds the right checksum for the addresses of the packet around it. */
export function isTransportSumGood(dissection: Dissection, start: number, end: number, protocol: number): boolean {
  const { octets, source, destination } = dissection
  const sum =
    onesComplementSum(octets, start, end) + addressSum(source) + addressSum(destination) + protocol + (end - start)
  return sum > 0 && sum % 0xffff === 0
}

function addressSum(address: IpAddress): number {
  if (typeof address === 'number') return (address >>> 16) + (address & 0xffff)
  return Number(address % 0xffffn)
}

/** The checksum's field with what was found: `status` is one of `CHECKSUM_STATUS`. */
export function putChecksum(
  { sink }: Dissection,
  fields: { readonly checksum: FieldDefinition; readonly checksumStatus: FieldDefinition },
  at: number,
  value: number,
  status: number,
): void {
  const word = CHECKSUM_WORDS[status as keyof typeof CHECKSUM_WORDS].toLowerCase()
  const text = sink.wantsText
    ? `${fields.checksum.label}: 0x${value.toString(16).padStart(4, '0')} (${status === 1 ? 'verified: good' : word})`
    : ''
  sink.field(fields.checksum, at, 2, value, text)
  sink.field(fields.checksumStatus, at, 0, status)
}
