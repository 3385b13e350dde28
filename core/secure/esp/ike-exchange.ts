/**
 * A reduced IKEv2 (RFC 7296): the four messages that make an IKE association and one pair of ESP associations, in IKEv2's own
 * format.
 *
 *     initiator                                           responder
 *     HDR, SAi1, KEi, Ni, N(SIGNATURE_HASH_ALGORITHMS) →
 *                                                       ← HDR, SAr1, KEr, Nr, N(SIGNATURE_HASH_ALGORITHMS)
 *     HDR, SK{IDi, AUTH, SAi2, TSi, TSr [, N(USE_TRANSPORT_MODE)]} →
 *                                                       ← HDR, SK{IDr, AUTH, SAr2, TSi, TSr [, N(USE_TRANSPORT_MODE)]}
 *
 * One suite: ENCR_AES_GCM_16 with 256 bits, PRF_HMAC_SHA2_256, Curve25519 (RFC 8031); for ESP ENCR_AES_GCM_16 with 256 bits,
 * no extended sequence numbers. Each end proves an Ed25519 key (RFC 7427, RFC 8420) that the other was given beforehand.
 *
 * Left out: every later exchange (CREATE_CHILD_SA, so no rekeying, and INFORMATIONAL, so no deletion and no liveness check),
 * cookies, certificates, pre-shared keys, EAP, NAT traversal, fragmentation, negotiation among suites, and the narrowing of
 * traffic selectors, which must be the two hosts' addresses. What nobody has authenticated ends nothing: it is refused, and
 * the true message is awaited.
 */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { assert, AuthenticationError, failureOf, WireError, type Failure } from '../../base/errors.js'
import {
  concatOctets,
  equalOctets,
  octetsOfHex,
  readU32be,
  utf8Octets,
  utf8Text,
  writeU32be,
} from '../../base/octets.js'
import type { Ipv6Address } from '../../net/wire/addresses.js'
import type { RandomOctets } from '../channel.js'
import { noWork, type CipherWork } from '../costs.js'
import {
  decodeNotifies,
  decodeProposals,
  decodeTrafficSelector,
  encodeNotify,
  encodeProposal,
  encodeTrafficSelector,
  IKE_EXCHANGE,
  IKE_FLAG,
  IKE_NOTIFY,
  IKE_PAYLOAD,
  IKE_PROTOCOL,
  IKE_TRANSFORM,
  offers,
  payloadOf,
  type IkeHeader,
  type IkeMessage,
  type IkePayload,
  type IkeProposal,
} from '../wire/ike.js'
import { deriveEspKeys, prf, type IkeKeys } from './ike-keys.js'
import type { AssociationKeys, EspMode } from './security-policies.js'

const CURVE25519_GROUP = 31
const KEY_OCTETS = 32
const NONCE_OCTETS = 32
const NONCE_OCTETS_MIN = 16
const NONCE_OCTETS_MAX = 256
const ID_FQDN = 2
const DIGITAL_SIGNATURE = 14
/** RFC 8420: Ed25519 hashes for itself. */
const IDENTITY_HASH = Uint8Array.of(0, 5)
/** The AlgorithmIdentifier of Ed25519 (RFC 8410), with its length before it. */
const ED25519_ALGORITHM = octetsOfHex('07300506032b6570')
const SIGNATURE_OCTETS = 64

const aes = { type: IKE_TRANSFORM.encryption, id: 20, keyBits: 256 } as const
const ikeTransforms = [
  aes,
  { type: IKE_TRANSFORM.prf, id: 5 },
  { type: IKE_TRANSFORM.keyExchange, id: CURVE25519_GROUP },
]
const espTransforms = [aes, { type: IKE_TRANSFORM.extendedSequence, id: 0 }]

