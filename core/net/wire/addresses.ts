/**
 * Addresses as numbers, so that they compare and index without garbage: a MAC address is its 48 bits, an IPv4 address its
 * 32 bits, most significant octet first. An IPv6 address is its 128 bits as a bigint, so `typeof` tells the two apart.
 */
import { InputError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be, writeU32be } from '../../base/octets.js'

export type MacAddress = number & { readonly unit?: 'mac' }
export type Ipv4Address = number & { readonly unit?: 'ipv4' }
export type Ipv6Address = bigint & { readonly unit?: 'ipv6' }
export type IpAddress = Ipv4Address | Ipv6Address

export const MAC_BROADCAST: MacAddress = 0xffff_ffff_ffff
export const IPV4_LOOPBACK: Ipv4Address = 0x7f00_0001
export const IPV4_BROADCAST: Ipv4Address = 0xffff_ffff

export function readMac(octets: Uint8Array, offset: number): MacAddress {
  return readU16be(octets, offset) * 0x1_0000_0000 + readU32be(octets, offset + 2)
}

export function writeMac(octets: Uint8Array, offset: number, mac: MacAddress): void {
  writeU16be(octets, offset, Math.floor(mac / 0x1_0000_0000))
  writeU32be(octets, offset + 2, mac >>> 0)
}

/** Broadcast or multicast: the group bit of the first octet is set. */
export function isGroupMac(mac: MacAddress): boolean {
  return (Math.floor(mac / 0x100_0000_0000) & 1) === 1
}

/** `52:54:00:12:34:56`. */
export function macText(mac: MacAddress): string {
  const digits = mac.toString(16).padStart(12, '0')
  return digits.replace(/(..)(?=.)/g, '$1:')
}

export function parseMac(text: string): MacAddress {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text))
    throw new InputError(`"${text}" is not a MAC address: write it like 52:54:00:12:34:56`)
  return parseInt(text.replaceAll(':', ''), 16)
}

/** `10.0.0.1`. */
export function ipv4Text(address: Ipv4Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

export function parseIpv4(text: string): Ipv4Address {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  const parts = match === null ? [] : match.slice(1).map(Number)
  if (parts.length !== 4 || parts.some((part) => part > 255))
    throw new InputError(`"${text}" is not an IPv4 address: write it like 10.0.0.1`)
  return parts.reduce((address, part) => address * 256 + part, 0)
}

export const IPV6_UNSPECIFIED: Ipv6Address = 0n
export const IPV6_LOOPBACK: Ipv6Address = 1n
export const IPV6_ALL_NODES: Ipv6Address = 0xff02_0000_0000_0000_0000_0000_0000_0001n
export const IPV6_ALL_ROUTERS: Ipv6Address = 0xff02_0000_0000_0000_0000_0000_0000_0002n

/** Addresses that were read lately, each at the place that its words point to, and as the bigint they make. */
const READ_SLOTS = 64
const readWords = new Uint32Array(4 * READ_SLOTS)
const readAddresses: Ipv6Address[] = new Array<Ipv6Address>(READ_SLOTS).fill(0n)

/** Networks repeat the same few addresses, and making a bigint is dear: one that is read again is the same object. */
export function readIpv6(octets: Uint8Array, offset: number): Ipv6Address {
  const first = readU32be(octets, offset)
  const second = readU32be(octets, offset + 4)
  const third = readU32be(octets, offset + 8)
  const fourth = readU32be(octets, offset + 12)
  const slot = (first ^ second ^ third ^ fourth ^ (fourth >>> 6)) & (READ_SLOTS - 1)
  const at = 4 * slot
  if (
    first !== readWords[at] ||
    second !== readWords[at + 1] ||
    third !== readWords[at + 2] ||
    fourth !== readWords[at + 3]
  ) {
    readWords[at] = first
    readWords[at + 1] = second
    readWords[at + 2] = third
    readWords[at + 3] = fourth
    readAddresses[slot] = (BigInt(first) << 96n) | (BigInt(second) << 64n) | (BigInt(third) << 32n) | BigInt(fourth)
  }
  return readAddresses[slot] ?? 0n
}

/** The two addresses taken apart last (a packet's source and destination), as words, for the same reason. */
const apart: { address: Ipv6Address; readonly words: Uint32Array }[] = [
  { address: 0n, words: new Uint32Array(4) },
  { address: 0n, words: new Uint32Array(4) },
]

/** The address as four words of 32 bits, most significant first; valid until the next call. */
export function ipv6Words(address: Ipv6Address): Uint32Array {
  const [latest, earlier] = apart as [(typeof apart)[0], (typeof apart)[0]]
  if (latest.address === address) return latest.words
  apart[0] = earlier
  apart[1] = latest
  if (earlier.address !== address) {
    for (let word = 0; word < 4; word++)
      earlier.words[word] = Number((address >> BigInt(96 - 32 * word)) & 0xffff_ffffn)
    earlier.address = address
  }
  return earlier.words
}

export function writeIpv6(octets: Uint8Array, offset: number, address: Ipv6Address): void {
  const words = ipv6Words(address)
  for (let word = 0; word < 4; word++) writeU32be(octets, offset + 4 * word, words[word] ?? 0)
}

/** `fd00::1`, as RFC 5952 §4 wants it: lower case, no leading zeros, the longest run of zero groups left out. */
export function ipv6Text(address: Ipv6Address): string {
  const groups = Array.from({ length: 8 }, (_, index) => Number((address >> BigInt(112 - 16 * index)) & 0xffffn))
  let runStart = 0
  let runLength = 0
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > runLength) [runStart, runLength] = [start, length]
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (runLength < 2) return hex(groups)
  return `${hex(groups.slice(0, runStart))}::${hex(groups.slice(runStart + runLength))}`
}

