/**
 * The keys of an IKE association (RFC 7296 section 2.14), its SK payload under AES-GCM (RFC 5282), and the keys of the ESP
 * associations that it makes (section 2.17). The PRF is HMAC-SHA-256.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { AuthenticationError, WireError } from '../../base/errors.js'
import { concatOctets, writeU64be } from '../../base/octets.js'
import { openGcm, sealGcm } from '../aes-gcm.js'
import {
  decodePayloads,
  encodeIkeHeader,
  encodePayloadHeader,
  encodePayloads,
  IKE_HEADER_OCTETS,
  IKE_PAYLOAD,
  payloadOf,
  type IkeHeader,
  type IkeMessage,
  type IkePayload,
} from '../wire/ike.js'

const PRF_OCTETS = 32
const CIPHER_KEY_OCTETS = 32
const SALT_OCTETS = 4
const KEY_OCTETS = CIPHER_KEY_OCTETS + SALT_OCTETS
const IV_OCTETS = 8
const ICV_OCTETS = 16
const PAYLOAD_HEADER_OCTETS = 4

/** Key and salt of AES-GCM in one direction. */
export interface AeadKey {
  readonly key: Uint8Array
  readonly salt: Uint8Array
}

/** SK_d, SK_ei, SK_er, SK_pi, SK_pr; SK_ai and SK_ar are empty with an AEAD cipher. */
export interface IkeKeys {
  readonly derive: Uint8Array
  readonly toResponder: AeadKey
  readonly toInitiator: AeadKey
  readonly authInitiator: Uint8Array
  readonly authResponder: Uint8Array
}

export interface IkeSecrets {
  /** x25519 of the two KE payloads. */
  readonly shared: Uint8Array
  readonly initiatorNonce: Uint8Array
  readonly responderNonce: Uint8Array
  readonly initiatorSpi: Uint8Array
  readonly responderSpi: Uint8Array
}

export function prf(key: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(sha256, key, data)
}

/** T1 ‖ T2 ‖ ..., Tn = prf(key, Tn-1 ‖ seed ‖ n) (section 2.13). */
export function prfPlus(key: Uint8Array, seed: Uint8Array, octetCount: number): Uint8Array {
  const parts: Uint8Array[] = []
  let last: Uint8Array = new Uint8Array(0)
  for (let count = 1; parts.length * PRF_OCTETS < octetCount; count++) {
    last = prf(key, concatOctets([last, seed, Uint8Array.of(count)]))
    parts.push(last)
  }
  return concatOctets(parts).slice(0, octetCount)
}

export function deriveIkeKeys(secrets: IkeSecrets): IkeKeys {
  const { shared, initiatorNonce, responderNonce, initiatorSpi, responderSpi } = secrets
  const nonces = concatOctets([initiatorNonce, responderNonce])
  const octets = prfPlus(
    prf(nonces, shared),
    concatOctets([nonces, initiatorSpi, responderSpi]),
    3 * PRF_OCTETS + 2 * KEY_OCTETS,
  )
  let at = 0
  const next = (length: number): Uint8Array => octets.slice(at, (at += length))
  const derive = next(PRF_OCTETS)
  const [toResponder, toInitiator] = [aeadKey(next(KEY_OCTETS)), aeadKey(next(KEY_OCTETS))]
  return { derive, toResponder, toInitiator, authInitiator: next(PRF_OCTETS), authResponder: next(PRF_OCTETS) }
}

/** Of the ESP associations that come with IKE_AUTH: to the responder, then to the initiator. */
export function deriveEspKeys(
  { derive }: IkeKeys,
  initiatorNonce: Uint8Array,
  responderNonce: Uint8Array,
): readonly [AeadKey, AeadKey] {
  const octets = prfPlus(derive, concatOctets([initiatorNonce, responderNonce]), 2 * KEY_OCTETS)
  return [aeadKey(octets.slice(0, KEY_OCTETS)), aeadKey(octets.slice(KEY_OCTETS))]
}

/** The message with `payloads` in an SK payload. `sealIndex` must not come twice under a key. */
export function sealIkeMessage(
  key: AeadKey,
  header: IkeHeader,
  payloads: readonly IkePayload[],
  sealIndex: number,
): Uint8Array {
  // No padding is needed; the last octet says so.
  const plain = concatOctets([encodePayloads(payloads), Uint8Array.of(0)])
  const bodyOctets = IV_OCTETS + plain.length + ICV_OCTETS
  const associated = concatOctets([
    encodeIkeHeader(header, IKE_PAYLOAD.sealed, PAYLOAD_HEADER_OCTETS + bodyOctets),
    encodePayloadHeader(payloads[0]?.type ?? IKE_PAYLOAD.none, bodyOctets),
  ])
  const iv = new Uint8Array(IV_OCTETS)
  writeU64be(iv, 0, sealIndex)
  const sealed = sealGcm(key.key, concatOctets([key.salt, iv]), associated, plain)
  return concatOctets([associated, iv, sealed])
}

/** What is in the SK payload of `message`, which was decoded from `octets`. Throws `WireError`, `AuthenticationError`. */
export function openIkeMessage(key: AeadKey, message: IkeMessage, octets: Uint8Array): readonly IkePayload[] {
  const body = payloadOf(message.payloads, IKE_PAYLOAD.sealed, 'SK')
  if (body.length < IV_OCTETS + 1 + ICV_OCTETS)
    throw new WireError('ike', IKE_HEADER_OCTETS, `an SK payload of ${body.length} octets`)
  const associated = octets.subarray(0, octets.length - body.length)
  const nonce = concatOctets([key.salt, body.subarray(0, IV_OCTETS)])
  const plain = openGcm(key.key, nonce, associated, body.subarray(IV_OCTETS))
  if (plain === null) throw new AuthenticationError('ike', "the SK payload's ICV was refused")
  const padLength = plain[plain.length - 1] ?? 0
  const end = plain.length - 1 - padLength
  if (end < 0) throw new WireError('ike', octets.length - ICV_OCTETS - 1, `pad length is ${padLength}`)
  return decodePayloads(plain.subarray(0, end), 0, message.payloads.at(-1)?.firstInside ?? IKE_PAYLOAD.none)
}

function aeadKey(octets: Uint8Array): AeadKey {
  return { key: octets.slice(0, CIPHER_KEY_OCTETS), salt: octets.slice(CIPHER_KEY_OCTETS) }
}
