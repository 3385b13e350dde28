/**
 * DTP, Cisco's Dynamic Trunking Protocol, by which two switch ports agree whether the cable between them is a trunk. Cisco
 * has not published it: this follows public descriptions (US patent 6,445,715 and Wireshark's dissector, which is the check).
 *
 *   version 1 = 1 | records: type 2 | length 2, with these 4 octets | value
 *   1 domain: text   2 status: trunk or access 1 bit, administrative status 3 bits   3 type, alike   4 sender: MAC 6
 */
import { InputError, WireError } from '../../base/errors.js'
import { latin1Octets, latin1Text, OctetReader, OctetWriter, readU16be, readU32be } from '../../base/octets.js'
import { readMac, writeMac, type MacAddress } from './addresses.js'
import { ETHERTYPE_MIN } from './ethernet.js'
import { decodeSnap, encodeSnap } from './llc-snap.js'

/** Shared by Cisco's control protocols; DTP is told by its SNAP protocol number. */
export const MAC_CISCO_CONTROL: MacAddress = 0x0100_0ccc_cccc
const ORGANISATION_CISCO = 0x00000c
const PROTOCOL_DTP = 0x2004
/** AA AA 03 and the organisation, then the protocol. */
const LLC_SNAP_START = 0xaaaa0300
const SNAP_END = 0x000c2004
const VERSION = 1
/** Of VTP, whose domains these are. */
export const DOMAIN_OCTETS_MAX = 32

const RECORD = { domain: 1, status: 2, type: 3, sender: 4 } as const
const RECORD_HEADER_OCTETS = 4
const OPERATING_TRUNK = 0x80
const ADMINISTRATIVE_STATUS = { on: 1, off: 2, desirable: 3, auto: 4 } as const
const OPERATING_TYPE = { native: 1, isl: 2, dot1q: 5 } as const
const ADMINISTRATIVE_TYPE = { negotiated: 0, native: 1, isl: 2, dot1q: 5 } as const

export type DtpAdministrativeStatus = keyof typeof ADMINISTRATIVE_STATUS
export type DtpOperatingType = keyof typeof OPERATING_TYPE
export type DtpAdministrativeType = keyof typeof ADMINISTRATIVE_TYPE

export interface DtpMessage {
  /** Both sides must be in the same VTP domain; empty fits every other. Latin-1, at most 32 octets, without zeros. */
  readonly domain: string
  /** What the port is. */
  readonly isTrunk: boolean
  /** What the port was told to be. */
  readonly administrativeStatus: DtpAdministrativeStatus
  readonly operatingType: DtpOperatingType
  readonly administrativeType: DtpAdministrativeType
  readonly sender: MacAddress
}

/** A whole frame. Throws `InputError` on a domain that has no place. */
export function encodeDtpFrame(message: DtpMessage): Uint8Array {
  const domain = latin1Octets(message.domain)
  if (domain.length > DOMAIN_OCTETS_MAX || domain.includes(0))
    throw new InputError(`"${message.domain}" is not a VTP domain: at most ${DOMAIN_OCTETS_MAX} characters`)
  const sender = new Uint8Array(6)
  writeMac(sender, 0, message.sender)
  const { isTrunk, administrativeStatus, operatingType, administrativeType } = message
  const writer = new OctetWriter(64).u8(VERSION)
  // Switches write at least one octet of domain: a zero.
  record(writer, RECORD.domain, domain.length === 0 ? Uint8Array.of(0) : domain)
  const status = (isTrunk ? OPERATING_TRUNK : 0) | ADMINISTRATIVE_STATUS[administrativeStatus]
  record(writer, RECORD.status, Uint8Array.of(status))
  const type = (OPERATING_TYPE[operatingType] << 5) | ADMINISTRATIVE_TYPE[administrativeType]
  record(writer, RECORD.type, Uint8Array.of(type))
  record(writer, RECORD.sender, sender)
  return encodeSnap({
    destination: MAC_CISCO_CONTROL,
    source: message.sender,
    organisation: ORGANISATION_CISCO,
    protocol: PROTOCOL_DTP,
    payload: writer.take(),
  })
}

/** Throws `WireError`. Unknown records are skipped; a missing one is refused, but for the domain. */
export function decodeDtpFrame(octets: Uint8Array): DtpMessage {
  const snap = decodeSnap(octets)
  if (snap.organisation !== ORGANISATION_CISCO || snap.protocol !== PROTOCOL_DTP)
    throw new WireError('dtp', 0, 'another protocol')
  const reader = new OctetReader(snap.payload, 'dtp')
  const version = reader.u8('version')
  if (version !== VERSION) throw new WireError('dtp', 0, `version ${version}`)
  let domain = ''
  let status: number | null = null
  let type: number | null = null
  let sender: MacAddress | null = null
  while (reader.remaining > 0) {
    const start = reader.offset
    const kind = reader.u16('record type')
    const length = reader.u16('record length')
    if (length < RECORD_HEADER_OCTETS) throw new WireError('dtp', start + 2, `record of ${length} octets`)
    const value = reader.view(length - RECORD_HEADER_OCTETS, 'record')
    const expectLength = (expected: number): void => {
      if (value.length !== expected) throw new WireError('dtp', start + 2, `record ${kind} of ${length} octets`)
    }
    if (kind === RECORD.domain) domain = domainText(value, start)
    else if (kind === RECORD.status) {
      expectLength(1)
      status = value[0] ?? 0
    } else if (kind === RECORD.type) {
      expectLength(1)
      type = value[0] ?? 0
    } else if (kind === RECORD.sender) {
      expectLength(6)
      sender = readMac(value, 0)
    }
  }
  if (status === null || type === null || sender === null)
    throw new WireError('dtp', reader.offset, 'a record is missing')
  return {
    domain,
    isTrunk: (status & OPERATING_TRUNK) !== 0,
    administrativeStatus: nameOf(ADMINISTRATIVE_STATUS, status & 7, 'administrative status'),
    operatingType: nameOf(OPERATING_TYPE, type >>> 5, 'operating type'),
    administrativeType: nameOf(ADMINISTRATIVE_TYPE, type & 7, 'administrative type'),
    sender,
  }
}

/** Whether an untagged frame says that it is DTP: then it is for the switch that receives it, whole or not. */
export function isDtpFrame(frame: Uint8Array): boolean {
  return (
    readMac(frame, 0) === MAC_CISCO_CONTROL &&
    readU16be(frame, 12) < ETHERTYPE_MIN &&
    readU32be(frame, 14) === LLC_SNAP_START &&
    readU32be(frame, 18) === SNAP_END
  )
}

function record(writer: OctetWriter, type: number, value: Uint8Array): void {
  writer
    .u16(type)
    .u16(RECORD_HEADER_OCTETS + value.length)
    .octets(value)
}

/** The text up to the first zero: switches pad it with zeros. */
function domainText(value: Uint8Array, offset: number): string {
  const end = value.indexOf(0)
  const text = latin1Text(end < 0 ? value : value.subarray(0, end))
  if (text.length > DOMAIN_OCTETS_MAX) throw new WireError('dtp', offset, `domain of ${text.length} octets`)
  return text
}

function nameOf<N extends string>(names: Readonly<Record<N, number>>, value: number, what: string): N {
  for (const name of Object.keys(names) as N[]) if (names[name] === value) return name
  throw new WireError('dtp', 0, `${what} ${value}`)
}
