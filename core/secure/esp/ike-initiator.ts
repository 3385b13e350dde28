/** The end of the exchange that begins it (core/secure/esp/ike-exchange.ts). */
import { AuthenticationError, WireError } from '../../base/errors.js'
import { equalOctets } from '../../base/octets.js'
import {
  decodeIkeMessage,
  decodeNotifies,
  encodeIkeMessage,
  IKE_EXCHANGE,
  IKE_NOTIFY,
  type IkeMessage,
} from '../wire/ike.js'
import { expectMessage, IkeEnd, isResponse, type IkeParts } from './ike-exchange.js'
import { deriveIkeKeys, openIkeMessage, sealIkeMessage } from './ike-keys.js'

const SPI_OCTETS = 8

export class IkeInitiator extends IkeEnd {
  private sent: { readonly name: string; readonly octets: Uint8Array } | null = null

  constructor(parts: IkeParts) {
    super(true, parts, parts.random.octets(SPI_OCTETS), new Uint8Array(SPI_OCTETS))
  }

  start(): void {
    this.ownInit = encodeIkeMessage(this.header(IKE_EXCHANGE.saInit, 0), this.initPayloads())
    this.request('IKE_SA_INIT request', this.ownInit)
  }

  /** No answer came in time. */
  resend(): void {
    if (this.sent !== null) this.push(this.sent.name, this.sent.octets)
  }

  receive(octets: Uint8Array): void {
    const message = decodeIkeMessage(octets)
    if (!isResponse(message)) throw new WireError('ike', 19, 'a request where a response belongs')
    if (this.state === 'init') this.receiveInit(message, octets)
    else if (this.state === 'auth') this.receiveAuth(message, octets)
    else throw new WireError('ike', 0, 'nothing was asked')
  }

  private receiveInit(message: IkeMessage, octets: Uint8Array): void {
    expectMessage(message, IKE_EXCHANGE.saInit, 0)
    const shared = this.agree(this.readInit(message))
    this.peerInit = octets.slice()
    this.responderSpi = message.responderSpi.slice()
    const { initiatorSpi, responderSpi, nonce: initiatorNonce, peerNonce: responderNonce } = this
    this.keys = deriveIkeKeys({ shared, initiatorNonce, responderNonce, initiatorSpi, responderSpi })
    this.state = 'auth'
    const { toResponder } = this.keys
    this.request(
      'IKE_AUTH request',
      sealIkeMessage(toResponder, this.header(IKE_EXCHANGE.auth, 1), this.authPayloads(), 1),
    )
  }

  private receiveAuth(message: IkeMessage, octets: Uint8Array): void {
    expectMessage(message, IKE_EXCHANGE.auth, 1)
    if (!equalOctets(message.responderSpi, this.responderSpi))
      throw new WireError('ike', 8, 'the responder has another SPI')
    const payloads = openIkeMessage(this.sessionKeys.toInitiator, message, octets)
    this.effects.work.octets += octets.length
    this.effects.work.records++
    try {
      const refusal = decodeNotifies(payloads).find(({ type }) => type < IKE_NOTIFY.useTransportMode)
      if (refusal !== undefined) throw new AuthenticationError('ike', `the peer refused: ${refusalName(refusal.type)}`)
      this.checkPeer(payloads)
      const offer = this.readEspOffer(payloads)
      if ('refusal' in offer)
        throw new AuthenticationError(
          'ike',
          `the peer's answer to what we want is refused: ${refusalName(offer.refusal)}`,
        )
      this.establish(offer.spi)
      this.sent = null
    } catch (error) {
      this.failBy(error)
      throw error
    }
  }

  private request(name: string, octets: Uint8Array): void {
    this.sent = { name, octets }
    this.push(name, octets)
  }
}

function refusalName(type: number): string {
  switch (type) {
    case IKE_NOTIFY.authenticationFailed:
      return 'AUTHENTICATION_FAILED'
    case IKE_NOTIFY.noProposalChosen:
      return 'NO_PROPOSAL_CHOSEN'
    case IKE_NOTIFY.tsUnacceptable:
      return 'TS_UNACCEPTABLE'
    case IKE_NOTIFY.invalidSyntax:
      return 'INVALID_SYNTAX'
    default:
      return `error ${type}`
  }
}
