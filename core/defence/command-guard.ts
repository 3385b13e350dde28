/** Proves commands, and holds received ones against what they must prove: one scheme and one key at both ends. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { AuthenticationError } from '../base/errors.js'
import { equalOctets } from '../base/octets.js'
import { seconds, type Nanos } from '../base/units.js'
import { decodeGuarded, encodeGuarded, type CommandScheme } from '../hypervisor/wire/guarded-command.js'

/** A time stamp may be so old, or so early: hosts' clocks differ, and whoever set this was generous. */
export const STAMP_WINDOW_NS: Nanos = seconds(15)
/** Challenges that were given and not answered; the oldest goes when there are more. */
const CHALLENGES_MAX = 8
const NOTHING = new Uint8Array(0)
const PROTOCOL = 'guarded-command'

export interface CommandGuardParts {
  readonly scheme: CommandScheme
  /** 32 octets: the token, or the key of the signatures. */
  readonly key: Uint8Array
  readonly clock: { readonly nowNs: Nanos }
  readonly random: { u32(): number }
}

export class CommandGuard {
  private readonly challenges: number[] = []

  constructor(private readonly parts: CommandGuardParts) {}

  get scheme(): CommandScheme {
    return this.parts.scheme
  }

  /** `challenge`: what the receiver sent, where the scheme has one. */
  seal(payload: Uint8Array, challenge = 0): Uint8Array {
    const { scheme, key, clock } = this.parts
    if (scheme === 'none') return payload
    const stamp = scheme === 'timestamp' ? clock.nowNs : challenge
    const command = { kind: 'command', scheme, stamp, payload } as const
    if (scheme === 'token') return encodeGuarded({ ...command, proof: key })
    const unsigned = encodeGuarded({ ...command, proof: new Uint8Array(sha256.outputLen) })
    return encodeGuarded({ ...command, proof: hmac(sha256, key, unsigned.subarray(0, -sha256.outputLen)) })
  }

  /** What is sent to be sent a challenge. */
  question(): Uint8Array {
    return encodeGuarded({ kind: 'ask-challenge', scheme: this.scheme, stamp: 0, payload: NOTHING, proof: NOTHING })
  }

  /** A number that one command may be sealed with. */
  challenge(): Uint8Array {
    const { random, scheme } = this.parts
    const stamp = random.u32()
    this.challenges.push(stamp)
    if (this.challenges.length > CHALLENGES_MAX) this.challenges.shift()
    return encodeGuarded({ kind: 'challenge', scheme, stamp, payload: NOTHING, proof: NOTHING })
  }

  /** The payload of a command that proves what it must. Throws `WireError` or `AuthenticationError`. */
  open(datagram: Uint8Array): Uint8Array {
    const { key, clock } = this.parts
    const { scheme, stamp, payload, proof, covered } = decodeGuarded(datagram)
    if (scheme !== this.scheme) throw new AuthenticationError(PROTOCOL, `${this.scheme} is wanted, not ${scheme}`)
    if (scheme === 'token') {
      if (!equalOctets(proof, key)) throw new AuthenticationError(PROTOCOL, 'the token is wrong')
      return payload
    }
    if (!equalOctets(proof, hmac(sha256, key, covered)))
      throw new AuthenticationError(PROTOCOL, 'the signature is wrong')
    if (scheme === 'timestamp' && Math.abs(clock.nowNs - stamp) > STAMP_WINDOW_NS)
      throw new AuthenticationError(PROTOCOL, `its time is ${((clock.nowNs - stamp) / 1e9).toFixed(1)} s ago`)
    if (scheme === 'nonce') {
      const known = this.challenges.indexOf(stamp)
      if (known < 0) throw new AuthenticationError(PROTOCOL, 'it answers no challenge')
      this.challenges.splice(known, 1)
    }
    return payload
  }
}
