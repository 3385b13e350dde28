import { describe, expect, test } from 'vitest'
import {
  fleetSummary,
  formatEnergy,
  formatPower,
  formatWatts,
  guestWords,
  hostMark,
  outcomeWords,
  savedShare,
} from '../../../renderer/words/fleet.js'
import { fleetView, guestView, hostView, moveView } from '../../support/fleet-view.js'

describe('words about a fleet', () => {
  test.each([
    [{}, ''],
    [{ state: 'failed', health: 'warning' }, 'failed'],
    [{ state: 'off', standing: 'off' }, 'off'],
    [{ state: 'off', standing: 'dead' }, 'dead, off'],
    [{ state: 'booting' }, 'starting'],
    [{ health: 'failing' }, 'failing'],
    [{ isSending: false }, 'silent'],
    [{ standing: 'silent' }, 'silent'],
  ] as const)('a host with %j is %s', (change, word) => {
    expect(hostMark(hostView('host-01', change)).word).toBe(word)
  })

  test('a guest', () => {
    expect(guestWords(guestView('web', 'host-01'))).toBe('web: running, keeps 10 % of its processor busy')
    expect(guestWords(guestView('web', 'host-01', { state: 'lost' }))).toMatch('web: lost with host-01')
    expect(guestWords(guestView('web', 'host-01', { state: 'stopped', destination: 'host-02' }))).toMatch(
      'web: on its way from host-01 to host-02, stopped for the last of it',
    )
  })

  test('what a move came to', () => {
    expect(outcomeWords(moveView('web'))).toBe('moved')
    expect(outcomeWords(moveView('web', { outcome: 'failed' }))).toBe('failed')
    expect(outcomeWords(moveView('web', { outcome: 'started', isRestart: true }))).toBe('started anew, memory lost')
    expect(outcomeWords(moveView('web', { outcome: 'refused', isRestart: true }))).toBe('not started: refused')
  })

  test('power and energy have units', () => {
    expect([175.4, 3400].map(formatWatts)).toEqual(['175 W', '3.40 kW'])
    expect([360, 36_000, 7.2e6].map(formatEnergy)).toEqual(['0.10 Wh', '10.0 Wh', '2.00 kWh'])
    expect(formatPower([hostView('a', { watts: 900 }), hostView('b', { watts: 182 })])).toBe('1.08 kW')
    expect(savedShare({ joules: 75, joulesAllOn: 100 })).toBe('25 %')
  })

  test('the whole, for who cannot see it', () => {
    const hosts = [hostView('host-01', { state: 'failed' }), hostView('host-02'), hostView('host-03')]
    const guests = [
      guestView('a', 'host-01', { state: 'lost' }),
      guestView('b', 'host-02', { state: 'moving', destination: 'host-03' }),
    ]
    expect(fleetSummary(fleetView({ hosts, guests, nowNs: 6.5e9 }))).toBe(
      '6 seconds: 2 of 3 hosts on, policy tolerate faults; host-01 failed; b moves to host-03; a is lost.',
    )
  })
})
