/**
 * Addresses as numbers, so that they compare and index without garbage: a MAC address is its 48 bits, an IPv4 address its
 * 32 bits, most significant octet first.
 */
import { InputError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be, writeU32be } from '../../base/octets.js'

export type MacAddress = number & { readonly unit?: 'mac' }
export type Ipv4Address = number & { readonly unit?: 'ipv4' }

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

/** Whether both addresses have the same first `prefixLength` bits (0 to 32). */
export function sameSubnet(a: Ipv4Address, b: Ipv4Address, prefixLength: number): boolean {
  return prefixLength === 0 || (a ^ b) >>> (32 - prefixLength) === 0
}
