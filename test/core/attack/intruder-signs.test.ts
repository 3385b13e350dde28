/** What gives a man in the middle away, and what does not look like one. */
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { analyseFile } from '../../../core/attack/capture-file.js'
import { milliseconds } from '../../../core/base/units.js'
import { readCapture } from '../../support/captures.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

const kindsIn = (octets: Uint8Array) =>
  [...new Set(analyseFile(octets).report.signs.map(({ kind }) => kind))].toSorted()

describe('signs of somebody in between', () => {
  it('are there at the host’s own cable when a migration is intercepted, and name the packets', () => {
    const session = bootedSession({ seed: 'signs' })
    const cable = session.world.rack.tapOf('host-a')
    migrateToEnd(session)
    session.do({ kind: 'place-attacker', position: 'access' })
    session.do({ kind: 'type', console: 'attacker', text: 'arpspoof host-a host-b\r' })
    session.runFor(milliseconds(500))
    migrateToEnd(session)
    const { signs } = analyseFile(cable.toPcapng()).report
    expect([...new Set(signs.map(({ kind }) => kind))].toSorted()).toEqual([
      'other-distance',
      'other-station',
      'two-claim-an-address',
    ])
    const claim = signs.find(({ kind, text }) => kind === 'two-claim-an-address' && text.startsWith('10.0.0.2'))
    expect(claim?.text).toMatch(/02:00:00:00:00:02.*02:00:00:00:00:66/)
    expect(claim?.packets).toHaveLength(2)
  })

  it('are not there without one, the guest’s move and its announcement included', () => {
    const session = bootedSession({ seed: 'no signs' })
    const cable = session.world.rack.tapOf('host-b')
    migrateToEnd(session)
    migrateToEnd(session)
    for (const tap of [cable, session.world.rack.tap]) expect(kindsIn(tap.toPcapng())).toEqual([])
  })

  it('are not there in captures of a real QEMU', () => {
    for (const file of readdirSync('test/fixtures/captures').filter((name) => name.endsWith('.pcapng.gz')))
      expect([file, kindsIn(readCapture(file.replace('.pcapng.gz', '')))]).toEqual([file, []])
  })
})