export interface IkeParts {
  /** Who we are, and the seed of our Ed25519 key. */
  readonly name: string
  readonly secretKey: Uint8Array
  /** The only peer that is accepted. */
  readonly peerName: string
  readonly peerPublicKey: Uint8Array
  readonly local: Ipv6Address
  readonly remote: Ipv6Address
  readonly mode: EspMode
  /** The SPI by which we want to know ESP packets that come: free, and at least 256. */
  readonly spi: number
  readonly random: RandomOctets
}

/** What an end wants done, in order. */
export class IkeEffects {
  readonly datagrams: { readonly name: string; readonly octets: Uint8Array }[] = []
  readonly work: CipherWork = noWork()
  /** Both ends are who they should be. */
  associations: AssociationKeys | null = null
}

/** What both ends keep and do. Their octets come in by `receive`, what is to be done goes out by `effects`. */
export abstract class IkeEnd {
  effects = new IkeEffects()
  state: 'init' | 'auth' | 'done' | 'failed' = 'init'
  /** Why the state is `failed`. */
  failure: Failure | null = null
  /** Set by `derive`: for looking into captures. */
  keys: IkeKeys | null = null
  protected ephemeralSecret: Uint8Array = new Uint8Array(0)
  protected nonce: Uint8Array = new Uint8Array(0)
  protected peerNonce: Uint8Array = new Uint8Array(0)
  /** The IKE_SA_INIT messages as they were sent, which the signatures cover. */
  protected ownInit: Uint8Array = new Uint8Array(0)
  protected peerInit: Uint8Array = new Uint8Array(0)

  constructor(
    protected readonly isInitiator: boolean,
    readonly parts: IkeParts,
    public initiatorSpi: Uint8Array,
    public responderSpi: Uint8Array,
  ) {}

  /**
   * A datagram from the peer's address. Throws `WireError` or `AuthenticationError` when it is refused; the exchange is over
   * if the state is `failed` then.
   */
  abstract receive(octets: Uint8Array): void

  /** Hands over what is to be done. */
  takeEffects(): IkeEffects {
    const { effects } = this
    this.effects = new IkeEffects()
    return effects
  }

  protected header(exchange: number, messageId: number): IkeHeader {
    const { initiatorSpi, responderSpi, isInitiator } = this
    const flags = isInitiator ? IKE_FLAG.initiator : IKE_FLAG.response
    return { initiatorSpi, responderSpi, exchange, flags, messageId }
  }

  protected push(name: string, octets: Uint8Array): void {
    this.effects.datagrams.push({ name, octets })
  }

  /** The payloads of an IKE_SA_INIT message; the ephemeral key and the nonce are made for it. */
  protected initPayloads(): IkePayload[] {
    const { random } = this.parts
    this.ephemeralSecret = random.octets(KEY_OCTETS)
    this.nonce = random.octets(NONCE_OCTETS)
    this.effects.work.x25519Base++
    const keyExchange = concatOctets([
      Uint8Array.of(0, CURVE25519_GROUP, 0, 0),
      x25519.getPublicKey(this.ephemeralSecret),
    ])
    const proposal = { number: 1, protocol: IKE_PROTOCOL.ike, spi: new Uint8Array(0), transforms: ikeTransforms }
    return [
      { type: IKE_PAYLOAD.sa, body: encodeProposal(proposal) },
      { type: IKE_PAYLOAD.keyExchange, body: keyExchange },
      { type: IKE_PAYLOAD.nonce, body: this.nonce },
      encodeNotify(IKE_NOTIFY.signatureHashAlgorithms, IDENTITY_HASH),
    ]
  }

