/** What gives a man in the middle away, and what does not look like one. */
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CaptureAnalysis } from '../../../core/attack/capture-analysis.js'
import type { IntruderSign } from '../../../core/attack/intruder-signs.js'
import { frameOf, type FrameSender } from '../../../core/attack/send/packet-text.js'
import { macText, parseIpv4, parseMac } from '../../../core/net/wire/addresses.js'
import { analyseFile } from '../../../core/attack/capture-file.js'
import { milliseconds } from '../../../core/base/units.js'
import { readCapture } from '../../support/captures.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

const kindsIn = (octets: Uint8Array) =>
  [...new Set(analyseFile(octets).report.signs.map(({ kind }) => kind))].toSorted()

const A = { mac: parseMac('02:00:00:00:00:01'), address: parseIpv4('10.0.0.1') }
const B = { mac: parseMac('02:00:00:00:00:02'), address: parseIpv4('10.0.0.2') }

/** Signs in frames of these words, a millisecond apart. */
function signsOf(...packets: readonly (readonly [FrameSender, string, number?])[]): readonly IntruderSign[] {
  const analysis = new CaptureAnalysis()
  packets.forEach(([sender, words, atNs], index) => {
    analysis.addFrame(frameOf(words, sender), atNs ?? index * milliseconds(1), index + 1)
  })
  analysis.finish()
  return analysis.report().signs
}

const toB = (tcp: string): readonly [FrameSender, string] => [
  A,
  `Ether()/IP(dst="10.0.0.2")/TCP(sport=1000, dport=22, ${tcp}`,
]

describe('signs in segments', () => {
  it('are octets that come again and are others, and not the same ones', () => {
    const first = toB('flags="A", seq=100)/"sixteen octets.."')
    const more = toB('flags="A", seq=116)/"more"')
    expect(signsOf(first, more, first)).toEqual([])
    const [sign, ...others] = signsOf(first, more, toB('flags="A", seq=100)/"sixteen 0ctets.."'))
    expect(others).toEqual([])
    expect(sign).toMatchObject({ kind: 'other-octets', packets: [1, 3] })
    expect(sign?.text).toBe('10.0.0.1:1000 sent 10.0.0.2:22 the same 16 octets twice, and they are others')
  })

  it('are answers slower than any before, once it is known how they vary', () => {
    const handshake = (at: number, took: number) =>
      [
        [A, `Ether()/IP(dst="10.0.0.2")/TCP(sport=${1000 + at}, dport=22, flags="S")`, milliseconds(at)],
        [B, `Ether()/IP(dst="10.0.0.1")/TCP(sport=22, dport=${1000 + at}, flags="SA")`, milliseconds(at) + took],
      ] as const
    const usual = [...handshake(10, 1000), ...handshake(20, 1100), ...handshake(30, 1050)]
    expect(signsOf(...usual, ...handshake(40, 1500))).toEqual([])
    expect(signsOf(...usual, ...handshake(40, 2000))).toMatchObject([{ kind: 'slower-answer', packets: [8] }])
    expect(signsOf(...handshake(10, 1000), ...handshake(20, 9000))).toEqual([])
  })

  it('are connections in many names of which none goes on', () => {
    const opened = (name: number) =>
      [A, `Ether()/IP(src="198.18.0.${name}", dst="10.0.0.2")/TCP(dport=22, flags="S")`] as const
    const wentOn = (name: number) =>
      [A, `Ether()/IP(src="198.18.0.${name}", dst="10.0.0.2")/TCP(dport=22, flags="A")`] as const
    const names = Array.from({ length: 100 }, (_, name) => name)
    expect(signsOf(...names.map(opened)).map(({ kind }) => kind)).toEqual(['half-open'])
    expect(signsOf(...names.flatMap((name) => [opened(name), wentOn(name)]))).toEqual([])
  })
})

describe('signs in frames', () => {
  it('are stations by the hundred', () => {
    const station = (number: number): readonly [FrameSender, string, number] => [
      { mac: 0x0200_0000_0000 + number, address: A.address },
      'Ether()/"x"',
      number * 10_000,
    ]
    const numbers = Array.from({ length: 600 }, (_, number) => number)
    expect(signsOf(...numbers.map(station)).map(({ kind }) => kind)).toEqual(['many-stations'])
    expect(signsOf(...numbers.slice(0, 200).map(station))).toEqual([])
  })

  it('are neighbour advertisements that say another MAC address', () => {
    const claim = (sender: FrameSender) =>
      [
        sender,
        `Ether()/IPv6(src="fd00::2", dst="ff02::1")/ICMPv6ND_NA(tgt="fd00::2", lladdr="${macText(sender.mac)}")`,
      ] as const
    expect(signsOf(claim(B), claim(B))).toEqual([])
    const [sign] = signsOf(claim(B), claim(A))
    expect(sign?.kind).toBe('two-claim-an-address')
    expect(sign?.text).toContain('fd00::2 is at 02:00:00:00:00:02, says one neighbour advertisement')
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
    expect(session.trace.rows('intruder-sign').map(({ sign }) => sign)).toContain('two-claim-an-address')
  })
})
