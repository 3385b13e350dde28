import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { Ping, type PingListener, type PingResult } from '../../../core/net/ping.js'
import { NetworkFixture } from '../../support/network-fixture.js'

class Results implements PingListener {
  readonly told: string[] = []
  pingResult({ outcome, sequence }: PingResult): void {
    this.told.push(`${outcome} ${sequence}`)
  }
  pingFinished(): void {
    this.told.push('finished')
  }
}

describe('Ping', () => {
  it('asks once a second, and tells each answer and each loss', () => {
    const net = new NetworkFixture()
    const results = new Results()
    const ping = new Ping(net.kernel, net.host(0), results, { destination: net.host(1).address, count: 4 })
    net.kernel.runUntil(seconds(1) + 500_000_000)
    net.links[1]!.cut()
    net.kernel.runUntil(seconds(2) + 500_000_000)
    net.links[1]!.restore()
    net.kernel.runUntil(seconds(9))
    expect(results.told).toEqual(['answered 1', 'answered 2', 'lost 3', 'answered 4', 'finished'])
    expect([ping.sent, ping.answered]).toEqual([4, 3])
    expect(net.kernel.nextEventNs()).toBeUndefined()
  })

  it('ends when it is stopped', () => {
    const net = new NetworkFixture()
    const results = new Results()
    const ping = new Ping(net.kernel, net.host(0), results, { destination: net.host(1).address, count: 1000 })
    net.kernel.runUntil(seconds(1) + 500_000_000)
    ping.stop()
    net.kernel.runUntil(seconds(9))
    expect(results.told).toEqual(['answered 1', 'answered 2', 'finished'])
  })
})
