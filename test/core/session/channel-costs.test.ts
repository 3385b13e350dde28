import { describe, expect, it } from 'vitest'
import { milliseconds } from '../../../core/base/units.js'
import { MIGRATION_LANE } from '../../../core/migration/costs.js'
import { cipherNames, operationNames, streamedNames, type CostTable } from '../../../core/secure/costs.js'
import { channelNames, type MigrationScenario } from '../../../core/session/scenario.js'
import { bootedSession, migrateToEnd, smallSession } from '../../support/lab-session.js'

const MIB = 1024 ** 2

/** A host on which all cryptography takes no time. */
const source = 'a test'
const [nsPerOctet, nsPerRecord, ns] = [0, 0, 0]
const freeOfCharge: CostTable = {
  title: 'Free',
  ciphers: Object.fromEntries(
    cipherNames.map((name) => [name, { nsPerOctet, nsPerRecord, source }]),
  ) as CostTable['ciphers'],
  operations: Object.fromEntries(operationNames.map((name) => [name, { ns, source }])) as CostTable['operations'],
  streamed: Object.fromEntries(streamedNames.map((name) => [name, { nsPerOctet, source }])) as CostTable['streamed'],
}

function crossing(migration: Partial<MigrationScenario>, dirtyPagesPerSecond = 0) {
  const session = bootedSession({
    guest: { ramOctets: 4 * MIB, fillOctets: 3 * MIB, workingSetPages: 640, dirtyPagesPerSecond },
    migration: { downtimeLimitNs: milliseconds(10), maxBandwidth: 0, roundsMax: 8, ...migration },
  })
  migrateToEnd(session)
  const run = session.world.lastRun()!
  expect(run.status).toBe('completed')
  return { session, run }
}

const lanesOf = ({ session }: ReturnType<typeof crossing>): string[][] =>
  session.world.hosts.map(({ cores }) =>
    [...cores.booked().keys()].filter((lane) => lane.startsWith('nacl')).toSorted(),
  )

describe('what a channel costs', () => {
  it('keeps a guest from converging that writes faster than it is sealed, and converges in clear', () => {
    const rate = 22_000
    expect(crossing({ channel: 'none' }, rate).run.forced).toBe(false)
    expect(crossing({ channel: 'nacl', hostCpu: 'libraries' }, rate).run.forced).toBe(true)
    expect(crossing({ channel: 'nacl', hostCpu: 'aes' }, rate).run.forced).toBe(false)
  })

  it.each(channelNames)('%s: is priced at each host by that host’s table, and by nothing else', (channel) => {
    const session = bootedSession({
      measuredCosts: freeOfCharge,
      migration: { channel, hostCpu: 'measured', destinationCpu: 'aes' },
    })
    migrateToEnd(session)
    expect(session.world.lastRun()!.status).toBe('completed')
    const [sending, receiving] = session.world.hosts.map(({ cores }) =>
      [...cores.booked()].reduce((sum, [lane, bookedNs]) => (lane === MIGRATION_LANE ? sum : sum + bookedNs), 0),
    )
    expect(sending).toBe(0)
    if (channel === 'none') expect(receiving).toBe(0)
    else expect(receiving).toBeGreaterThan(50_000)
  })

  it('is booked on a thread of its own for each connection, at both hosts', () => {
    const alone = crossing({ channel: 'nacl', multifdChannels: 0 })
    expect(lanesOf(alone)).toEqual([['nacl'], ['nacl']])
    const together = crossing({ channel: 'nacl', multifdChannels: 3 })
    const lanes = ['nacl', 'nacl 1', 'nacl 2', 'nacl 3']
    expect(lanesOf(together)).toEqual([lanes, lanes])
    // A cable of 125 MB/s, of which one thread fills two thirds.
    const firstNs = ({ run }: typeof alone): number => run.rounds[0]!.endNs - run.rounds[0]!.startNs
    expect(firstNs(together)).toBeLessThan(0.8 * firstNs(alone))
  })

  it('can be changed between two migrations, to what there is a table for', () => {
    const session = smallSession()
    expect(() => session.do({ kind: 'configure-migration', settings: { hostCpu: 'measured' } })).toThrow(
      'no table was given',
    )
    session.do({ kind: 'configure-migration', settings: { hostCpu: 'no-aes' } })
    expect(session.world.guestDesk.migrationSettings.hostCpu).toBe('no-aes')
  })
})
