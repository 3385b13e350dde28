/**
 * Opens a captured `rsa-aes-textbook` channel from its octets alone.
 *
 * The client sent m³ mod n, m being the session key, without padding. m has 256 bits and n 2048, so m³ never reached n,
 * and m is its cube root over the whole numbers (Boneh, Twenty Years of Attacks on the RSA Cryptosystem, 1999, section 4).
 */
import { WireError } from '../base/errors.js'
import { hexOf, octetsOfHex } from '../base/octets.js'
import { deriveKey, saltOf, type DirectionKey } from '../secure/records/record-keys.js'
import { decodeHello, HELLO_OCTETS, serverHelloOctets } from '../secure/wire/records.js'
import { RSA_MODULUS_OCTETS } from '../secure/wire/records.js'

const SECRET_OCTETS = 32

export interface OpenedSession {
  readonly secret: Uint8Array
  readonly toServer: DirectionKey
  readonly toClient: DirectionKey
}

/**
 * `toServer` and `toClient` are the first octets of both directions, up to the ClientKeyExchange at least. Null when
 * the wrapped number is no cube: then it was padded. Throws `WireError` where the octets are not of such a channel.
 */
export function openTextbookSession(toServer: Uint8Array, toClient: Uint8Array): OpenedSession | null {
  const hello = decodeHello(toServer)
  if (decodeHello(toClient).name !== hello.name) throw new WireError('records', 8, 'the hellos name two channels')
  const serverHello = toClient.subarray(0, serverHelloOctets(hello.name))
  const wrapped = toServer.subarray(HELLO_OCTETS, HELLO_OCTETS + RSA_MODULUS_OCTETS)
  if (serverHello.length === HELLO_OCTETS) throw new WireError('records', 8, `${hello.name} wraps no key`)
  if (wrapped.length < RSA_MODULUS_OCTETS)
    throw new WireError('records', toServer.length, 'the ClientKeyExchange was not captured')
  const secretNumber = exactCubeRoot(BigInt(`0x${hexOf(wrapped)}`))
  if (secretNumber === null || secretNumber >> BigInt(8 * SECRET_OCTETS) !== 0n) return null
  const secret = octetsOfHex(secretNumber.toString(16).padStart(2 * SECRET_OCTETS, '0'))
  const salt = saltOf(toServer.subarray(0, HELLO_OCTETS), serverHello)
  return {
    secret,
    toServer: deriveKey(hello, secret, salt, 'to server'),
    toClient: deriveKey(hello, secret, salt, 'to client'),
  }
}

/** The whole number whose cube `value` (not negative) is; null if there is none. By Newton's method, from above. */
export function exactCubeRoot(value: bigint): bigint | null {
  if (value === 0n) return 0n
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 3))
  for (;;) {
    const next = (2n * root + value / (root * root)) / 3n
    if (next >= root) return root * root * root === value ? root : null
    root = next
  }
}