  /** The peer's public key out of its IKE_SA_INIT message, whose nonce is kept. */
  protected readInit({ payloads }: IkeMessage): Uint8Array {
    const isKnown = decodeProposals(payloadOf(payloads, IKE_PAYLOAD.sa, 'SA')).some(
      (proposal) => proposal.protocol === IKE_PROTOCOL.ike && offers(proposal, ikeTransforms),
    )
    if (!isKnown) throw new WireError('ike', 0, 'no proposal has AES-GCM-256, HMAC-SHA-256 and Curve25519')
    const keyExchange = payloadOf(payloads, IKE_PAYLOAD.keyExchange, 'KE')
    if (keyExchange.length !== 4 + KEY_OCTETS || readU32be(keyExchange, 0) >>> 16 !== CURVE25519_GROUP)
      throw new WireError('ike', 0, 'the KE payload has no Curve25519 key')
    const nonce = payloadOf(payloads, IKE_PAYLOAD.nonce, 'Nonce')
    if (nonce.length < NONCE_OCTETS_MIN || nonce.length > NONCE_OCTETS_MAX)
      throw new WireError('ike', 0, `a nonce of ${nonce.length} octets`)
    const hashes = decodeNotifies(payloads).find(({ type }) => type === IKE_NOTIFY.signatureHashAlgorithms)
    if (hashes === undefined) throw new WireError('ike', 0, 'the peer does not take digital signatures')
    this.peerNonce = nonce.slice()
    return keyExchange.slice(4)
  }

  protected agree(peerPublicKey: Uint8Array): Uint8Array {
    this.effects.work.x25519Shared++
    try {
      return x25519.getSharedSecret(this.ephemeralSecret, peerPublicKey)
    } catch {
      // The only input that is refused: the result would be zero whatever our secret is.
      throw new AuthenticationError('ike', 'the peer sent an x25519 public key of small order')
    }
  }

  protected get sessionKeys(): IkeKeys {
    assert(this.keys !== null, 'ike: keys are used before they were made')
    return this.keys
  }

  /** The payloads of an IKE_AUTH message. */
  protected authPayloads(): IkePayload[] {
    const { isInitiator, parts } = this
    const { name, secretKey, local, remote, spi } = parts
    const id = concatOctets([Uint8Array.of(ID_FQDN, 0, 0, 0), utf8Octets(name)])
    const signature = ed25519.sign(this.signedOctets(isInitiator, id), secretKey)
    this.effects.work.ed25519Signed++
    const auth = concatOctets([Uint8Array.of(DIGITAL_SIGNATURE, 0, 0, 0), ED25519_ALGORITHM, signature])
    const espSpi = new Uint8Array(4)
    writeU32be(espSpi, 0, spi)
    const proposal = { number: 1, protocol: IKE_PROTOCOL.esp, spi: espSpi, transforms: espTransforms }
    const [initiator, responder] = isInitiator ? [local, remote] : [remote, local]
    return [
      { type: isInitiator ? IKE_PAYLOAD.idInitiator : IKE_PAYLOAD.idResponder, body: id },
      { type: IKE_PAYLOAD.auth, body: auth },
      { type: IKE_PAYLOAD.sa, body: encodeProposal(proposal) },
      { type: IKE_PAYLOAD.tsInitiator, body: encodeTrafficSelector(initiator) },
      { type: IKE_PAYLOAD.tsResponder, body: encodeTrafficSelector(responder) },
      ...(parts.mode === 'transport' ? [encodeNotify(IKE_NOTIFY.useTransportMode)] : []),
    ]
  }

  /** Throws `AuthenticationError` unless the peer is the one that is meant. */
  protected checkPeer(payloads: readonly IkePayload[]): void {
    const { peerName, peerPublicKey } = this.parts
    const id = payloadOf(payloads, this.isInitiator ? IKE_PAYLOAD.idResponder : IKE_PAYLOAD.idInitiator, 'ID')
    const said = utf8Text(id.subarray(4))
    if (id[0] !== ID_FQDN || said !== peerName)
      throw new AuthenticationError('ike', `the peer says it is "${said.slice(0, 64)}", not ${peerName}`)
    const auth = payloadOf(payloads, IKE_PAYLOAD.auth, 'AUTH')
    const signature = auth.subarray(4 + ED25519_ALGORITHM.length)
    const isEd25519 =
      auth[0] === DIGITAL_SIGNATURE &&
      equalOctets(auth.subarray(4, 4 + ED25519_ALGORITHM.length), ED25519_ALGORITHM) &&
      signature.length === SIGNATURE_OCTETS
    this.effects.work.ed25519Verified++
    if (!isEd25519 || !isSignedBy(peerPublicKey, this.signedOctets(!this.isInitiator, id), signature))
      throw new AuthenticationError('ike', `the signature is not that of ${peerName}'s key`)
  }

