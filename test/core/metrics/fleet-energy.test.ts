import { describe, expect, it } from 'vitest'
import { Trace } from '../../../core/kernel/trace.js'
import { EnergyMeter } from '../../../core/metrics/fleet-energy.js'

const SECOND = 1e9

describe('EnergyMeter', () => {
  const trace = new Trace()
  const meter = new EnergyMeter(trace)
  const at = (seconds: number, host: string, state: string, busyShare: number, watts: number): void => {
    trace.nowNs = seconds * SECOND
    trace.add('host-power', { host, state, busyShare, watts })
  }

  it('tells each second once, when it is over', () => {
    at(0, 'a', 'on', 0, 70)
    at(0, 'b', 'on', 0, 70)
    expect(meter.samples(0.9 * SECOND)).toEqual([])
    at(1, 'a', 'on', 0.5, 85)
    at(1, 'b', 'on', 0, 70)
    expect(meter.samples(1.2 * SECOND)).toEqual([
      {
        ...{ atNs: SECOND, watts: 155, joules: 155 },
        hosts: [
          { state: 'on', busyShare: 0.5 },
          { state: 'on', busyShare: 0 },
        ],
      },
    ])
    at(1.5, 'b', 'off', 0, 0) // in the middle of a second
    at(2, 'a', 'on', 0, 70)
    at(2, 'b', 'off', 0, 0)
    at(3, 'a', 'failed', 0, 70)
    const later = meter.samples(3 * SECOND)
    expect(later.map(({ watts, joules }) => [watts, joules])).toEqual([
      [70 + 35, 260],
      [70, 330],
    ])
    expect(later[1]?.hosts.map(({ state }) => state)).toEqual(['failed', 'off'])
  })

  it('reads on where it was, and asking changes nothing', () => {
    expect(meter.energy(3.5 * SECOND)).toEqual(meter.energy(3.5 * SECOND))
    expect(meter.energy(4 * SECOND)).toEqual(new EnergyMeter(trace).energy(4 * SECOND))
    expect(meter.energy(4 * SECOND).joules).toBe(400)
  })
})
