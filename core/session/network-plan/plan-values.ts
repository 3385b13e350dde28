/** Values of a network plan as people write them: quantities with units, addresses, one thing or a list of them. */
import { z } from 'zod'
import {
  IPV4_BROADCAST,
  IPV6_UNSPECIFIED,
  ipText,
  isMulticast,
  parsePrefix,
  type AddressPrefix,
} from '../../net/wire/addresses.js'

// Compiling validators with eval is forbidden by the window's content security policy.
z.config({ jitless: true })

const written = z.union([z.string(), z.number()], {
  error: ({ input }) => (input === undefined ? 'is missing' : 'write a word or a number here'),
})

/** Text that `parse` reads, or a number that may stand for it (`vlan: 10`). */
export const parsed = <T>(parse: (text: string) => T) =>
  written.transform((text, context): T => {
    try {
      return parse(String(text))
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      return z.NEVER
    }
  })

/** A list; one thing stands for a list of one. */
export const oneOrMore = <S extends z.ZodType>(schema: S) =>
  z.preprocess((value) => (value === undefined || Array.isArray(value) ? value : [value]), z.array(schema).min(1))

/** `alice`, `r1`: also the name of a cable that leads there, which may name an interface as well. */
export const deviceName = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'a name has small letters, digits and single dashes')
export const cableName = z
  .string()
  .regex(/^[a-z0-9]+([-/][a-z0-9]+)*$/, 'a name has small letters, digits and single dashes')

export const tcpPort = z.int().min(1).max(65535)
export const vlanId = z.int().min(1, 'VLANs are 1 to 4094').max(4094, 'VLANs are 1 to 4094')
export const vtpDomain = z.string().regex(/^[!-~]{0,32}$/, 'a VTP domain has at most 32 letters of ASCII')
/** Such as `10,20-30`, `all` or `none`. */
export const vlanList = parsed((text) => text)
export const addressPrefix = parsed(parsePrefix)

/** An address of a network, which must say how long the network's part is. */
export const interfaceAddress = parsed((text): AddressPrefix => {
  const prefix = parsePrefix(text)
  if (!text.includes('/')) throw new Error(`"${text}" does not say its prefix: write it like 10.0.0.1/24`)
  const { address } = prefix
  if (isMulticast(address) || address === IPV4_BROADCAST || address === 0 || address === IPV6_UNSPECIFIED)
    throw new Error(`no host has the address ${ipText(address)}`)
  return prefix
})

export const ipv4Prefix = parsed((text) => {
  const { address, prefixLength } = parsePrefix(text)
  if (typeof address !== 'number') throw new Error(`"${text}" is not an IPv4 prefix: write it like 10.1.0.0/16`)
  return { address, prefixLength }
})
export const ipv6Prefix = parsed((text) => {
  const { address, prefixLength } = parsePrefix(text)
  if (typeof address !== 'bigint') throw new Error(`"${text}" is not an IPv6 prefix: write it like fd00::/64`)
  return { address, prefixLength }
})

/** Without the properties that are undefined: what is given changes, and the rest stays. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
