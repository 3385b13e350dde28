/** A man in the middle of a migration in clear edits what passes, and the guest acts on it; defences keep him out. */
import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../../core/base/units.js'
import type { Session } from '../../../../core/session/session.js'
import { bootedSession, migrateToEnd } from '../../../support/lab-session.js'

/** `beqz a0` behind the call of the password check becomes a `nop` (labs/guests/shell/shell.c, `login_password`). */
const LOGIN_PATCH = 'filter replace e30605fc130600089305000013850400 13000000130600089305000013850400'

function say(session: Session, ...lines: readonly string[]): void {
  for (const text of lines) {
    session.do({ kind: 'type', console: 'attacker', text: `${text}\r` })
    session.runFor(milliseconds(20))
  }
}

function attacked(channel: string, ...filters: readonly string[]): Session {
  const session = bootedSession({ seed: 'middle', migration: { channel: channel as 'none' } })
  session.do({ kind: 'place-attacker', position: 'access' })
  say(session, ...filters, 'ettercap host-a host-b')
  session.runFor(milliseconds(500))
  return session
}

/** Tries to log in with a wrong password; gives the lines that the guest answers with. */
function logIn(session: Session): string {
  const before = session.trace.rows('console-line').length
  for (const text of ['root\r', 'wrong\r']) {
    session.do({ kind: 'type', console: 'guest', text })
    session.runFor(seconds(1))
  }
  return session.trace
    .rows('console-line')
    .slice(before)
    .map(({ text }) => text)
    .join('\n')
}

describe('a man in the middle', () => {
  it('patches the branch of the login check in every copy of its page: any password enters, at the destination alone', () => {
    const session = attacked('none', LOGIN_PATCH)
    expect(logIn(session)).toContain('Login incorrect')
    migrateToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', destination: 'host-b' })
    expect(session.trace.rows('migration-compare')).toMatchObject([{ ramDifferences: 4, deviceDifferences: 0 }])
    expect(logIn(session)).toContain('Welcome to')
    const stages = session.trace.rows('attack-stage').map(({ stage }) => stage)
    expect(stages).toEqual(expect.arrayContaining(['poison', 'intercept', 'edit']))
  })

  it('cannot make the guest vanish by confirming what it swallowed: it goes on at its source', () => {
    const session = attacked('none', 'filter confirm 256KiB')
    migrateToEnd(session)
    expect(session.trace.rows('attack-stage').map(({ text }) => text)).toContainEqual(expect.stringMatching(/^confirm/))
    const [confirmed, taken] = session.trace.rows('migration-status').slice(-2)
    expect(confirmed?.status).toBe('completed')
    expect(taken?.status).toBe('failed')
    expect(taken?.cause).toMatch(/^host-b has not loaded web/)
    expect(session.world.lastRun()?.status).toBe('failed')
    expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a', state: 'running' })
    expect(session.world.allVms()).toHaveLength(1)
    expect(logIn(session)).toContain('Login incorrect')
  })

  it('changes a text that the guest shows', () => {
    const session = attacked('none', 'filter replace "Login incorrect" "All yours, Eve!"')
    migrateToEnd(session)
    expect(logIn(session)).toContain('All yours, Eve!')
  })
})
