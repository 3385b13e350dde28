import { describe, expect, it } from 'vitest'
import { Trace } from '../../../core/kernel/trace.js'
import { computeFleet } from '../../../core/metrics/fleet-metrics.js'

const SECOND = 1e9

describe('the metrics of a fleet', () => {
  it('integrate what hosts drew, against the same work with every host on', () => {
    const trace = new Trace()
    const at = (seconds: number, host: string, state: string, watts: number): void => {
      trace.nowNs = seconds * SECOND
      trace.add('host-power', { host, state, busyShare: 0, watts })
    }
    at(0, 'a', 'on', 70)
    at(0, 'b', 'on', 70)
    at(1, 'a', 'on', 100) // drew 100 W since 0 s
    at(1, 'b', 'on', 70)
    at(2, 'b', 'off', 0) // went on as before, until now
    at(4, 'b', 'booting', 70) // and drew nothing until now
    at(5, 'b', 'on', 70)
    const { energy } = computeFleet(trace, 6 * SECOND)
    expect(energy.byHost).toEqual([
      { host: 'a', joules: 600, offNs: 0 },
      { host: 'b', joules: 4 * 70, offNs: 2 * SECOND },
    ])
    expect(energy.joules).toBe(880)
    expect(energy.joulesAllOn).toBe(600 + 6 * 70)
  })

  it('take the downtime of a move from the states of its machine, and tell what failed', () => {
    const trace = new Trace()
    const ends = { vm: 'x', source: 'a', destination: 'b' }
    const state = (nowNs: number, host: string, is: string): void => {
      trace.nowNs = nowNs
      trace.add('vm-state', { vm: 'x', host, state: is })
    }
    const move = (nowNs: number, outcome: string, startNs: number): void => {
      trace.nowNs = nowNs
      trace.add('fleet-move', { decision: 1, ...ends, outcome, reason: '', startNs, downtimeNs: 0 })
    }
    state(5, 'a', 'finish-migrate')
    state(6, 'a', 'running')
    move(9, 'failed', 1)
    state(20, 'a', 'finish-migrate')
    state(27, 'b', 'running')
    move(30, 'completed', 10)
    const { moves, completed, downtimeNs } = computeFleet(trace, 100)
    expect(moves).toMatchObject([
      { outcome: 'failed', durationNs: 8, downtimeNs: 0 },
      { outcome: 'completed', durationNs: 20, downtimeNs: 7 },
    ])
    expect(completed).toBe(1)
    expect(downtimeNs).toEqual({ max: 7, sum: 7 })
  })
})
