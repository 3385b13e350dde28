import { describe, expect, it } from 'vitest'
import { MIGRATION_PORT } from '../../../core/secure/channels.js'
import { cellStates } from '../../../renderer/engine/contract.js'
import { SessionPresenter } from '../../../renderer/engine/session-view.js'
import { FrameTamper } from '../../support/frame-tamper.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

const play = { sessionId: 's', playing: true, speed: 1 }

describe('SessionPresenter', () => {
  it('shows why a sealed migration was refused, and the guest where it stayed', () => {
    const session = bootedSession({ migration: { channel: 'nacl' } })
    const cable = session.world.rack.links.find(({ name }) => name === 'host-b')!
    const tamper = new FrameTamper(cable.a, [MIGRATION_PORT], 200_000)
    migrateToEnd(session)
    expect(tamper.done).toBe(true)
    const view = new SessionPresenter(session, null).view(play, true)
    expect(view.migration).toMatchObject({ status: 'failed', channel: 'nacl' })
    expect(view.migration?.cause).toMatch(/^nacl: /)
    expect(view.hosts.map(({ vm }) => vm?.state ?? null)).toEqual(['running', null, null, null])
    expect(view.newEvents.map(({ text }) => text)).toContainEqual(expect.stringMatching(/^refused: nacl: /))
  })

  it('gives what is new once, and everything to a presenter that comes later', () => {
    const session = bootedSession()
    const presenter = new SessionPresenter(session, null)
    const first = presenter.view(play, true)
    expect(first).toMatchObject({ fresh: true, booted: true, guest: 'web' })
    expect(first.newConsoleText.guest).toContain('[tick 1]')
    expect(first.newProbes.length).toBeGreaterThan(100)
    const second = presenter.view(play, true)
    expect(second).toMatchObject({ fresh: false, newProbes: [], newThroughput: [], newEvents: [] })
    expect(second.newConsoleText.guest).toBe('')
    expect(new SessionPresenter(session, null).view(play, true).newProbes).toEqual(first.newProbes)
  })

  it('paints pages by their last event while they cross', () => {
    const session = bootedSession()
    session.do({ kind: 'migrate' })
    session.runFor(5e6)
    const [source, destination] = new SessionPresenter(session, null).view(play, true).hosts
    const kinds = (cells: Uint8Array | undefined): number[] => [...new Set(cells)].sort()
    expect(kinds(source?.vm?.cells)).toEqual([cellStates.dirty, cellStates.sent])
    expect(kinds(destination?.vm?.cells)).toEqual([cellStates.empty, cellStates.received])
    expect(destination?.vm?.state).toBe('inmigrate')
  })
})
