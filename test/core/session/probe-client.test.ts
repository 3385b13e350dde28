import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { ProbeClient } from '../../../core/session/probe-client.js'
import { EchoProbe } from '../../../core/session/probes/echo-probe.js'
import { NetworkFixture } from '../../support/network-fixture.js'

describe('ProbeClient', () => {
  it('asks at a fixed interval, and writes down when each answer came, or that none did', () => {
    const net = new NetworkFixture()
    const echo = new EchoProbe(net.host(0), net.host(1).address)
    const probe = new ProbeClient(net.kernel, 'host1', echo, milliseconds(10))
    probe.start()
    probe.start()
    net.kernel.runUntil(milliseconds(95))
    net.links[1]!.cut()
    net.kernel.runUntil(milliseconds(145))
    net.links[1]!.restore()
    net.kernel.runUntil(seconds(2))
    const rows = net.kernel.trace.rows('probe')
    expect(rows.slice(0, 10).map(({ sentNs, lost }) => [sentNs / 1e6, lost])).toEqual(
      Array.from({ length: 10 }, (_, index) => [10 * index, 0]),
    )
    for (const { sentNs, replyNs, atNs, lost } of rows)
      if (lost === 0) {
        expect(atNs).toBe(replyNs)
        expect(replyNs - sentNs).toBeGreaterThan(milliseconds(0.4))
      } else expect(atNs - sentNs).toBeGreaterThanOrEqual(seconds(1))
    expect(rows.filter(({ lost }) => lost === 1).map(({ sentNs }) => sentNs / 1e6)).toEqual([100, 110, 120, 130, 140])
  })
})
