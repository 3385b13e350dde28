import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuthenticationError, WireError } from '../../../../core/base/errors.js'
import { ed25519PublicKey } from '../../../../core/secure/ssh/key-exchange.js'
import { exchangeOver, ikePair, type IkePairOptions } from '../../../support/ike-pair.js'

const stranger = new Uint8Array(32).fill(9)

/** How both ends came out, and why. */
function outcome(options: IkePairOptions, change?: (octets: Uint8Array, number: number) => Uint8Array) {
  const { initiator, responder } = ikePair(options)
  const refused: unknown[] = []
  exchangeOver(initiator, responder, { refused, ...(change === undefined ? {} : { change }) })
  return {
    states: [initiator.state, responder.state],
    failures: [initiator.failure?.message ?? null, responder.failure?.message ?? null],
    refused,
    keys: [initiator.effects.associations, responder.effects.associations],
  }
}

describe('the key exchange', () => {
  it('gives both ends the same keys, each its own SPI, in four messages', () => {
    const { initiator, responder } = ikePair()
    const messages = exchangeOver(initiator, responder)
    expect(messages.map(({ name, octets }) => `${name}: ${octets.length} octets`)).toMatchInlineSnapshot(`
      [
        "IKE_SA_INIT request: 154 octets",
        "IKE_SA_INIT response: 154 octets",
        "IKE_AUTH request: 291 octets",
        "IKE_AUTH response: 291 octets",
      ]
    `)
    const [ours, theirs] = [initiator.effects.associations, responder.effects.associations]
    expect([ours?.sealing.spi, ours?.opening.spi]).toEqual([0xb000_0001, 0xa000_0001])
    expect(ours?.sealing).toEqual(theirs?.opening)
    expect(ours?.opening).toEqual(theirs?.sealing)
    expect(ours?.sealing.key).not.toEqual(ours?.opening.key)
    expect(initiator.effects.work).toMatchObject({
      x25519Base: 1,
      x25519Shared: 1,
      ed25519Signed: 1,
      ed25519Verified: 1,
    })
  })

  it('is refused by the responder when the initiator is somebody else', () => {
    const { states, failures, keys } = outcome({ initiator: { secretKey: stranger } })
    expect(states).toEqual(['failed', 'failed'])
    expect(failures).toEqual([
      'ike: the peer refused: AUTHENTICATION_FAILED',
      "ike: the signature is not that of host-a's key",
    ])
    expect(keys).toEqual([null, null])
    expect(outcome({ initiator: { name: 'mallory' } }).failures[1]).toBe(
      'ike: the peer says it is "mallory", not host-a',
    )
  })

  it('is refused by the initiator when the responder is somebody else', () => {
    const { states, failures, keys } = outcome({ responder: { secretKey: stranger } })
    expect(states[0]).toBe('failed')
    expect(failures[0]).toBe("ike: the signature is not that of host-b's key")
    expect(keys[0]).toBeNull()
    const other = outcome({ initiator: { peerPublicKey: ed25519PublicKey(stranger) } })
    expect(other.failures[0]).toBe("ike: the signature is not that of host-b's key")
  })

  it('is refused when the ends want another mode or other addresses', () => {
    expect(outcome({ responder: { mode: 'tunnel' } }).failures).toEqual([
      'ike: the peer refused: NO_PROPOSAL_CHOSEN',
      'ike: the peer wants other addresses, another cipher or another mode',
    ])
    expect(outcome({ responder: { remote: 5n } }).failures[0]).toBe('ike: the peer refused: TS_UNACCEPTABLE')
    expect(outcome({ mode: 'tunnel' }).states).toEqual(['done', 'done'])
  })

  it('takes no changed message, and never ends with keys that the other end does not have', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(), fc.nat(7), (which, where, bit) => {
        const { refused, keys, states } = outcome({}, (octets, number) => {
          if (number !== which) return octets
          const changed = octets.slice()
          const at = where % octets.length
          changed[at] = (changed[at] ?? 0) ^ (1 << bit)
          return changed
        })
        // The first two are not sealed: what was changed in them shows when signatures are checked.
        expect(refused.length).toBeGreaterThan(0)
        for (const error of refused)
          expect(error instanceof WireError || error instanceof AuthenticationError).toBe(true)
        expect(states[0]).not.toBe('done')
        expect(keys[0]).toBeNull()
      }),
      { numRuns: 40 },
    )
  })

  it('refuses random, cut and misplaced messages, and goes on', () => {
    const recorded = ikePair()
    const messages = exchangeOver(recorded.initiator, recorded.responder)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(3), fc.nat(), (octets, which, cut) => {
        const message = messages[which]!.octets
        const hostile = [octets, message.subarray(0, cut % message.length), which === 1 ? octets : message]
        const { initiator } = ikePair()
        initiator.start()
        for (const each of hostile) expect(() => initiator.receive(each)).toThrow(/^ike: /)
        expect(initiator.state).toBe('init')
      }),
      { numRuns: 50 },
    )
  })

  it('answers a request that comes again as before, and sends its own again when asked', () => {
    const { initiator, responder } = ikePair()
    initiator.start()
    initiator.resend()
    const [first, again] = initiator.takeEffects().datagrams
    expect(again).toEqual(first)
    responder.receive(first!.octets)
    const answer = responder.takeEffects().datagrams
    responder.receive(first!.octets)
    expect(responder.takeEffects().datagrams).toEqual(answer)
    const changed = first!.octets.slice()
    changed[60] = (changed[60] ?? 0) ^ 1
    expect(() => responder.receive(changed)).toThrow(WireError)
  })
})
