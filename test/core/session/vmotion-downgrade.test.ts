/** vMotion between hosts of which one cannot seal: what the attacker gets, and what requiring it costs. */
import { describe, expect, it } from 'vitest'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

function moved(channel: 'vmotion-opportunistic' | 'vmotion-required', destinationCpu: 'same' | 'no-aes') {
  const session = bootedSession({ migration: { channel, destinationCpu } })
  migrateToEnd(session)
  const { world } = session
  return { run: world.lastRun()!, host: world.liveVm()?.hostName, streams: world.sniffer.report().streams }
}

describe('a vMotion', () => {
  it('is sealed when both hosts have the instructions for it', () => {
    const { run, streams } = moved('vmotion-opportunistic', 'same')
    expect(run).toMatchObject({ status: 'completed', wentClear: false, secretsFound: 0, ramOctetsRecovered: 0 })
    expect(streams.map(({ protocol }) => protocol)).toContain('records')
  })

  it('that is opportunistic gives everything away when the destination has not, and completes as if nothing were', () => {
    const { run, streams } = moved('vmotion-opportunistic', 'no-aes')
    expect(run).toMatchObject({ status: 'completed', wentClear: true })
    expect(run.secretsPlanted).toBeGreaterThan(0)
    expect(run.secretsFound).toBe(run.secretsPlanted)
    expect(run.ramOctetsRecovered).toBe(run.ramOctets)
    const { seen } = streams.find(({ protocol }) => protocol === 'qevm')!
    expect(seen.join()).toContain('the destination chose to go in clear')
  })

  it('that is required is not made, and the guest goes on where it is', () => {
    const { run, host } = moved('vmotion-required', 'no-aes')
    expect(run).toMatchObject({ status: 'failed', wentClear: false, secretsFound: 0 })
    expect(run.cause).toContain('cannot seal')
    expect(host).toBe('host-a')
  })
})
