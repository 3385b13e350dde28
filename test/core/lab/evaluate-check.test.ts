import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { evaluateCheck, type Facts, type Outcome } from '../../../core/lab/evaluate-check.js'
import type { Check } from '../../../core/lab/lab-schema.js'
import { computeRuns } from '../../../core/metrics/compute-runs.js'
import type { Session } from '../../../core/session/session.js'
import { bootedSession, migrateToEnd, smallSession } from '../../support/lab-session.js'

function factsOf(session: Session, answered: ReadonlyMap<string, number> = new Map()): Facts {
  return { trace: session.trace, runs: computeRuns(session.trace, session.planted), answered }
}
const missing = (outcome: Outcome): string => (outcome.met ? 'met' : outcome.missing)

describe('evaluateCheck', () => {
  it('says what is missing of every kind before anything happened', () => {
    const facts = factsOf(smallSession())
    const said = (check: Check): string => missing(evaluateCheck(check, facts))
    expect(said({ kind: 'vm-state', vm: 'web', state: 'running' })).toBe('web has not been booted')
    expect(said({ kind: 'console-line', vm: 'web', contains: 'login' })).toContain('has not said "login"')
    expect(said({ kind: 'counter-unbroken', vm: 'web' })).toBe('web has not been migrated yet')
    expect(said({ kind: 'migrated', channel: 'ssh' })).toBe('no migration through the SSH tunnel has been started')
    expect(said({ kind: 'leaked', channel: 'none', secrets: 1 })).toContain('has not yet watched a migration in clear')
    expect(said({ kind: 'nothing-leaked', channel: 'nacl' })).toContain('no migration under NaCl')
    expect(said({ kind: 'command', console: 'attacker', startsWith: 'search' })).toContain('has not been typed')
    expect(said({ kind: 'answered', question: 'why' })).toContain('not answered correctly')
  })

  it('is met with evidence: when, and in which packet', () => {
    const session = bootedSession()
    migrateToEnd(session)
    session.runFor(seconds(1.2))
    session.do({ kind: 'type', console: 'attacker', text: 'search\r' })
    const facts = factsOf(session, new Map([['why', 7]]))
    const checks: Check[] = [
      { kind: 'vm-state', vm: 'web', state: 'running' },
      { kind: 'counter-unbroken', vm: 'web' },
      { kind: 'migrated', channel: 'none' },
      { kind: 'leaked', channel: 'none', secrets: 'all' },
      { kind: 'command', console: 'attacker', startsWith: 'sea' },
      { kind: 'answered', question: 'why' },
    ]
    for (const check of checks) {
      const outcome = evaluateCheck(check, facts)
      expect(missing(outcome)).toBe('met')
      if (outcome.met) for (const { atNs } of outcome.evidence) expect(atNs).toBeLessThanOrEqual(session.nowNs)
    }
    const leaked = evaluateCheck({ kind: 'leaked', channel: 'none', secrets: 25 }, facts)
    if (leaked.met) for (const { packet } of leaked.evidence) expect(packet).toBeGreaterThan(0)
    expect(evaluateCheck({ kind: 'all', of: checks }, facts).met).toBe(true)
    const open: Check = { kind: 'migrated', channel: 'nacl' }
    expect(missing(evaluateCheck({ kind: 'all', of: [...checks, open] }, facts))).toContain('under NaCl')
  })

  it('does not take a clear run for a sealed one, nor a run that was given up', () => {
    const session = bootedSession({ migration: { channel: 'nacl' } })
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(5))
    session.do({ kind: 'cancel-migration' })
    const facts = factsOf(session)
    expect(missing(evaluateCheck({ kind: 'nothing-leaked', channel: 'nacl' }, facts))).toContain('completed')
    expect(missing(evaluateCheck({ kind: 'migrated', channel: 'nacl' }, facts))).toContain('cancelled')
    migrateToEnd(session)
    const later = factsOf(session)
    expect(missing(evaluateCheck({ kind: 'nothing-leaked', channel: 'nacl' }, later))).toBe('met')
    expect(missing(evaluateCheck({ kind: 'leaked', channel: 'nacl', secrets: 'all' }, later))).toMatch(/holds 0 of 25/)
  })
})
