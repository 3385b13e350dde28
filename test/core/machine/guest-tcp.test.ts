import { describe, expect, test } from 'vitest'
import { latin1Text } from '../../../core/base/octets.js'
import { RandomStream } from '../../../core/kernel/random.js'
import type { GuestParameters } from '../../../core/machine/guest-parameters.js'
import type { TcpSegment } from '../../../core/net/wire/tcp.js'
import { bootGuest, MIB, type RunningMachine } from '../../support/guest-machine.js'
import { GuestServer } from '../../support/guest-server.js'
import { flagsOf, GUEST_ADDRESS, RawPeer, tcpFrame } from '../../support/raw-peer.js'

const ACK = flagsOf('ack')
const RST = flagsOf('rst')
const FIN_ACK = flagsOf('fin', 'ack')
const REQUEST = 'GET /counter HTTP/1.1\r\nHost: guest\r\n\r\n'
const PAGE = 'GET / HTTP/1.1\r\nHost: guest\r\n\r\n'

function bootedWeb(parameters: Partial<GuestParameters> = {}): RunningMachine {
  const guest = bootGuest({ ip: GUEST_ADDRESS, pagesPerSecond: 0, ...parameters }, { image: 'web' })
  guest.expect('web> ')
  guest.machine.nic.takeFrames()
  return guest
}

let nextPort = 40_000
const peerOf = (guest: RunningMachine, firstSequence?: number): RawPeer =>
  new RawPeer(guest, { ours: nextPort++, theirs: 80 }, firstSequence)
function openPeer(parameters: Partial<GuestParameters> = {}, firstSequence?: number, mss?: number): RawPeer {
  const peer = peerOf(bootedWeb(parameters), firstSequence)
  peer.open(mss)
  return peer
}

const textOf = (segments: readonly TcpSegment[]): string => segments.map(({ payload }) => latin1Text(payload)).join('')
const stateLines = (guest: RunningMachine): string[] => {
  guest.type('net\r')
  return guest.expect('web> ').match(/[A-Z]{3,}[-A-Z0-9]+/g) ?? []
}
/** Ask on a connection of its own, whatever became of the others. */
function expectAnswers(guest: RunningMachine): void {
  guest.machine.nic.takeFrames()
  const peer = peerOf(guest)
  peer.open()
  expect(textOf(peer.send({ flags: ['ack', 'psh'], payload: REQUEST }))).toMatch(/^HTTP\/1\.1 200 OK/)
  peer.send({ flags: ['rst'] })
}

/** The seed whose stream 300 begins with that word: the generator of the guest, backwards. */
function seedWithIss(iss: number): number {
  const unshift = (value: number): number => {
    const high = value ^ (value >>> 15)
    return (high ^ (high >>> 30)) >>> 0
  }
  const inverse = (odd: number): number => {
    let x = odd
    for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x))
    return x
  }
  let z = unshift(iss)
  z = Math.imul(z, inverse(0x735a_2d97))
  z = unshift(z)
  z = Math.imul(z, inverse(0x21f0_aaad))
  z = z ^ (z >>> 16)
  return ((z - 0x9e37_79b9) ^ Math.imul(300, 0x9e37_79b9)) >>> 0
}

