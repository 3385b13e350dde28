/** The end of the exchange that answers (core/secure/esp/ike-exchange.ts). */
import { AuthenticationError, WireError } from '../../base/errors.js'
import { equalOctets } from '../../base/octets.js'
import {
  decodeIkeMessage,
  encodeIkeMessage,
  encodeNotify,
  IKE_EXCHANGE,
  IKE_NOTIFY,
  type IkeMessage,
  type IkePayload,
} from '../wire/ike.js'
import { expectMessage, IkeEnd, isResponse, type IkeParts } from './ike-exchange.js'
import { deriveIkeKeys, openIkeMessage, sealIkeMessage } from './ike-keys.js'

const SPI_OCTETS = 8

export class IkeResponder extends IkeEnd {
  /** The last request, and what was said to it: a request that comes again is answered again (RFC 7296 section 2.1). */
  private answered: { readonly request: Uint8Array; readonly name: string; readonly response: Uint8Array } | null = null

  constructor(parts: IkeParts, initiatorSpi: Uint8Array) {
    super(false, parts, initiatorSpi.slice(), parts.random.octets(SPI_OCTETS))
  }

  receive(octets: Uint8Array): void {
    const { answered } = this
    if (answered !== null && equalOctets(answered.request, octets)) return this.push(answered.name, answered.response)
    const message = decodeIkeMessage(octets)
    if (isResponse(message)) throw new WireError('ike', 19, 'a response where a request belongs')
    if (this.state === 'init') this.receiveInit(message, octets)
    else if (this.state === 'auth') this.receiveAuth(message, octets)
    else throw new WireError('ike', 0, 'this exchange is over')
  }

  private receiveInit(message: IkeMessage, octets: Uint8Array): void {
    expectMessage(message, IKE_EXCHANGE.saInit, 0)
    const peerPublicKey = this.readInit(message)
    const payloads = this.initPayloads()
    const shared = this.agree(peerPublicKey)
    this.peerInit = octets.slice()
    this.ownInit = encodeIkeMessage(this.header(IKE_EXCHANGE.saInit, 0), payloads)
    const { initiatorSpi, responderSpi, peerNonce: initiatorNonce, nonce: responderNonce } = this
    this.keys = deriveIkeKeys({ shared, initiatorNonce, responderNonce, initiatorSpi, responderSpi })
    this.state = 'auth'
    this.answer('IKE_SA_INIT response', octets, this.ownInit)
  }

  private receiveAuth(message: IkeMessage, octets: Uint8Array): void {
    expectMessage(message, IKE_EXCHANGE.auth, 1)
    const payloads = openIkeMessage(this.sessionKeys.toResponder, message, octets)
    this.effects.work.octets += octets.length
    this.effects.work.records++
    try {
      this.checkPeer(payloads)
      const offer = this.readEspOffer(payloads)
      if ('refusal' in offer) return this.refuseOffer(octets, offer.refusal)
      this.answerAuth(octets, this.authPayloads())
      this.establish(offer.spi)
    } catch (error) {
      const { authenticationFailed, invalidSyntax } = IKE_NOTIFY
      const notify = error instanceof AuthenticationError ? authenticationFailed : invalidSyntax
      this.answerAuth(octets, [encodeNotify(notify)])
      this.failBy(error)
      throw error
    }
  }

  private refuseOffer(request: Uint8Array, notify: number): void {
    this.answerAuth(request, [encodeNotify(notify)])
    this.failBy(new AuthenticationError('ike', 'the peer wants other addresses, another cipher or another mode'))
  }

  private answerAuth(request: Uint8Array, payloads: readonly IkePayload[]): void {
    const header = this.header(IKE_EXCHANGE.auth, 1)
    this.answer('IKE_AUTH response', request, sealIkeMessage(this.sessionKeys.toInitiator, header, payloads, 1))
  }

  private answer(name: string, request: Uint8Array, response: Uint8Array): void {
    this.answered = { request: request.slice(), name, response }
    this.push(name, response)
  }
}
