import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { parseIpv4 } from '../../../core/net/wire/addresses.js'
import { ARP_OPERATION } from '../../../core/net/wire/arp.js'
import { RoutedNetwork } from '../../support/routed-network.js'

function lan(): RoutedNetwork {
  const net = new RoutedNetwork()
  for (const [index, name] of ['one', 'two', 'three'].entries())
    net.addHost(name, { addresses: [[`10.0.0.${index + 1}/24`]] })
  net.joinAll('lan', ['one', 'two', 'three'])
  return net
}

/** One asks two, so that it has an entry. */
function acquaint(net: RoutedNetwork): void {
  net.host('one').icmp.sendEcho(net.host('two').address, 1, 1, new Uint8Array(0))
  net.runFor(seconds(1))
}

describe('ArpTable', () => {
  it.each([
    ['known', '52:54:00:00:00:03', undefined],
    ['all', '52:54:00:00:00:03', '52:54:00:00:00:03'],
    ['none', '52:54:00:00:00:02', undefined],
  ] as const)('believes announcements as it is told: %s', (gratuitous, two, unknown) => {
    const net = lan()
    acquaint(net)
    const { arp } = net.host('one')
    arp.gratuitous = gratuitous
    for (const form of ['request', 'reply'] as const) {
      net.host('three').arp.announce(form, parseIpv4('10.0.0.2'))
      net.host('three').arp.announce(form, parseIpv4('10.0.0.9'))
    }
    net.runFor(seconds(1))
    const macs = new Map(arp.table().map(({ address, mac }) => [address, mac]))
    expect(macs.get('10.0.0.2')).toBe(two)
    expect(macs.get('10.0.0.9')).toBe(unknown)
  })

  it('counts those who say that they have our address', () => {
    const net = lan()
    net.host('three').arp.announce('reply', net.host('one').address)
    net.runFor(seconds(1))
    expect(net.host('one').arp.conflicts).toBe(1)
  })

  it('finds out whether an address is free', () => {
    const net = lan()
    const told: [number, boolean][] = []
    const listener = { addressProbed: (address: number, isTaken: boolean) => void told.push([address, isTaken]) }
    net.host('one').arp.probe(parseIpv4('10.0.0.2'), listener)
    net.host('one').arp.probe(parseIpv4('10.0.0.9'), listener)
    net.runFor(seconds(10))
    expect(told).toEqual([
      [parseIpv4('10.0.0.2'), true],
      [parseIpv4('10.0.0.9'), false],
    ])
  })

  it('answers for the address that was asked for, of several', () => {
    const net = lan()
    const eth0 = net.host('two').interface('eth0')
    eth0.addAddress({ address: parseIpv4('10.0.0.22'), prefixLength: 24 })
    net.host('one').icmp.sendEcho(parseIpv4('10.0.0.22'), 1, 1, new Uint8Array(0))
    net.runFor(seconds(1))
    expect(net.host('one').arp.macOf(parseIpv4('10.0.0.22'))).toBe(eth0.mac)
    eth0.removeAddress(parseIpv4('10.0.0.22'))
    expect(net.host('two').ip.hasAddress(parseIpv4('10.0.0.22'))).toBe(false)
    expect(net.host('two').routeRows()).toHaveLength(1)
  })

  it('is bounded, whoever asks', () => {
    const net = lan()
    const [one, two] = [net.host('one'), net.host('two')]
    for (let index = 0; index < 10_000; index++)
      two.arp.send(one.mac, {
        operation: ARP_OPERATION.request,
        senderMac: 0x0200_0000_0000 + index,
        senderAddress: 0x0a01_0000 + index,
        targetMac: 0,
        targetAddress: one.address,
      })
    net.runFor(seconds(5))
    expect(one.arp.table().length).toBeLessThanOrEqual(4096)
  })

  it('costs nothing while nobody speaks: a thousand hosts, no event', () => {
    const net = new RoutedNetwork()
    for (let index = 0; index < 1000; index++)
      net.addHost(`host${index}`, {
        addresses: [[`10.1.${index >>> 8}.${index & 255}/16`, `fd00::${index.toString(16)}/64`]],
      })
    expect(net.kernel.nextEventNs()).toBeUndefined()
  })
})