/** RFC 4291 §2.2, without the form that ends in an IPv4 address. */
export function parseIpv6(text: string): Ipv6Address {
  const halves = text.split('::')
  const parsed = halves.map((half) => (half === '' ? [] : half.split(':')))
  const groups = parsed.flat()
  const isShort = halves.length === 2
  const isGood =
    halves.length <= 2 &&
    (isShort ? groups.length < 8 : groups.length === 8) &&
    groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
  if (!isGood) throw new InputError(`"${text}" is not an IPv6 address: write it like fd00::1`)
  const filled = isShort
    ? [...(parsed[0] ?? []), ...new Array<string>(8 - groups.length).fill('0'), ...(parsed[1] ?? [])]
    : groups
  return filled.reduce((address, group) => (address << 16n) | BigInt(parseInt(group, 16)), 0n)
}

/** `10.0.0.1` or `fd00::1`. */
export function ipText(address: IpAddress): string {
  return typeof address === 'number' ? ipv4Text(address) : ipv6Text(address)
}

/** `10.0.0.1:80` or `[fe80::1]:80`. */
export function endpointText(address: IpAddress, port: number): string {
  return `${typeof address === 'number' ? ipText(address) : `[${ipText(address)}]`}:${port}`
}

export function parseIp(text: string): IpAddress {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** 224.0.0.0/4 or ff00::/8. */
export function isMulticast(address: IpAddress): boolean {
  return typeof address === 'number' ? address >>> 28 === 14 : address >> 120n === 0xffn
}

/** fe80::/10: good on one link only (RFC 4291 §2.5.6). */
export function isLinkLocal(address: Ipv6Address): boolean {
  return address >> 118n === 0x3fan
}

/** The interface identifier that a MAC address gives: fffe in its middle, the universal bit turned (RFC 4291, appendix A). */
export function interfaceIdentifierOf(mac: MacAddress): bigint {
  const bits = BigInt(mac)
  return (((bits >> 24n) << 40n) | 0xff_fe00_0000n | (bits & 0xff_ffffn)) ^ (1n << 57n)
}

export function linkLocalOf(mac: MacAddress): Ipv6Address {
  return (0xfe80n << 112n) | interfaceIdentifierOf(mac)
}

/** The group that whoever has `address` listens to (RFC 4291 §2.7.1). */
export function solicitedNodeOf(address: Ipv6Address): Ipv6Address {
  return 0xff02_0000_0000_0000_0000_0001_ff00_0000n | (address & 0xff_ffffn)
}

/** The MAC address of a multicast group (RFC 1112 §6.4, RFC 2464 §7). */
export function macOfGroup(group: IpAddress): MacAddress {
  return typeof group === 'number'
    ? 0x0100_5e00_0000 + (group & 0x7f_ffff)
    : 0x3333_0000_0000 + Number(group & 0xffff_ffffn)
}

/** Bits of an address of that family: 32 or 128. */
export function addressBits(address: IpAddress): number {
  return typeof address === 'number' ? 32 : 128
}

/** The address with all but its first `prefixLength` bits zero. */
export function prefixOf(address: IpAddress, prefixLength: number): IpAddress {
  if (typeof address === 'bigint') {
    const hostBits = BigInt(128 - prefixLength)
    return (address >> hostBits) << hostBits
  }
  return prefixLength === 0 ? 0 : (address & (0xffff_ffff << (32 - prefixLength))) >>> 0
}

/** Whether `address` is of the family of `prefix` and begins with its first `prefixLength` bits. */
export function isInPrefix(address: IpAddress, prefix: IpAddress, prefixLength: number): boolean {
  return typeof address === typeof prefix && prefixOf(address, prefixLength) === prefixOf(prefix, prefixLength)
}

/** An address with the length of its subnet's prefix. */
export interface AddressPrefix {
  readonly address: IpAddress
  readonly prefixLength: number
}

/** `10.0.0.0/24`, `fd00::/64`; an address alone is a prefix of all its bits. */
export function parsePrefix(text: string): AddressPrefix {
  const [addressText = '', lengthText, ...rest] = text.split('/')
  const address = parseIp(addressText)
  const prefixLength = lengthText === undefined ? addressBits(address) : Number(lengthText)
  const isGood = lengthText === undefined || /^\d{1,3}$/.test(lengthText)
  if (!isGood || rest.length > 0 || prefixLength > addressBits(address))
    throw new InputError(`"${text}" is not a prefix: write it like 10.0.0.0/24`)
  return { address, prefixLength }
}

export function prefixText({ address, prefixLength }: AddressPrefix): string {
  return `${ipText(address)}/${prefixLength}`
}

/** Whether both addresses have the same first `prefixLength` bits (0 to 32). */
export function sameSubnet(a: Ipv4Address, b: Ipv4Address, prefixLength: number): boolean {
  return prefixLength === 0 || (a ^ b) >>> (32 - prefixLength) === 0
}
