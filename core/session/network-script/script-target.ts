/** Names of a plan's hosts as addresses, and back. */
import { InputError } from '../../base/errors.js'
import type { HostStack } from '../../net/host-stack.js'
import { ipText, isLinkLocal, parseIp, type IpAddress } from '../../net/wire/addresses.js'
import type { Network } from '../network-builder.js'

type Family = 'ipv4' | 'ipv6'

/** `text` is an address, or the name of a host whose first address of a family that `from` has too is meant. Throws `InputError`. */
export function addressOf(network: Network, text: string, from: HostStack, family?: Family): IpAddress {
  const stack = network.stacks.find(({ name }) => name === text)
  if (stack === undefined) return parseIp(text)
  for (const each of family === undefined ? (['ipv4', 'ipv6'] as const) : [family]) {
    const address = firstAddress(stack, each)
    if (address !== null && firstAddress(from, each) !== null) return address
  }
  throw new InputError(`${text} and ${from.name} have no ${family ?? 'IP'} addresses to talk with`)
}

/** Of all interfaces, but the link-local ones; null when there is none. */
export function firstAddress(stack: HostStack, family: Family): IpAddress | null {
  for (const { addresses } of stack.interfaces)
    for (const { address, state } of addresses) {
      const isOfFamily = typeof address === (family === 'ipv4' ? 'number' : 'bigint')
      if (isOfFamily && state === 'preferred' && !(typeof address === 'bigint' && isLinkLocal(address))) return address
    }
  return null
}

/** Who has the address; the address itself when nobody has. */
export function nameOf(network: Network, address: IpAddress): string {
  return stackOf(network, address)?.name ?? ipText(address)
}

export function stackOf(network: Network, address: IpAddress): HostStack | undefined {
  return network.stacks.find(({ interfaces }) => interfaces.some((one) => one.hasAddress(address)))
}
