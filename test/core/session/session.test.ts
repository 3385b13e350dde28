import { describe, expect, it } from 'vitest'
import { CaptureAnalysis } from '../../../core/attack/capture-analysis.js'
import { InputError } from '../../../core/base/errors.js'
import { equalOctets } from '../../../core/base/octets.js'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { channelNames } from '../../../core/session/scenario.js'
import { Session } from '../../../core/session/session.js'
import { bootedSession, migrateToEnd, smallSession } from '../../support/lab-session.js'

describe('Session', () => {
  it.each(channelNames)('moves a running guest over %s, and back', (channel) => {
    const session = bootedSession({ migration: { channel } })
    for (const destination of ['host-b', 'host-a']) {
      migrateToEnd(session)
      const run = session.world.lastRun()
      expect(run).toMatchObject({ status: 'completed', destination, cause: '' })
      expect(session.trace.rows('migration-compare').at(-1)).toMatchObject({ ramDifferences: 0, deviceDifferences: 0 })
      expect(session.world.liveVm()).toMatchObject({ state: 'running', hostName: destination })
      expect(session.world.allVms()).toHaveLength(1)
      expect(run?.downtimeMs).toBeGreaterThan(0)
      expect(run?.clientGapMs).toBeGreaterThan(run?.downtimeMs ?? Infinity)
    }
  })

  it('stops the guest first when asked to stop and copy', () => {
    const session = bootedSession({ migration: { strategy: 'stop-and-copy' } })
    migrateToEnd(session)
    const run = session.world.lastRun()
    expect(run?.rounds.every(({ paused }) => paused)).toBe(true)
    expect(run?.downtimeMs).toBeGreaterThan(0.9 * (run?.totalTimeMs ?? 0))
  })

  it('gives the same trace and the same capture for the same seed, another for another', () => {
    const run = (seed: string): Session => {
      const session = bootedSession({ seed })
      migrateToEnd(session)
      return session
    }
    const [first, second, other] = [run('a'), run('a'), run('b')]
    expect(second.trace.hash()).toBe(first.trace.hash())
    expect(equalOctets(second.world.rack.tap.toPcapng(), first.world.rack.tap.toPcapng())).toBe(true)
    expect(other.trace.hash()).not.toBe(first.trace.hash())
    expect(other.world.lastRun()?.findings.map(({ value }) => value)).not.toEqual(
      first.world.lastRun()?.findings.map(({ value }) => value),
    )
  })

  it('does not care in what steps time is let forward, and replays from its log', () => {
    const session = bootedSession({ seed: 'steps' })
    session.do({ kind: 'type', console: 'guest', text: 'alice\r' })
    session.do({ kind: 'migrate' })
    for (let i = 0; i < 4000; i++) session.runFor(73_123)
    const replayed = Session.replay(session.parts, session.log, session.nowNs)
    expect(replayed.trace.hash()).toBe(session.trace.hash())
    expect(replayed.world.consoles.guest.from(0)).toBe(session.world.consoles.guest.from(0))
  })

  it.each(['none', 'nacl', 'ssh', 'tls'] as const)(
    'can be kept at any instant of a move over %s and goes on the same',
    (channel) => {
      const session = bootedSession({ seed: 'kept', migration: { channel } })
      session.do({ kind: 'migrate' })
      const startNs = session.nowNs
      // In the handshakes of TCP and the channel, in the first round, at the switch-over.
      const kept: Session[] = []
      for (const afterNs of [150_000, 700_000, 1_500_000, 8_000_000, 17_000_000]) {
        session.runUntil(startNs + afterNs)
        kept.push(session.fork())
      }
      const endNs = startNs + milliseconds(400)
      session.runUntil(endNs)
      expect(session.world.lastRun()?.status).toBe('completed')
      const capture = session.world.rack.tap.toPcapng()
      for (const other of kept) {
        other.runUntil(endNs)
        expect(other.trace.hash()).toBe(session.trace.hash())
        expect(equalOctets(other.world.rack.tap.toPcapng(), capture)).toBe(true)
      }
    },
  )

  it('loses no character of the console, typed or written, across a move', () => {
    const session = bootedSession({ guest: { workingSetPages: 200, dirtyPagesPerSecond: 5000 } })
    const text = 'echo-every-letter-of-this-line-please'
    session.do({ kind: 'migrate' })
    for (const character of text) {
      session.do({ kind: 'type', console: 'guest', text: character })
      session.runFor(milliseconds(0.7))
    }
    session.runFor(seconds(2.5))
    expect(session.world.lastRun()?.status).toBe('completed')
    const console = session.world.consoles.guest.from(0)
    expect(console.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')).toContain(text)
    const ticks = [...console.matchAll(/\[tick (\d+)\]/g)].map((match) => Number(match[1]))
    expect(ticks).toEqual(ticks.map((_, index) => (ticks[0] ?? 0) + index))
    expect(ticks.length).toBeGreaterThanOrEqual(3)
  })

  it('takes a paste that is longer than the serial port has room for', () => {
    const session = bootedSession({ guest: { hasSecrets: false } })
    session.do({ kind: 'type', console: 'guest', text: 'alice\r' })
    session.runFor(seconds(0.5))
    const lines = Array.from({ length: 600 }, (_, index) => `line-${index}`)
    session.do({ kind: 'type', console: 'guest', text: `${lines.join('\r')}\r` })
    session.runFor(seconds(8))
    const console = session.world.consoles.guest.from(0)
    expect(lines.filter((line) => !console.includes(line))).toEqual([])
  })

  it('refuses what cannot be done, and changes nothing', () => {
    const session = smallSession()
    expect(() => session.do({ kind: 'migrate' })).toThrow(new InputError('web is not running: boot it first'))
    expect(() => session.do({ kind: 'cancel-migration' })).toThrow(InputError)
    session.do({ kind: 'boot' })
    session.runFor(seconds(0.5))
    expect(() => session.do({ kind: 'boot' })).toThrow(InputError)
    expect(() => session.do({ kind: 'migrate', destination: 'host-a' })).toThrow(
      new InputError('web is on host-a already'),
    )
    expect(() => session.do({ kind: 'migrate', destination: 'mars' })).toThrow(/there is no host mars/)
    expect(() => session.do({ kind: 'configure-network', bandwidthBps: -1 })).toThrow(InputError)
    session.do({ kind: 'migrate' })
    expect(() => session.do({ kind: 'migrate' })).toThrow(/being migrated already/)
    expect(session.log.map(({ command }) => command.kind)).toEqual(['boot', 'migrate'])
  })

  it('cancels at once and leaves the guest where it was', () => {
    const session = bootedSession()
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(5))
    session.do({ kind: 'cancel-migration' })
    expect(session.world.lastRun()).toMatchObject({ status: 'cancelled' })
    session.runFor(milliseconds(100))
    expect(session.world.allVms()).toHaveLength(1)
    expect(session.world.liveVm()).toMatchObject({ state: 'running', hostName: 'host-a' })
    migrateToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', migration: 2 })
  })
})