describe('TCP of the guests: opening (RFC 9293 §3.5)', () => {
  test('answers a SYN with its own, its window and its segment size', () => {
    const guest = bootedWeb()
    const peer = peerOf(guest)
    const synAck = peer.open()
    expect(synAck).toMatchObject({ flags: flagsOf('syn', 'ack'), acknowledgment: 1001, window: 6144, mss: 1460 })
    expect(synAck.sourcePort).toBe(80)
    expect(stateLines(guest)).toEqual(['ESTABLISHED'])
  })

  test('takes its initial sequence numbers from the seed', () => {
    const numbers = [1, 1, 2].map((seed) => {
      const guest = bootedWeb({ seed })
      return [peerOf(guest).open().sequence, peerOf(guest).open().sequence]
    })
    expect(numbers[1]).toEqual(numbers[0])
    expect(new Set(numbers.flat()).size).toBe(4)
  })

  test('repeats its SYN until it is acknowledged, at once if asked again, and then forgets', () => {
    const guest = bootedWeb()
    const peer = peerOf(guest)
    const [synAck] = peer.send({ flags: ['syn'] })
    expect(peer.send({ flags: ['syn'], sequence: 1000 })).toEqual([synAck])
    const times: number[] = []
    for (let s = 0; s < 80; s++)
      if (peer.listen(1e9).some(({ flags }) => flags === flagsOf('syn', 'ack'))) times.push(s)
    expect(times).toHaveLength(5)
    expect(times.slice(1).map((time, i) => time - times[i]!)).toEqual([2, 4, 8, 16])
    expect(stateLines(guest)).toEqual([])
  })

  test.each([
    ['none is said', undefined, 536],
    ['200', 200, 200],
    ['absurdly small', 1, 64],
    ['larger than ours', 9000, 1460],
  ])('sends segments of the size that the peer takes: %s', (_, mss, largest) => {
    const peer = openPeer({}, 1, mss)
    const sizes = peer.send({ flags: ['ack'], payload: PAGE.repeat(12) }).map(({ payload }) => payload.length)
    expect(Math.max(...sizes)).toBe(largest)
  })
})

describe('TCP of the guests: resets (RFC 9293 §3.5.2, RFC 5961)', () => {
  test('refuses what belongs to no connection, and never answers a reset', () => {
    const guest = bootedWeb()
    const elsewhere = new RawPeer(guest, { ours: 999, theirs: 81 }, 7)
    expect(elsewhere.send({ flags: ['syn'], sequence: 7 })).toMatchObject([
      { flags: flagsOf('rst', 'ack'), sequence: 0, acknowledgment: 8, sourcePort: 81 },
    ])
    const stray = peerOf(guest)
    expect(stray.send({ flags: ['ack'], acknowledgment: 77, payload: 'x' })).toMatchObject([
      { flags: RST, sequence: 77 },
    ])
    expect(stray.send({ flags: ['syn', 'ack'], acknowledgment: 78 })).toMatchObject([{ flags: RST, sequence: 78 }])
    expect(stray.send({ flags: ['rst'] })).toEqual([])
    expect(stray.send({ flags: ['rst', 'ack'] })).toEqual([])
    const opening = peerOf(guest)
    const [synAck] = opening.send({ flags: ['syn'] })
    const wrong = (synAck!.sequence + 9) >>> 0
    expect(opening.send({ flags: ['ack'], acknowledgment: wrong })).toMatchObject([{ flags: RST, sequence: wrong }])
  })

  test('believes only the reset with the very next number, and asks back about others', () => {
    const peer = openPeer()
    const challenge = [{ flags: ACK, acknowledgment: peer.sequence }]
    expect(peer.send({ flags: ['rst'], sequence: peer.sequence + 100 })).toMatchObject(challenge)
    expect(peer.send({ flags: ['rst'], sequence: peer.sequence + 70_000 })).toEqual([])
    expect(peer.send({ flags: ['syn'], sequence: peer.sequence + 5 })).toMatchObject(challenge)
    expect(peer.send({ flags: ['ack'], acknowledgment: peer.acknowledgment + 1 })).toMatchObject(challenge)
    expect(stateLines(peer.guest)).toEqual(['ESTABLISHED'])
    peer.guest.machine.nic.takeFrames()
    expect(peer.send({ flags: ['rst'] })).toEqual([])
    expect(stateLines(peer.guest)).toEqual([])
  })
})

