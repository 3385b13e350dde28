/** Two hosts that seal their vMotion if both can, and somebody in between who says that one cannot. */
import { describe, expect, it } from 'vitest'
import { AuthenticationError, WireError } from '../../../core/base/errors.js'
import { equalOctets } from '../../../core/base/octets.js'
import { protectionOf, type ChannelCredentials } from '../../../core/secure/channels.js'
import { VmotionProtocol } from '../../../core/secure/vmotion-channel.js'
import { decodeOffer, VMOTION_OFFER_OCTETS } from '../../../core/secure/wire/vmotion-offer.js'
import { converse, protocolPair, takeMessages } from '../../support/channel-protocols.js'
import {
  clientCredentials,
  patternOctets,
  runToEnd,
  securedPair,
  serverCredentials,
  type SecuredPairOptions,
} from '../../support/secured-pair.js'
import type { Wiretap } from '../../support/stream-pair.js'

const SEALS_AT = 8
const payload = patternOctets(50_000)

/** Writes that nobody can seal, into the offer; then only listens. */
class Downgrader implements Wiretap {
  readonly pieces: Uint8Array[] = []
  cross(octets: Uint8Array, offset: number): Uint8Array[] {
    const changed = octets.slice()
    if (offset <= SEALS_AT && SEALS_AT < offset + octets.length) changed[SEALS_AT - offset] = 0
    this.pieces.push(changed)
    return [changed]
  }
}

const withoutAes = (credentials: ChannelCredentials): ChannelCredentials => ({
  ...credentials,
  vmotion: { ...credentials.vmotion!, canSeal: false },
})

function run(
  name: 'vmotion-opportunistic' | 'vmotion-required',
  options: SecuredPairOptions & { tap?: Downgrader } = {},
) {
  const { tap = null, ...rest } = options
  const pair = securedPair(name, { toServer: payload, ...rest })
  pair.lower[0].wiretap = tap
  runToEnd(pair.kernel)
  const { trace } = pair.kernel
  return {
    states: pair.channels.map(({ state }) => state),
    failures: pair.channels.map(({ failure }) => failure),
    received: pair.server.received,
    clear: trace.rows('channel-clear').map(({ channel, host }) => `${channel} ${host}`),
    messages: trace.rows('channel-message').map(({ name: message }) => message),
  }
}

describe('an opportunistic vMotion', () => {
  it('seals when both hosts can', () => {
    const { received, clear, messages } = run('vmotion-opportunistic')
    expect(equalOctets(received, payload)).toBe(true)
    expect(clear).toEqual([])
    expect(messages.slice(0, 3)).toEqual(['Offer (sealed)', 'Choice (sealed)', 'ClientHello'])
  })

  it.each([
    ['source', { clientCredentials: withoutAes(clientCredentials) }],
    ['destination', { serverCredentials: withoutAes(serverCredentials) }],
  ])('goes in clear, and only the trace says so, when the %s cannot', (_, credentials) => {
    const { received, clear, messages, states } = run('vmotion-opportunistic', credentials)
    expect(equalOctets(received, payload)).toBe(true)
    expect(states).toEqual(['closed', 'closed'])
    expect(clear).toEqual(['vmotion-opportunistic b', 'vmotion-opportunistic a'])
    expect(messages.at(-1)).toBe('Choice (in clear)')
  })

  it('is read by whoever writes one octet of the offer, and neither end notices', () => {
    const tap = new Downgrader()
    const { received, states, failures } = run('vmotion-opportunistic', { tap })
    expect(states).toEqual(['closed', 'closed'])
    expect(failures).toEqual([null, null])
    expect(equalOctets(received, payload)).toBe(true)
    const taken = new Uint8Array(Buffer.concat(tap.pieces)).subarray(VMOTION_OFFER_OCTETS)
    expect(equalOctets(taken, payload)).toBe(true)
    expect(protectionOf('vmotion-opportunistic').refusesDowngrade).toBe(false)
  })

  it('refuses when both seal, and heard different offers', () => {
    const [client, server] = protocolPair('vmotion-opportunistic')
    client.start()
    server.start()
    const offer = takeMessages(client)[0]!.slice()
    offer[20]! ^= 1
    server.receive(offer)
    expect(() => {
      for (const octets of takeMessages(server)) client.receive(octets)
      converse([client, server])
    }).toThrow(AuthenticationError)
  })

  it('refuses another key', () => {
    const other = { ...serverCredentials, vmotion: { preSharedKey: new Uint8Array(32).fill(9), canSeal: true } }
    const { received, failures } = run('vmotion-opportunistic', { serverCredentials: other })
    expect(received).toHaveLength(0)
    expect(failures[1]).toMatchObject({ kind: 'authentication' })
  })
})

describe('a required vMotion', () => {
  it('refuses clear text, whoever cannot seal or is said to be unable', () => {
    const ways: (SecuredPairOptions & { tap?: Downgrader })[] = [
      { clientCredentials: withoutAes(clientCredentials) },
      { serverCredentials: withoutAes(serverCredentials) },
      { tap: new Downgrader() },
    ]
    for (const way of ways) {
      const { received, failures, clear } = run('vmotion-required', way)
      expect(received).toHaveLength(0)
      expect(clear).toEqual([])
      expect(failures.some((failure) => failure?.kind === 'authentication' && /seal/.test(failure.message))).toBe(true)
    }
    expect(protectionOf('vmotion-required').refusesDowngrade).toBe(true)
  })
})

describe('offers', () => {
  const offer = (): Uint8Array => {
    const [client] = protocolPair('vmotion-required')
    client.start()
    return takeMessages(client)[0]!
  }

  it('say whether their sender can seal', () => {
    const octets = offer()
    expect(octets).toHaveLength(VMOTION_OFFER_OCTETS)
    expect(decodeOffer(octets)).toBe(true)
    octets[SEALS_AT] = 0
    expect(decodeOffer(octets)).toBe(false)
  })

  it('are refused with what is wrong with them', () => {
    const strange = offer()
    strange[SEALS_AT] = 7
    expect(() => decodeOffer(strange)).toThrow(/neither 0 \(in clear\) nor 1 \(sealed\): 7/)
    const other = offer()
    other[0] = 0
    expect(() => decodeOffer(other)).toThrow(WireError)
    expect(() => decodeOffer(offer().subarray(0, 40))).toThrow(WireError)
  })

  it('are not taken from a destination that chooses what it was not offered', () => {
    const { vmotion } = withoutAes(clientCredentials)
    const random = { octets: (count: number) => new Uint8Array(count) }
    const client = new VmotionProtocol('vmotion-opportunistic', 'client', vmotion!, random)
    client.start()
    takeMessages(client)
    expect(() => client.receive(offer())).toThrow(/chose what it was not offered/)
  })
})