describe('the listener', () => {
  it('finds every secret in a clear move and none in a sealed one', () => {
    for (const channel of channelNames) {
      const session = bootedSession({ migration: { channel } })
      migrateToEnd(session)
      const run = session.world.lastRun()
      expect(run?.secretsPlanted).toBe(25)
      expect(run?.secretsFound).toBe(channel === 'none' ? 25 : 0)
      expect(run?.ramOctetsRecovered === 0).toBe(channel !== 'none')
    }
  })

  it('is honest: another layout and other encodings are found, a guest without secrets gives none', () => {
    const other = bootedSession({ image: 'shell-b' })
    migrateToEnd(other)
    expect(other.world.lastRun()).toMatchObject({ secretsFound: 25, secretsPlanted: 25 })
    const empty = bootedSession({ guest: { hasSecrets: false } })
    migrateToEnd(empty)
    expect(empty.world.lastRun()).toMatchObject({ status: 'completed', secretsPlanted: 0, findings: [] })
  })

  it('learns the same again from its capture alone', () => {
    const session = bootedSession()
    migrateToEnd(session)
    const { tap } = session.world.rack
    const again = new CaptureAnalysis()
    for (let packet = 1; packet <= tap.lastPacket; packet++)
      again.addFrame(tap.frame(packet) ?? new Uint8Array(0), tap.timeNs(packet) ?? 0, packet)
    const [live] = session.world.sniffer.report().streams
    const [replayed] = again.report().streams
    expect(replayed).toEqual(live)
    expect(live?.findings.length).toBeGreaterThanOrEqual(25)
  })
})

describe('guests other than the shell', () => {
  it.each(['stress', 'tenant'])('%s moves in clear and goes on, and gives what it holds', (image) => {
    const session = bootedSession({ image, guest: { hasSecrets: image === 'tenant' } })
    migrateToEnd(session)
    session.runFor(seconds(2.5))
    const planted = image === 'tenant' ? 1 : 0
    expect(session.world.lastRun()).toMatchObject({
      status: 'completed',
      secretsFound: planted,
      secretsPlanted: planted,
    })
    expect(session.world.lastRun()?.findings).toHaveLength(planted)
    const console = session.world.consoles.guest.from(0)
    const ticks = [...console.matchAll(/\[tick (\d+)\]/g)].map((match) => Number(match[1]))
    expect(ticks).toEqual(ticks.map((_, index) => index + 1))
    expect(ticks.length).toBeGreaterThanOrEqual(3)
    session.do({ kind: 'type', console: 'guest', text: image === 'tenant' ? 'jump 0x80000000\r' : 'stats\r' })
    session.runFor(milliseconds(100))
    const answer = image === 'tenant' ? 'instruction access fault at 0x80000000, refused' : 'of hot pages'
    expect(session.world.consoles.guest.from(0)).toContain(answer)
  })
})