describe('TCP of the guests: data (RFC 9293 §3.8, RFC 6298, RFC 5681)', () => {
  test('takes what comes in order; asks for what is missing, and takes the new part of what overlaps', () => {
    const peer = openPeer()
    const start = peer.sequence
    const [head, rest] = [REQUEST.slice(0, 20), REQUEST.slice(20)]
    const later = peer.send({ flags: ['ack'], payload: rest, sequence: start + 20 })
    expect(later).toMatchObject([{ flags: ACK, acknowledgment: start }])
    peer.send({ flags: ['ack'], payload: head })
    expect(textOf(peer.send({ flags: ['ack'], payload: REQUEST.slice(5), sequence: start + 5 }))).toContain(
      '\r\n\r\n1\n',
    )
    const again = peer.send({ flags: ['ack'], payload: REQUEST, sequence: start })
    expect(again).toMatchObject([{ flags: ACK, acknowledgment: start + REQUEST.length }])
    expect(textOf(again)).toBe('')
  })

  test('drops what has a wrong checksum', () => {
    const peer = openPeer()
    const octets = peer.encode({ flags: ['ack'], payload: REQUEST })
    octets[octets.length - 1]! ^= 1
    peer.guest.machine.nic.receiveFrame(tcpFrame(octets))
    expect(peer.listen(5e6)).toEqual([])
    expect(textOf(peer.send({ flags: ['ack'], payload: REQUEST }))).toContain('\r\n\r\n1\n')
  })

  test('repeats what is not acknowledged, twice as long after each time, and gives up after about 100 seconds', () => {
    const peer = openPeer()
    const [first] = peer.send({ flags: ['ack'], payload: REQUEST })
    expect(first!.payload.length).toBeGreaterThan(100)
    const times: number[] = []
    let last: TcpSegment | undefined
    for (let tenths = 0; tenths < 1100; tenths++)
      for (const segment of peer.listen(1e8)) {
        last = segment
        if ((segment.flags & RST) === 0) {
          expect(segment.payload).toEqual(first!.payload)
          times.push(tenths)
        }
      }
    const waits = times.slice(1).map((time, i) => time - times[i]!)
    expect(waits).toEqual([4, 8, 16, 32, 64, 128, 256])
    expect(last).toMatchObject({ flags: flagsOf('rst', 'ack') })
    expect(stateLines(peer.guest)).toEqual([])
  })

  test('sends again at once what three equal acknowledgments ask for', () => {
    const peer = openPeer({}, 1, 200)
    const segments = peer.send({ flags: ['ack'], payload: PAGE.repeat(5) })
    expect(segments.length).toBeGreaterThan(4)
    const again = [1, 2, 3, 4].map(() => peer.send({ flags: ['ack'], acknowledgment: segments[0]!.sequence }))
    expect(again.map(({ length }) => length)).toEqual([0, 0, 1, 0])
    expect(again[2]![0]!.payload).toEqual(segments[0]!.payload)
  })

  test('begins slowly again after a timeout: one segment, then two', () => {
    const peer = openPeer({}, 1, 200)
    const lost = peer.send({ flags: ['ack'], payload: PAGE.repeat(5) })
    expect(lost.length).toBeGreaterThan(6)
    const again = peer.listen(2.5e8)
    expect(again).toMatchObject([{ sequence: lost[0]!.sequence, payload: lost[0]!.payload }])
    peer.accept(again)
    expect(peer.send({ flags: ['ack'] }).map(({ sequence }) => sequence)).toEqual(
      [lost[1]!, lost[2]!].map(({ sequence }) => sequence),
    )
  })

  test('goes on behind what turns out to have arrived after all', () => {
    const peer = openPeer({}, 1, 200)
    const late = peer.send({ flags: ['ack'], payload: PAGE.repeat(5) })
    expect(peer.listen(2.5e8)).toHaveLength(1)
    peer.accept(late)
    const answers = peer.send({ flags: ['ack'], payload: REQUEST })
    expect(answers[0]!.sequence).toBe(peer.acknowledgment)
    expect(textOf(answers)).toContain('\r\n\r\n1\n')
  })

  test('moves the right edge of its window by whole segments', () => {
    const peer = openPeer()
    const edges: number[] = []
    for (let i = 0; i < 100; i++) {
      const answers = peer.send({ flags: ['ack'], payload: REQUEST })
      peer.accept(answers)
      edges.push(...answers.map(({ acknowledgment, window }) => acknowledgment + window))
    }
    const moves = edges.slice(1).map((edge, i) => edge - edges[i]!)
    const large = moves.filter((move) => move >= 1460)
    expect(large.length).toBeGreaterThan(1)
    expect(moves.filter((move) => move === 0)).toHaveLength(moves.length - large.length)
  })

  test('goes on after a retransmission with what else was lost', () => {
    const peer = openPeer({}, 1, 300)
    const lost = peer.send({ flags: ['ack'], payload: PAGE.repeat(6) })
    const whole = textOf(lost)
    let got = ''
    for (let i = 0; i < 400 && got.length < whole.length; i++) {
      for (const segment of peer.listen(1e7)) {
        if (segment.sequence !== peer.acknowledgment) continue
        got += textOf([segment])
        peer.accept([segment])
      }
      for (const segment of peer.send({ flags: ['ack'] })) {
        if (segment.sequence !== peer.acknowledgment) continue
        got += textOf([segment])
        peer.accept([segment])
      }
    }
    expect(got.startsWith(whole)).toBe(true)
    expect(got.match(/HTTP\/1\.1 200/g)).toHaveLength(6)
  })

  test('waits for a closed window, asks it octet by octet for as long as it is answered, and goes on when it opens', () => {
    const peer = openPeer()
    peer.window = 0
    expect(textOf(peer.send({ flags: ['ack'], payload: REQUEST }))).toBe('')
    let probes = 0
    for (let s = 0; s < 300; s++)
      for (const segment of peer.listen(1e9)) {
        expect(segment.payload).toHaveLength(1)
        probes++
        peer.send({ flags: ['ack'] })
      }
    expect(probes).toBeGreaterThan(8)
    expect(probes).toBeLessThan(16)
    peer.window = 65535
    const answer = textOf(peer.send({ flags: ['ack'] }))
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK[^]*\r\n\r\n1\n$/)
  })

  test('never sends more than the window, nor silly little segments into it', () => {
    const peer = openPeer({}, 1, 1460)
    peer.window = 600
    // Less than a segment, and less than half of what the window was: worth waiting for more, but not for ever.
    expect(textOf(peer.send({ flags: ['ack'], payload: PAGE.repeat(16) }))).toBe('')
    const segments = peer.listen(3e8)
    expect(segments.map(({ payload }) => payload.length)).toEqual([600])
    peer.accept(segments)
    peer.window = 3000
    const more = peer.send({ flags: ['ack'] })
    expect(more.map(({ payload }) => payload.length)).toEqual([1460, 1460])
  })

  test('closes its window over what the service does not take, and throws away what is sent beyond it', () => {
    const peer = openPeer({}, 5)
    peer.window = 0
    let window = 6144
    for (let i = 0; i < 40; i++) {
      const [answer] = peer.send({ flags: ['ack'], payload: PAGE.repeat(16) }).slice(-1)
      if (answer === undefined) continue
      window = answer.window
      peer.sequence = answer.acknowledgment
    }
    expect(window).toBeLessThan(1460)
    const [beyond] = peer.send({ flags: ['ack'], payload: PAGE.repeat(46), sequence: peer.sequence })
    expect(beyond!.acknowledgment - peer.sequence).toBeLessThanOrEqual(window)
    peer.sequence = beyond!.acknowledgment
    peer.window = 65535
    let answers = ''
    for (let i = 0; i < 60; i++) {
      const segments = peer.send({ flags: ['ack'] })
      for (const segment of segments)
        if (segment.sequence === peer.acknowledgment) {
          answers += textOf([segment])
          peer.accept([segment])
        }
    }
    expect(answers.match(/Visits of this page: \d+/g)!.length).toBeGreaterThan(100)
  })

  test.each([0xffff_ff80, 0xffff_fffe, 0x7fff_fff0])('its numbers may wrap: from %i on', (iss) => {
    const guest = bootedWeb({ seed: seedWithIss(iss) })
    const peer = peerOf(guest, 0xffff_fff0)
    expect(peer.open().sequence).toBe(iss)
    for (let count = 1; count < 10; count++) {
      const segments = peer.send({ flags: ['ack'], payload: REQUEST })
      expect(textOf(segments)).toContain(`\r\n\r\n${count}\n`)
      peer.accept(segments)
    }
  })
})

