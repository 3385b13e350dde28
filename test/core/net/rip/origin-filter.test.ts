import { describe, expect, it } from 'vitest'
import { filterAnnouncement, type OriginFilter } from '../../../../core/net/rip/origin-filter.js'
import { parseIpv4, parsePrefix } from '../../../../core/net/wire/addresses.js'

const filters: OriginFilter[] = [
  {
    interface: 'eth0',
    neighbour: parseIpv4('10.0.0.1'),
    accepts: [{ prefix: parsePrefix('10.8.0.0/16'), longest: 24 }],
  },
  { interface: 'eth1', accepts: [{ prefix: parsePrefix('0.0.0.0/0') }, { prefix: parsePrefix('10.9.0.0/16') }] },
]

const verdict = (through: string, neighbour: string, text: string): string => {
  const { address, prefixLength } = parsePrefix(text)
  const announcement = { interface: through, neighbour: parseIpv4(neighbour), prefix: address as number, prefixLength }
  return filterAnnouncement(filters, announcement)
}

describe('filterAnnouncement', () => {
  it.each([
    ['eth0', '10.0.0.1', '10.8.0.0/16', 'accepted'],
    ['eth0', '10.0.0.1', '10.8.7.0/24', 'accepted'],
    ['eth0', '10.0.0.1', '10.8.7.0/25', 'prefix too long'],
    ['eth0', '10.0.0.1', '10.0.0.0/8', 'network not allowed'],
    ['eth0', '10.0.0.1', '10.9.0.0/16', 'network not allowed'],
    ['eth0', '10.0.0.2', '10.8.0.0/16', 'neighbour not allowed here'],
    ['eth1', '10.0.0.2', '0.0.0.0/0', 'accepted'],
    ['eth1', '10.0.0.2', '10.9.0.0/16', 'accepted'],
    ['eth1', '10.0.0.2', '10.9.1.0/24', 'prefix too long'],
    ['eth2', '10.0.0.1', '10.8.0.0/16', 'neighbour not allowed here'],
  ])('on %s from %s about %s: %s', (through, neighbour, prefix, expected) => {
    expect(verdict(through, neighbour, prefix)).toBe(expected)
  })

  it('refuses everything when there are no filters', () => {
    expect(filterAnnouncement([], { interface: 'eth0', neighbour: 1, prefix: 0, prefixLength: 0 })).not.toBe('accepted')
  })
})
