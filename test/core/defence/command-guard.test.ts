import { describe, expect, it } from 'vitest'
import { latin1Octets } from '../../../core/base/octets.js'
import { seconds } from '../../../core/base/units.js'
import { CommandGuard, STAMP_WINDOW_NS } from '../../../core/defence/command-guard.js'
import {
  commandSchemes,
  decodeGuarded,
  encodeGuarded,
  type CommandScheme,
} from '../../../core/hypervisor/wire/guarded-command.js'

const key = new Uint8Array(32).fill(7)
const order = latin1Octets('switch off')

function ends(scheme: CommandScheme, theirKey = key) {
  const clock = { nowNs: seconds(100) }
  let counter = 0
  const random = { u32: () => ++counter }
  const sender = new CommandGuard({ scheme, key: theirKey, clock, random })
  const receiver = new CommandGuard({ scheme, key, clock, random })
  return { clock, sender, receiver }
}

const challengeOf = (receiver: CommandGuard): number => decodeGuarded(receiver.challenge()).stamp

describe('CommandGuard', () => {
  it.each(commandSchemes.filter((scheme) => scheme !== 'none'))('%s: what was sealed is opened', (scheme) => {
    const { sender, receiver } = ends(scheme)
    const challenge = scheme === 'nonce' ? challengeOf(receiver) : 0
    expect(receiver.open(sender.seal(order, challenge))).toEqual(order)
  })

  it.each(commandSchemes.filter((scheme) => scheme !== 'none'))('%s: another key is refused', (scheme) => {
    const { sender, receiver } = ends(scheme, new Uint8Array(32).fill(8))
    const challenge = scheme === 'nonce' ? challengeOf(receiver) : 0
    expect(() => receiver.open(sender.seal(order, challenge))).toThrow(/(token|signature) is wrong/)
  })

  it.each(['signature', 'timestamp', 'nonce'] as const)(
    '%s: every changed octet is noticed, and none of a token’s payload',
    (scheme) => {
      const { sender, receiver } = ends(scheme)
      const sealed = sender.seal(order, scheme === 'nonce' ? challengeOf(receiver) : 0)
      for (let at = 0; at < sealed.length; at++) {
        const changed = sealed.slice()
        changed[at] = (changed[at] ?? 0) ^ 1
        expect(() => receiver.open(changed), `octet ${at}`).toThrow()
      }
      const token = ends('token')
      const carried = decodeGuarded(token.sender.seal(order))
      const forged = encodeGuarded({ ...carried, payload: latin1Octets('switch on!') })
      expect(token.receiver.open(forged)).toEqual(latin1Octets('switch on!'))
    },
  )

  it('a signature says nothing of when; a time stamp is good for its window, a number once', () => {
    const signed = ends('signature')
    const again = signed.sender.seal(order)
    signed.clock.nowNs += seconds(1000)
    expect(signed.receiver.open(again)).toEqual(order)

    const stamped = ends('timestamp')
    const command = stamped.sender.seal(order)
    stamped.clock.nowNs += STAMP_WINDOW_NS
    expect(stamped.receiver.open(command)).toEqual(order)
    stamped.clock.nowNs += 1
    expect(() => stamped.receiver.open(command)).toThrow(/its time is 15\.0 s ago/)

    const fresh = ends('nonce')
    const once = fresh.sender.seal(order, challengeOf(fresh.receiver))
    expect(fresh.receiver.open(once)).toEqual(order)
    expect(() => fresh.receiver.open(once)).toThrow(/answers no challenge/)
  })

  it('holds no more challenges than there is room for', () => {
    const { sender, receiver } = ends('nonce')
    const first = challengeOf(receiver)
    for (let more = 0; more < 8; more++) receiver.challenge()
    expect(() => receiver.open(sender.seal(order, first))).toThrow(/answers no challenge/)
  })

  it('takes no other scheme than its own, and no octets that are none', () => {
    const { sender } = ends('token')
    const { receiver } = ends('nonce')
    expect(() => receiver.open(sender.seal(order))).toThrow(/nonce is wanted, not token/)
    const sealed = sender.seal(order)
    for (let length = 0; length < sealed.length; length++)
      expect(() => receiver.open(sealed.subarray(0, length)), `${length} octets`).toThrow()
  })
})
