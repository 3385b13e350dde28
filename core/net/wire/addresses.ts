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

export const IPV6_OCTETS = 16

const readWords = new Uint32Array(4)
let lastRead: Ipv6Address = 0n

/** Captures repeat the same few addresses, and making a bigint is dear: one that is read again is the same object. */
export function readIpv6(octets: Uint8Array, offset: number): Ipv6Address {
  const first = readU32be(octets, offset)
  const second = readU32be(octets, offset + 4)
  const third = readU32be(octets, offset + 8)
  const fourth = readU32be(octets, offset + 12)
  if (first === readWords[0] && second === readWords[1] && third === readWords[2] && fourth === readWords[3])
    return lastRead
  readWords[0] = first
  readWords[1] = second
  readWords[2] = third
  readWords[3] = fourth
  lastRead = (BigInt(first) << 96n) | (BigInt(second) << 64n) | (BigInt(third) << 32n) | BigInt(fourth)
  return lastRead
}

export function writeIpv6(octets: Uint8Array, offset: number, address: Ipv6Address): void {
  for (let word = 0; word < 4; word++)
    writeU32be(octets, offset + 4 * word, Number((address >> BigInt(96 - 32 * word)) & 0xffff_ffffn))
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

export function parseIp(text: string): IpAddress {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** Whether both addresses have the same first `prefixLength` bits (0 to 32). */
export function sameSubnet(a: Ipv4Address, b: Ipv4Address, prefixLength: number): boolean {
  return prefixLength === 0 || (a ^ b) >>> (32 - prefixLength) === 0
}
