import { describe, expect, it } from 'vitest'
import { milliseconds } from '../../../core/base/units.js'
import { bootedSession } from '../../support/lab-session.js'

describe('what is chosen for one migration alone', () => {
  it('stays when another limit is changed while it runs, and is forgotten after it', () => {
    const session = bootedSession({ bandwidthBps: 1e7 })
    const { guestDesk } = session.world
    guestDesk.migrate(undefined, { maxBandwidth: 2 ** 20, roundsMax: 7 })
    const { source } = guestDesk.crossing!
    session.runFor(milliseconds(20))
    session.do({ kind: 'configure-migration', settings: { downtimeLimitNs: milliseconds(3) } })
    expect(source.options).toMatchObject({ downtimeLimitNs: milliseconds(3), maxBandwidth: 2 ** 20, roundsMax: 7 })
    session.do({ kind: 'configure-migration', settings: { maxBandwidth: 2 ** 21 } })
    expect(source.options).toMatchObject({ downtimeLimitNs: milliseconds(3), maxBandwidth: 2 ** 21, roundsMax: 7 })
    session.do({ kind: 'cancel-migration' })
    guestDesk.migrate()
    expect(guestDesk.crossing!.source.options).toMatchObject({ maxBandwidth: 2 ** 21, roundsMax: 30 })
  })
})
