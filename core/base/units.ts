/** Units: virtual time, sizes and rates, and how people write them. */
import { InputError } from './errors.js'

/** Virtual time or a span of it, in whole nanoseconds. */
export type Nanos = number & { readonly unit?: 'ns' }

export const microseconds = (count: number): Nanos => Math.round(count * 1e3)
export const milliseconds = (count: number): Nanos => Math.round(count * 1e6)
export const seconds = (count: number): Nanos => Math.round(count * 1e9)

/** Octets in a page of guest memory: the target page size of RISC-V and x86. */
export const PAGE_OCTETS = 4096

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}
const bitUnits: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, Mbit: 1e6, Gbit: 1e9 }
const timeUnits: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, min: 60e9 }

function parseQuantity(text: string, units: Readonly<Record<string, number>>, what: string, example: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)$/.exec(text.trim())
  const scale = match === null ? undefined : units[match[2] ?? '']
  if (match === null || scale === undefined) throw new InputError(`"${text}" is not ${what}: write it like ${example}`)
  return Number(match[1]) * scale
}

/** `16MiB`, `4096`, `1.5GiB` in octets (a whole number). */
export function parseOctets(text: string): number {
  return Math.round(parseQuantity(text, sizeUnits, 'a size', '16MiB'))
}

/** `100us`, `300ms`, `2s` in nanoseconds. */
export function parseDuration(text: string): Nanos {
  return Math.round(parseQuantity(text, timeUnits, 'a duration', '300ms'))
}

/** `1Gbit`, `100Mbit` (a second) in whole bits a second. */
export function parseBitRate(text: string): number {
  return Math.round(parseQuantity(text.replace(/\/s$|ps$/, ''), bitUnits, 'a bandwidth', '1Gbit'))
}

/** `128MiB/s` in octets a second. */
export function parseOctetRate(text: string): number {
  return parseQuantity(text.replace(/\/s$/, ''), sizeUnits, 'a rate', '128MiB/s')
}

/** `2000/s` in events a second. */
export function parseEventRate(text: string): number {
  return parseQuantity(text.replace(/\/s$/, ''), { '': 1 }, 'a rate of events', '2000/s')
}

/** `0.5%` as a fraction, 0 to 1. */
export function parseFraction(text: string): number {
  const percent = parseQuantity(text.trim().replace(/%$/, ' percent'), { percent: 1 }, 'a share', '0.5%')
  if (percent > 100) throw new InputError(`"${text}" is more than all: write it like 0.5%`)
  return percent / 100
}
