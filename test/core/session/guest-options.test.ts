import { describe, expect, test } from 'vitest'
import { readGuestImage } from '../../../cli/guest-images.js'
import { InputError } from '../../../core/base/errors.js'
import { seconds } from '../../../core/base/units.js'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import { GUEST_PARAMETERS_AT } from '../../../core/machine/guest-parameters.js'
import { checkGuestOptions, guestOptionNames, parseGuestOption } from '../../../core/session/guest-options.js'
import { defaultScenario } from '../../../core/session/scenario.js'
import { Session } from '../../../core/session/session.js'

function kvSession(readsPerSecond?: number): Session {
  const options = readsPerSecond === undefined ? {} : { readsPerSecond }
  const guest = { ...defaultScenario.guest, image: 'kv', options }
  return new Session({ scenario: { ...defaultScenario, guest }, seed: 'options', image: readGuestImage('kv') })
}

/** Word 13 of the parameter block (labs/guests/runtime/parameters.h). */
function readsTold(session: Session): number {
  return session.world.liveVm()!.machine.ram.words[(GUEST_PARAMETERS_AT - RAM_BASE) / 4 + 13]!
}

describe('options of a guest', () => {
  test('are its own, and are checked', () => {
    expect(guestOptionNames('shell')).toEqual([])
    expect(guestOptionNames('constructor')).toEqual([])
    expect(parseGuestOption('stress', 'hotPages=32')).toEqual({ hotPages: 32 })
    expect(parseGuestOption('stress', 'content=zeros')).toEqual({ content: 'zeros' })
    expect(parseGuestOption('tenant', 'hasIsolationFault=true')).toEqual({ hasIsolationFault: true })
    for (const [image, text, reason] of [
      ['shell', 'hotPages=1', /shell has no option hotPages, and no other/],
      ['stress', 'readsPerSecond=1', /stress has no option readsPerSecond; it has: hotPages, hotPercent, content/],
      ['stress', 'hotPercent=101', /hotPercent 101: choose a whole number from 0 to 100/],
      ['stress', 'hotPages=many', /hotPages many/],
      ['stress', 'hotPages=-1', /hotPages -1/],
      ['stress', 'content=7', /content 7: choose one of random, zeros, text/],
      ['tenant', 'hasIsolationFault=1', /choose true or false/],
      ['kv', 'readsPerSecond', /write it like hotPages=32/],
    ] as const)
      expect(() => parseGuestOption(image, text), text).toThrow(reason)
    for (const hotPages of [-1, 0.5, 2 ** 18 + 1, NaN])
      expect(() => checkGuestOptions('stress', { hotPages })).toThrow(InputError)
    checkGuestOptions('stress', { hotPages: 2 ** 18, hotPercent: 0 })
  })

  test('reach the guest when it boots and while it runs, stand in the trace and are run again', () => {
    const session = kvSession(7)
    session.do({ kind: 'boot' })
    expect(readsTold(session)).toBe(7)
    session.runFor(seconds(0.5))
    session.do({ kind: 'configure-guest', options: { readsPerSecond: 900 } })
    expect(readsTold(session)).toBe(900)
    expect(session.world.guest.allOptions()).toEqual({ readsPerSecond: 900 })
    // What is set otherwise leaves it alone.
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 8, dirtyPagesPerSecond: 10 } })
    expect(readsTold(session)).toBe(900)
    const rows = session.trace.rows('guest-option').map(({ option, value }) => [option, value])
    expect(rows).toEqual(['7', '900', '900'].map((value) => ['readsPerSecond', value]))
    session.runFor(seconds(0.5))
    const again = Session.replay(session.parts, session.log, session.nowNs)
    expect(again.trace.hash()).toBe(session.trace.hash())
  })

  test('that it does not have are refused, and change nothing', () => {
    const session = kvSession()
    expect(() => session.do({ kind: 'configure-guest', options: { hotPages: 3 } })).toThrow(InputError)
    expect(session.log).toEqual([])
    const guest = { ...defaultScenario.guest, options: { hotPages: 3 } }
    const parts = { scenario: { ...defaultScenario, guest }, seed: 'options', image: readGuestImage('shell') }
    expect(() => new Session(parts)).toThrow(InputError)
  })
})