  /** The peer's ESP SPI, if it wants what we want; otherwise what to notify it of. */
  protected readEspOffer(payloads: readonly IkePayload[]): { readonly spi: number } | { readonly refusal: number } {
    const proposal = decodeProposals(payloadOf(payloads, IKE_PAYLOAD.sa, 'SA')).find(isEspProposal)
    const wantsTransport = decodeNotifies(payloads).some(({ type }) => type === IKE_NOTIFY.useTransportMode)
    if (proposal === undefined || wantsTransport !== (this.parts.mode === 'transport'))
      return { refusal: IKE_NOTIFY.noProposalChosen }
    const { local, remote } = this.parts
    const [initiator, responder] = this.isInitiator ? [local, remote] : [remote, local]
    const isOurs =
      decodeTrafficSelector(payloadOf(payloads, IKE_PAYLOAD.tsInitiator, 'TSi')) === initiator &&
      decodeTrafficSelector(payloadOf(payloads, IKE_PAYLOAD.tsResponder, 'TSr')) === responder
    return isOurs ? { spi: readU32be(proposal.spi, 0) } : { refusal: IKE_NOTIFY.tsUnacceptable }
  }

  protected establish(peerSpi: number): void {
    const nonces = this.isInitiator ? ([this.nonce, this.peerNonce] as const) : ([this.peerNonce, this.nonce] as const)
    const [toResponder, toInitiator] = deriveEspKeys(this.sessionKeys, ...nonces)
    const [sealing, opening] = this.isInitiator ? [toResponder, toInitiator] : [toInitiator, toResponder]
    this.effects.associations = {
      sealing: { spi: peerSpi, ...sealing },
      opening: { spi: this.parts.spi, ...opening },
    }
    this.state = 'done'
    this.ephemeralSecret = new Uint8Array(0)
  }

  /** What is refused in an authenticated message ends the exchange. */
  protected failBy(error: unknown): void {
    this.failure = failureOf(error)
    this.state = 'failed'
    this.ephemeralSecret = new Uint8Array(0)
  }

  /** RFC 7296 section 2.15. `byInitiator`: whose signature it is. */
  private signedOctets(byInitiator: boolean, id: Uint8Array): Uint8Array {
    const isOwn = byInitiator === this.isInitiator
    const key = byInitiator ? this.sessionKeys.authInitiator : this.sessionKeys.authResponder
    const message = isOwn ? this.ownInit : this.peerInit
    const octets = concatOctets([message, isOwn ? this.peerNonce : this.nonce, prf(key, id)])
    this.effects.work.hashedOctets += octets.length
    return octets
  }
}

function isEspProposal(proposal: IkeProposal): boolean {
  return proposal.protocol === IKE_PROTOCOL.esp && proposal.spi.length === 4 && offers(proposal, espTransforms)
}

function isSignedBy(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false // no point of the curve
  }
}

export function isResponse({ flags }: IkeHeader): boolean {
  return (flags & IKE_FLAG.response) !== 0
}

/** Throws `WireError` unless `message` is the one that is due. */
export function expectMessage(message: IkeMessage, exchange: number, messageId: number): void {
  if (message.exchange !== exchange || message.messageId !== messageId)
    throw new WireError(
      'ike',
      18,
      `exchange ${message.exchange} with message ID ${message.messageId} where ${exchange === IKE_EXCHANGE.auth ? 'IKE_AUTH' : 'IKE_SA_INIT'} belongs`,
    )
}
