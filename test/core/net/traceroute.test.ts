import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { Traceroute, type TracerouteListener, type TracerouteProbe } from '../../../core/net/traceroute.js'
import { ipText, parseIp } from '../../../core/net/wire/addresses.js'
import { chain, type RoutedNetwork } from '../../support/routed-network.js'

class Hops implements TracerouteListener {
  readonly probes: TracerouteProbe[] = []
  isReached: boolean | null = null
  probeEnded(probe: TracerouteProbe): void {
    this.probes.push(probe)
  }
  tracerouteFinished(isReached: boolean): void {
    this.isReached = isReached
  }
}

function trace(net: RoutedNetwork, destination: string): Hops {
  const hops = new Hops()
  new Traceroute(net.kernel, net.host('client'), hops, {
    destination: parseIp(destination),
    probesPerHop: 2,
    hopsMax: 4,
  })
  net.runFor(seconds(60))
  return hops
}

const words = ({ probes }: Hops): string[] =>
  probes.map(({ hop, from, kind }) => `${hop} ${from === null ? '*' : ipText(from)} ${kind}`)

describe('Traceroute', () => {
  it.each([
    ['10.0.3.2', ['10.0.1.1', '10.0.2.2']],
    ['fd03::2', ['fd01::1', 'fd02::2']],
  ])('names every router on the way to %s', (server, routers) => {
    const hops = trace(chain(), server)
    expect(words(hops)).toEqual([
      ...Array<string>(2).fill(`1 ${routers[0]} time-exceeded`),
      ...Array<string>(2).fill(`2 ${routers[1]} time-exceeded`),
      ...Array<string>(2).fill(`3 ${server} port-unreachable`),
    ])
    expect(hops.isReached).toBe(true)
    expect(hops.probes.every(({ rttNs }) => rttNs > 0)).toBe(true)
  })

  it('goes on past a router that is silent, and ends where there is no way', () => {
    const net = chain()
    net.host('one').icmp.sendError = () => undefined
    expect(words(trace(net, '10.0.3.2')).slice(0, 4)).toEqual([
      '1 * no-answer',
      '1 * no-answer',
      '2 10.0.2.2 time-exceeded',
      '2 10.0.2.2 time-exceeded',
    ])
    const blocked = trace(chain(), '192.0.2.1')
    expect(words(blocked)).toEqual([
      '1 10.0.1.1 time-exceeded',
      '1 10.0.1.1 time-exceeded',
      '2 10.0.1.1 net-unreachable',
      '2 10.0.1.1 net-unreachable',
    ])
    expect(blocked.isReached).toBe(false)
  })
})
