import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuthenticationError, WireError } from '../../../core/base/errors.js'
import { latin1Octets } from '../../../core/base/octets.js'
import { channelNames, protectionOf } from '../../../core/secure/channels.js'
import type { ChannelProtocol } from '../../../core/secure/channel.js'
import { openProtocolPair, protocolPair, takeEffects, takeMessages } from '../../support/channel-protocols.js'

/** What came of giving `pieces` to a protocol: payload, and the error that ended it. */
function receive(protocol: ChannelProtocol, pieces: readonly Uint8Array[]): { payload: Uint8Array[]; error: unknown } {
  try {
    for (const piece of pieces) protocol.receive(piece)
    return { payload: takeEffects(protocol).payload, error: null }
  } catch (error) {
    return { payload: takeEffects(protocol).payload, error }
  }
}

function isLesson(error: unknown): boolean {
  return error instanceof WireError || error instanceof AuthenticationError
}

/** What a peer says first, as far as it is always the same. */
const openings: Readonly<Record<string, Uint8Array>> = {
  ssh: latin1Octets('SSH-2.0-x\r\n'),
  nacl: latin1Octets('MIDNACL1'),
  'vmotion-opportunistic': Uint8Array.of(...latin1Octets('MIDVMOT1'), 1),
  'vmotion-required': Uint8Array.of(...latin1Octets('MIDVMOT1'), 1),
  tls: Uint8Array.of(22, 3, 1, 0, 40, 1, 0, 0, 36, 3, 3),
  'tls-psk': Uint8Array.of(22, 3, 1, 0, 40, 1, 0, 0, 36, 3, 3),
  'ssh-aes-gcm': latin1Octets('SSH-2.0-x\r\n'),
}
/** Those above TCP; what is below has its own tests. */
const sealedNames = channelNames.filter((name) => name !== 'none' && name !== 'esp' && name !== 'esp-tunnel')

describe.each(sealedNames)('records of %s', (name) => {
  // Under textbook RSA whoever changes octets must take the key first, and then seals them anew (textbook-rsa.test.ts); of an
  // opportunistic vMotion, the offer (vmotion-channel.test.ts).
  const noticesChanges =
    protectionOf(name).protectsIntegrity || name === 'rsa-aes-textbook' || name === 'vmotion-opportunistic'
  const first = Uint8Array.of(1, 1, 1)
  const second = Uint8Array.of(2, 2, 2)

  /** An open server, and two records for it. */
  function twoRecords() {
    const [client, server] = openProtocolPair(name)
    client.send(first)
    client.send(second)
    const [one, two] = takeMessages(client) as [Uint8Array, Uint8Array]
    return { client, server, one, two }
  }

  it('are delivered in order', () => {
    const { server, one, two } = twoRecords()
    expect(receive(server, [one, two])).toEqual({ payload: [first, second], error: null })
  })

  it.runIf(noticesChanges)('are refused when replayed, reordered, left out or turned back to their sender', () => {
    const replayed = twoRecords()
    const replay = receive(replayed.server, [replayed.one, replayed.one])
    expect(replay.payload).toEqual([first])
    expect(isLesson(replay.error)).toBe(true)
    const reordered = twoRecords()
    const late = receive(reordered.server, [reordered.two, reordered.one])
    expect(late.payload).toEqual([])
    expect(isLesson(late.error)).toBe(true)
    const reflected = twoRecords()
    const back = receive(reflected.client, [reflected.one])
    expect(back.payload).toEqual([])
    expect(isLesson(back.error)).toBe(true)
  })

  it.runIf(noticesChanges)('are refused when any one octet is changed', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 255 }), (position, mask) => {
        const { client, server, one } = twoRecords()
        const at = position % one.length
        one[at] = (one[at] as number) ^ mask
        // Enough behind it for any length it could now claim.
        for (let sent = 0; sent < 40_000; sent += 10_000) client.send(new Uint8Array(10_000))
        const { payload, error } = receive(server, [one, ...takeMessages(client)])
        expect(payload).toEqual([])
        expect(isLesson(error)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it.runIf(!noticesChanges)('are delivered again when replayed, and in any order', () => {
    const { server, one, two } = twoRecords()
    expect(receive(server, [two, one, one])).toEqual({ payload: [second, first, first], error: null })
  })

  it('are the same however the octets were cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
        const { server, one, two } = twoRecords()
        const octets = Uint8Array.from([...one, ...two])
        const pieces: Uint8Array[] = []
        for (let at = 0, index = 0; at < octets.length; index++) {
          const size = sizes[index % sizes.length] as number
          pieces.push(octets.slice(at, at + size))
          at += size
        }
        expect(receive(server, pieces).payload).toEqual([first, second])
      }),
      { numRuns: 5 },
    )
  })

  it('that are random octets end in a reason, never in anything else', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 })
    fc.assert(
      fc.property(pieces, fc.nat(1), fc.boolean(), (octets, side, withVersion) => {
        const protocol = protocolPair(name)[side] as ChannelProtocol
        protocol.start()
        const opening = openings[name] ?? latin1Octets('MIDRECS1')
        const { error, payload } = receive(protocol, withVersion ? [opening, ...octets] : octets)
        expect(error === null || isLesson(error)).toBe(true)
        expect(payload).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})
