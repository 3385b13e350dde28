/** What gives a man in the middle away, and what does not look like one. */
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { analyseFile } from '../../../core/attack/capture-file.js'
import { milliseconds } from '../../../core/base/units.js'
import { NetworkRun } from '../../../core/session/network-run.js'
import { exampleNetwork } from '../../support/example-networks.js'
import { readCapture } from '../../support/captures.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

const kindsIn = (octets: Uint8Array) =>
  [...new Set(analyseFile(octets).report.signs.map(({ kind }) => kind))].toSorted()

describe('signs in the example networks', () => {
  it.each([
    ['route-hijack', ['other-station', 'route-taken-over']],
    ['routed-triangle', []],
    ['ipv6', []],
    ['vlans', []],
  ] as const)('%s', (name, kinds) => {
    const run = new NetworkRun(exampleNetwork(name).plan)
    run.run()
    const found = run.network.taps.flatMap((tap) => kindsIn(tap.toPcapng()))
    expect(found).toEqual(expect.arrayContaining([...kinds]))
    if (kinds.length === 0) expect(found).toEqual([])
  })
})

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

  it('are seen at the client too: its guest answers as steadily as before, and later', () => {
    const session = bootedSession({ seed: 'signs' })
    const cable = session.world.rack.tapOf('client')
    session.runFor(milliseconds(200))
    session.do({ kind: 'place-attacker', position: 'access' })
    session.do({ kind: 'type', console: 'attacker', text: 'arpspoof client 10.0.0.80\r' })
    session.runFor(milliseconds(300))
    expect(kindsIn(cable.toPcapng())).toEqual(['other-distance', 'other-station', 'slower-answers'])
  })

  it.each([
    ['hping3 -S -p 49152 -i u1000 host-b', 2000, ['half-open-flood']],
    ['macof', 500, ['station-flood']],
  ] as const)('are there when somebody floods: %s', (line, forMs, kinds) => {
    const session = bootedSession({ seed: 'signs' })
    const cable = session.world.rack.tapOf('host-b')
    session.do({ kind: 'place-attacker', position: 'access' })
    session.do({ kind: 'type', console: 'attacker', text: `${line}\r` })
    session.runFor(milliseconds(forMs))
    expect(kindsIn(cable.toPcapng())).toEqual(kinds)
  })

  it.each(['shell', 'stress'])('are not there when a busy %s moves over cables that lose', (image) => {
    const session = bootedSession({ seed: 'no signs', image })
    const cables = (['host-a', 'host-b', 'client'] as const).map((name) => session.world.rack.tapOf(name))
    session.do({
      kind: 'configure-link',
      link: 'host-b',
      conditions: { loss: 0.01, duplication: 0.01, reordering: 0.01 },
    })
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 64, dirtyPagesPerSecond: 2000 } })
    migrateToEnd(session)
    session.runFor(milliseconds(300))
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 16, dirtyPagesPerSecond: 100 } })
    session.runFor(milliseconds(300))
    migrateToEnd(session)
    for (const tap of [...cables, session.world.rack.tap])
      expect([tap.name, kindsIn(tap.toPcapng())]).toEqual([tap.name, []])
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

  it('are told by a watch on the hosts’ cables while it is on, and none of a guest that moves', () => {
    const session = bootedSession({ seed: 'watched' })
    session.do({ kind: 'configure-hosts', defences: { intruderWatch: true } })
    migrateToEnd(session)
    migrateToEnd(session)
    expect(session.trace.rows('intruder-sign')).toEqual([])
    session.do({ kind: 'configure-hosts', defences: { intruderWatch: false } })
    session.do({ kind: 'place-attacker', position: 'access' })
    session.do({ kind: 'type', console: 'attacker', text: 'arpspoof host-a host-b\r' })
    session.runFor(milliseconds(500))
    expect(session.trace.rows('intruder-sign')).toEqual([])
    session.do({ kind: 'configure-hosts', defences: { intruderWatch: true } })
    session.runFor(milliseconds(1500))
    const [first] = session.trace.rows('intruder-sign')
    expect(first?.text).toMatch(/^10\.0\.0\.\d is at 02:00:00:00:00:0\d, .* and at 02:00:00:00:00:66, says/)
  })
})
