/** Floods, and the crowds that are none. */
import { describe, expect, it } from 'vitest'
import { milliseconds } from '../../../../core/base/units.js'
import { encodeEthernet } from '../../../../core/net/wire/ethernet.js'
import { TCP_FLAG } from '../../../../core/net/wire/tcp.js'
import { signWords, tcpFrame, type TimedFrame } from '../../../support/signs-of.js'

const opening = (host: number, atNs: number, again = 0): TimedFrame => ({
  atNs,
  octets: tcpFrame({ from: host, to: 2, toMac: 2, fromMac: 66, flags: TCP_FLAG.syn, sequence: again }),
})
const kinds = (frames: readonly TimedFrame[]) => signWords(frames.toSorted((a, b) => a.atNs - b.atNs))

describe('a flood of connections', () => {
  const crowd = Array.from({ length: 200 }, (_, index) => index + 100)

  it('is told by addresses that never say another word', () => {
    expect(kinds(crowd.map((host) => opening(host, host * milliseconds(20))))).toEqual(['half-open-flood 1 139'])
  })

  it('is not a crowd whose connections open, nor one that asks again where nobody answers', () => {
    const answered = crowd.flatMap((host) => [
      opening(host, host * milliseconds(20)),
      {
        atNs: host * milliseconds(20) + 1,
        octets: tcpFrame({ from: host, to: 2, fromMac: 66, flags: TCP_FLAG.ack, sequence: 1 }),
      },
    ])
    expect(kinds(answered)).toEqual([])
    const again = crowd.flatMap((host) =>
      [0, 1000].map((later) => opening(host, host * milliseconds(20) + milliseconds(later))),
    )
    expect(kinds(again)).toEqual([])
  })
})

describe('a flood of stations', () => {
  const station = (source: number, atNs: number): TimedFrame => ({
    atNs,
    octets: encodeEthernet({ destination: 1, source, vlan: null, etherType: 0x88b5, payload: new Uint8Array(0) }),
  })

  it('is told by so many that they cannot all be new', () => {
    const frames = Array.from({ length: 600 }, (_, index) => station(0x0200_0000_0000 + index, index * 1000))
    expect(kinds(frames)).toEqual(['station-flood 1 512'])
  })

  it('is not a large segment that is listened to for long', () => {
    const frames = Array.from({ length: 4000 }, (_, index) => station(index, index * milliseconds(5)))
    expect(kinds(frames)).toEqual([])
  })
})