describe('TCP of the guests: closing (RFC 9293 §3.6)', () => {
  test('the peer first: CLOSE-WAIT, LAST-ACK, gone', () => {
    const peer = openPeer()
    const answers = peer.send({ flags: ['ack', 'fin'], payload: REQUEST })
    peer.sequence++
    expect(textOf(answers)).toContain('\r\n\r\n1\n')
    expect(answers.at(-1)!.flags & FIN_ACK).toBe(FIN_ACK)
    expect(answers.at(-1)!.acknowledgment).toBe(peer.sequence - 1)
    expect(stateLines(peer.guest)).toEqual(['LAST-ACK'])
    peer.accept(answers)
    peer.send({ flags: ['ack'], sequence: peer.sequence - 1 })
    expect(stateLines(peer.guest)).toEqual([])
  })

  test('the guest first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, gone; a new SYN may come before that', () => {
    const peer = openPeer()
    const answers = peer.send({ flags: ['ack'], payload: REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') })
    expect(answers.at(-1)!.flags & FIN_ACK).toBe(FIN_ACK)
    expect(stateLines(peer.guest)).toEqual(['FIN-WAIT-1'])
    peer.accept(answers)
    peer.send({ flags: ['ack'] })
    expect(stateLines(peer.guest)).toEqual(['FIN-WAIT-2'])
    // What still comes is acknowledged and thrown away.
    expect(peer.send({ flags: ['ack'], payload: REQUEST })).toMatchObject([
      { flags: ACK, acknowledgment: peer.sequence },
    ])
    expect(peer.send({ flags: ['ack', 'fin'] })).toMatchObject([{ flags: ACK, acknowledgment: peer.sequence }])
    expect(stateLines(peer.guest)).toEqual(['TIME-WAIT'])
    const again = peer.send({ flags: ['ack', 'fin'], sequence: peer.sequence - 1 })
    expect(again).toMatchObject([{ flags: ACK, acknowledgment: peer.sequence }])
    peer.sequence += 1000
    expect(peer.send({ flags: ['syn'] })).toMatchObject([{ flags: flagsOf('syn', 'ack') }])
    peer.send({ flags: ['rst'] })
    expect(stateLines(peer.guest)).toEqual([])
  })

  test('both at once: CLOSING; and TIME-WAIT ends', () => {
    const peer = openPeer()
    const answers = peer.send({ flags: ['ack'], payload: REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') })
    peer.send({ flags: ['ack', 'fin'] })
    expect(stateLines(peer.guest)).toEqual(['CLOSING'])
    peer.accept(answers)
    peer.send({ flags: ['ack'] })
    expect(stateLines(peer.guest)).toEqual(['TIME-WAIT'])
    peer.listen(61e9)
    expect(stateLines(peer.guest)).toEqual([])
  })

  test.each([0, 65535])('a peer that vanishes after our FIN is forgotten, its window having been %i', (window) => {
    const peer = openPeer()
    const answers = peer.send({ flags: ['ack'], payload: REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') })
    peer.accept(answers)
    peer.window = window
    peer.send({ flags: ['ack'] })
    peer.window = 65535
    peer.send({ flags: ['ack'] })
    peer.listen(61e9)
    expect(stateLines(peer.guest)).toEqual([])
  })
})

describe('TCP of the guests: hostile peers', () => {
  test('half-open connections give way to real ones', () => {
    const guest = bootedWeb()
    for (let i = 0; i < 300; i++) peerOf(guest).send({ flags: ['syn'] })
    expectAnswers(guest)
    expect(stateLines(guest).filter((state) => state === 'SYN-RECEIVED')).toHaveLength(31)
  })

  test('when every place is taken, who has been silent for a minute gives way', () => {
    const guest = bootedWeb()
    const peers = Array.from({ length: 32 }, () => peerOf(guest))
    for (const peer of peers) peer.open()
    expect(peerOf(guest).send({ flags: ['syn'] })).toEqual([])
    guest.run(61e9)
    expectAnswers(guest)
    expect(stateLines(guest)).toHaveLength(31)
  })

  test.each([1, 2, 3, 4])('random segments change nothing for others: %i', (round) => {
    const guest = bootedWeb()
    const random = new RandomStream(`hostile segments ${round}`)
    const peer = peerOf(guest)
    peer.open()
    const names = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg'] as const
    for (let i = 0; i < 1500; i++) {
      if (i % 50 === 0) {
        guest.machine.nic.takeFrames()
        peer.sequence = random.u32()
        const [synAck] = peer.send({ flags: ['syn'], mss: random.below(3000) })
        if (synAck !== undefined) peer.accept([synAck])
        peer.send({ flags: ['ack'] })
      }
      const near = (value: number): number => (value + [0, 0, 0, 1, -1, 1460, -20000, 6144][random.below(8)]!) >>> 0
      const octets = peer.encode({
        flags: names.filter((name) => random.below(4) === 0 || (name === 'ack' && random.below(4) > 0)),
        payload: random.octets([0, 1, 30, 536, 1460][random.below(5)]!),
        sequence: near(peer.sequence),
        acknowledgment: near(peer.acknowledgment),
        window: [0, 1, 65535][random.below(3)]!,
      })
      // Now and then the header lies about its length, or options are noise.
      if (random.below(8) === 0) octets[12] = random.below(256)
      guest.machine.nic.receiveFrame(tcpFrame(octets))
      if (random.below(4) === 0) guest.run(1e6)
    }
    guest.run(1e8)
    expect(guest.machine.exit).toBeNull()
    guest.run(200e9)
    expectAnswers(guest)
    expect(guest.expect('')).not.toContain('panic')
    guest.type('free\r')
    expect(guest.expect('heap blocks')).toContain('heap')
  })

  test('options that are noise do no harm, and a good one among them is read', () => {
    const guest = bootedWeb()
    const random = new RandomStream('options')
    for (let i = 0; i < 200; i++) {
      const peer = peerOf(guest)
      const octets = peer.encode({ flags: ['syn'], mss: 700 })
      const longer = Uint8Array.from([...octets.subarray(0, 20), ...random.octets(40)])
      longer[12] = 15 << 4
      longer.fill(0, 16, 18)
      guest.machine.nic.receiveFrame(tcpFrame(withChecksum(longer)))
      guest.run(1e6)
    }
    expectAnswers(guest)
  })
})

/** The checksum over it as it is, computed the slow way: one's complement sum with the pseudo-header. */
function withChecksum(segment: Uint8Array): Uint8Array {
  const sumOf = (octets: Uint8Array): number =>
    octets.reduce((sum, octet, i) => sum + (i % 2 === 0 ? octet << 8 : octet), 0)
  const pseudo = Uint8Array.of(10, 1, 0, 99, 10, 1, 0, 7, 0, 6, segment.length >> 8, segment.length & 255)
  let sum = sumOf(segment) + sumOf(pseudo)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  segment[16] = (~sum >>> 8) & 255
  segment[17] = ~sum & 255
  return segment
}

describe('TCP of the guests over a bad link', () => {
  test.each(['a', 'b', 'c', 'd'])(
    'loses, doubles, swaps and damages frames, and nothing of what they carry: %s',
    (seed) => {
      const faults = { lostPerMille: 60, duplicatedPerMille: 60, swappedPerMille: 60, damagedPerMille: 60 }
      const kv = new GuestServer('kv', { faults, seed, parameters: { readsPerSecond: 0, writesPerSecond: 0 } })
      const clients = [0, 1, 2].map(() => kv.connect(6379))
      const value = (i: number): string => `${i}:${'abcdefghij'.repeat(120)}`
      for (let i = 0; i < 8; i++) {
        for (const [index, client] of clients.entries())
          client.send(`*3\r\n$3\r\nSET\r\n$2\r\nk${index}\r\n$${value(i).length}\r\n${value(i)}\r\nGET k${index}\r\n`)
        const expected = `+OK\r\n$${value(i).length}\r\n${value(i)}\r\n`
        expect(kv.runUntil(() => clients.every(({ received }) => received.length >= expected.length), 60e9)).toBe(true)
        for (const client of clients) expect(client.take()).toBe(expected)
      }
    },
  )
})

describe('half-open connections', () => {
  test('give up their memory when a new one needs it, and not only their place', () => {
    const guest = bootGuest({ ip: GUEST_ADDRESS, pagesPerSecond: 0 }, { image: 'web', ramOctets: MIB })
    guest.expect('web> ')
    guest.type('free\r')
    const heapKib = Number(/heap +(\d+) KiB/.exec(guest.expect('web> '))![1])
    const most = Math.floor(heapKib / 14) // of 14 KiB of buffers each
    expect(most).toBeLessThan(32)
    for (let i = 0; i < 31; i++) expect(peerOf(guest).send({ flags: ['syn'] })).not.toEqual([])
    expect(stateLines(guest).filter((state) => state === 'SYN-RECEIVED').length).toBeLessThanOrEqual(most)
    expectAnswers(guest)
  })
})
