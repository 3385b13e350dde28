/** Of TCP connections: what is a sign of somebody in between, and what is everyday life. */
import { describe, expect, it } from 'vitest'
import { TCP_FLAG } from '../../../../core/net/wire/tcp.js'
import { signsOf, signWords, tcpFrame, type Segment } from '../../../support/signs-of.js'

const { syn, ack, rst, fin } = TCP_FLAG
const A = { from: 1, to: 2 }
const B = { from: 2, to: 1 }
/** Host 1 opens a connection to host 2, and each says something. */
const talk: readonly Segment[] = [
  { ...A, flags: syn, sequence: 1000 },
  { ...B, flags: syn | ack, sequence: 5000, acknowledgment: 1001 },
  { ...A, sequence: 1001, acknowledgment: 5001 },
  { ...A, sequence: 1001, acknowledgment: 5001, text: 'What is the password?' },
  { ...B, sequence: 5001, acknowledgment: 1022, text: 'A secret' },
]
const frames = (segments: readonly Segment[]) =>
  segments.map((segment, index) => ({ atNs: index * 1e6, octets: tcpFrame(segment) }))
const words = (...more: readonly Segment[]) => signWords(frames([...talk, ...more]))

describe('signs in TCP connections', () => {
  it('are other octets where some were sent before', () => {
    expect(words({ ...B, sequence: 5003, text: 'public' })).toEqual(['differing-retransmission 5 6'])
    const [sign] = signsOf(frames([...talk, { ...B, sequence: 5003, text: 'public' }]))
    expect(sign?.text).toBe('10.0.0.2:1002 sends 6 octets again, and 6 of them are others')
  })

  it('are not the same octets again, in whatever pieces, nor a probe whether the peer is there', () => {
    expect(
      words(
        { ...B, sequence: 5001, text: 'A sec' },
        { ...B, sequence: 5003, text: 'secret is no secret' },
        { ...B, sequence: 5021, text: '?' },
        { ...B, sequence: 5021, text: 't and more' },
      ),
    ).toEqual([])
  })

  it('are not octets that were damaged on the way: their checksum is wrong', () => {
    const damaged = frames([...talk, { ...B, sequence: 5001, text: 'A secret' }])
    const last = damaged.at(-1)!
    last.octets[last.octets.length - 1]! ^= 1
    expect(signWords(damaged)).toEqual([])
  })

  it('are a connection that another station opens anew', () => {
    expect(words({ ...A, flags: syn, sequence: 7777, fromMac: 66 })).toContain('opened-twice 1 6')
    expect(words({ ...A, flags: syn, sequence: 1000 }, { ...A, flags: syn, sequence: 9000 })).toEqual([])
  })

  it('are resets that another station sends', () => {
    expect(words({ ...B, flags: rst, sequence: 5009, ttl: 60 })).toContain('forged-reset 5 6')
    expect(words({ ...A, flags: rst, sequence: 1022, fromMac: 66 })).toContain('forged-reset 4 6')
    // Of a system that begins to count elsewhere, for packets of no connection.
    expect(words({ ...B, flags: rst, sequence: 5009, ttl: 255 })).toEqual([])
  })

  it('are resets after which their sender goes on', () => {
    const reset = { ...B, flags: rst, sequence: 5009 }
    expect(words(reset, { ...B, sequence: 5009, text: 'never mind' })).toEqual(['forged-reset 6 7'])
    // Sent before, and overtaken.
    expect(words(reset, { ...B, sequence: 5001, text: 'A secret' })).toEqual([])
    expect(words({ ...B, flags: rst, sequence: 5019 }, { ...B, sequence: 5009, text: 'never mind' })).toEqual([])
    expect(words(reset, { ...A, sequence: 1022, text: 'on its way' })).toEqual([])
  })

  it('are resets all over the place', () => {
    const guess = (sequence: number): Segment => ({ ...B, flags: rst, sequence })
    expect(words(guess(1e9), guess(2e9), guess(3e9))).toEqual(['guessed-resets 6 8'])
    // Answers to segments that come to a closed port.
    expect(
      words(
        { ...B, flags: fin | ack, sequence: 5009 },
        guess(5009),
        guess(5001),
        guess(5009),
        guess(5005),
        guess(5001),
      ),
    ).toEqual([])
  })

  it('are the same in a connection whose numbers wrap around', () => {
    const segments: readonly Segment[] = [
      { ...A, flags: syn, sequence: 0xffff_fffd },
      { ...A, sequence: 0xffff_fffe, text: 'abcdef' },
      { ...A, sequence: 1, text: 'dEf' },
    ]
    expect(signWords(frames(segments))).toEqual(['differing-retransmission 2 3'])
  })
})
