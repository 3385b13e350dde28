/**
 * IKEv2 messages (RFC 7296 section 3), as far as the reduced exchange of core/secure/esp/ike-exchange.ts goes: the header, the
 * chain of payloads, and the bodies of SA, KE, IDi and IDr, AUTH, Nonce, Notify and TS.
 *
 *     header: initiator SPI 8 │ responder SPI 8 │ next payload 1 │ version 1 │ exchange type 1 │ flags 1 │ message ID 4 │ length 4
 *     payload: next payload 1 │ critical 1 bit, reserved 7 │ length 2 │ body
 */
import { WireError } from '../../base/errors.js'
import { concatOctets, OctetReader, OctetWriter, writeU16be, writeU32be } from '../../base/octets.js'
import { IPV6_UNSPECIFIED, readIpv6, writeIpv6, type Ipv6Address } from '../../net/wire/addresses.js'

export const IKE_HEADER_OCTETS = 28
const PAYLOAD_HEADER_OCTETS = 4
const VERSION = 0x20
const CRITICAL = 0x80
/** More than any message of this exchange needs. */
const PAYLOADS_MAX = 32

export const IKE_EXCHANGE = { saInit: 34, auth: 35 } as const
export const IKE_FLAG = { initiator: 0x08, response: 0x20 } as const
export const IKE_PAYLOAD = {
  none: 0,
  sa: 33,
  keyExchange: 34,
  idInitiator: 35,
  idResponder: 36,
  auth: 39,
  nonce: 40,
  notify: 41,
  tsInitiator: 44,
  tsResponder: 45,
  sealed: 46,
} as const
const PAYLOAD_FIRST = 33
const PAYLOAD_LAST = 48

export const IKE_NOTIFY = {
  invalidSyntax: 7,
  noProposalChosen: 14,
  authenticationFailed: 24,
  tsUnacceptable: 38,
  useTransportMode: 16391,
  signatureHashAlgorithms: 16431,
} as const

export interface IkeHeader {
  /** 8 octets each; that of the responder is zero in the first message. */
  readonly initiatorSpi: Uint8Array
  readonly responderSpi: Uint8Array
  readonly exchange: number
  readonly flags: number
  readonly messageId: number
}

export interface IkePayload {
  readonly type: number
  readonly body: Uint8Array
}

export interface IkeMessage extends IkeHeader {
  /** In order; a sealed one is the last, and says of what type the first one inside is. */
  readonly payloads: readonly (IkePayload & { readonly firstInside?: number })[]
}

/** Bodies are views. Throws `WireError`. Payloads of unknown types are left out unless they are critical. */
export function decodeIkeMessage(octets: Uint8Array): IkeMessage {
  const reader = new OctetReader(octets, 'ike')
  const [initiatorSpi, responderSpi] = [reader.view(8, 'initiator SPI'), reader.view(8, 'responder SPI')]
  const first = reader.u8('next payload')
  const version = reader.u8('version')
  if (version !== VERSION) throw new WireError('ike', 17, `version is ${version >>> 4}.${version & 15}`)
  const [exchange, flags, messageId] = [reader.u8(), reader.u8(), reader.u32()]
  const length = reader.u32('length')
  if (length !== octets.length) throw new WireError('ike', 24, `length is ${length} in a datagram of ${octets.length}`)
  const payloads = decodePayloads(octets, IKE_HEADER_OCTETS, first)
  return { initiatorSpi, responderSpi, exchange, flags, messageId, payloads }
}

/** A chain of payloads from `start` to the end of `octets`, the first of type `first`. */
export function decodePayloads(octets: Uint8Array, start: number, first: number): IkeMessage['payloads'] {
  const reader = new OctetReader(octets, 'ike')
  reader.offset = start
  const payloads: (IkePayload & { firstInside?: number })[] = []
  let type = first
  while (type !== IKE_PAYLOAD.none) {
    const at = reader.offset
    const [next, flags, length] = [reader.u8('next payload'), reader.u8(), reader.u16('payload length')]
    if (length < PAYLOAD_HEADER_OCTETS) throw new WireError('ike', at + 2, `payload length is ${length}`)
    const body = reader.view(length - PAYLOAD_HEADER_OCTETS, `payload ${type}`)
    if (type >= PAYLOAD_FIRST && type <= PAYLOAD_LAST)
      payloads.push(type === IKE_PAYLOAD.sealed ? { type, body, firstInside: next } : { type, body })
    else if ((flags & CRITICAL) !== 0) throw new WireError('ike', at, `unknown critical payload ${type}`)
    if (payloads.length > PAYLOADS_MAX) throw new WireError('ike', at, `over ${PAYLOADS_MAX} payloads`)
    if (type === IKE_PAYLOAD.sealed) break
    type = next
  }
  if (reader.remaining > 0)
    throw new WireError('ike', reader.offset, `${reader.remaining} octets behind the last payload`)
  return payloads
}

/** `bodyOctets` is all that follows the header. */
export function encodeIkeHeader(header: IkeHeader, firstPayload: number, bodyOctets: number): Uint8Array {
  const octets = new Uint8Array(IKE_HEADER_OCTETS)
  octets.set(header.initiatorSpi)
  octets.set(header.responderSpi, 8)
  octets.set([firstPayload, VERSION, header.exchange, header.flags], 16)
  writeU32be(octets, 20, header.messageId)
  writeU32be(octets, 24, IKE_HEADER_OCTETS + bodyOctets)
  return octets
}

export function encodePayloadHeader(next: number, bodyOctets: number): Uint8Array {
  const octets = new Uint8Array(PAYLOAD_HEADER_OCTETS)
  octets[0] = next
  writeU16be(octets, 2, PAYLOAD_HEADER_OCTETS + bodyOctets)
  return octets
}

export function encodePayloads(payloads: readonly IkePayload[]): Uint8Array {
  return concatOctets(
    payloads.flatMap(({ body }, index) => [
      encodePayloadHeader(payloads[index + 1]?.type ?? IKE_PAYLOAD.none, body.length),
      body,
    ]),
  )
}

export function encodeIkeMessage(header: IkeHeader, payloads: readonly IkePayload[]): Uint8Array {
  const body = encodePayloads(payloads)
  return concatOctets([encodeIkeHeader(header, payloads[0]?.type ?? IKE_PAYLOAD.none, body.length), body])
}

/** The only payload of that type. Throws `WireError` when there is none, or more. */
export function payloadOf(payloads: readonly IkePayload[], type: number, name: string): Uint8Array {
  const [found, another] = payloads.filter((each) => each.type === type)
  if (found === undefined || another !== undefined)
    throw new WireError('ike', IKE_HEADER_OCTETS, `${found === undefined ? 'no' : 'more than one'} ${name} payload`)
  return found.body
}

// SA.

export const IKE_TRANSFORM = { encryption: 1, prf: 2, keyExchange: 4, extendedSequence: 5 } as const
export const IKE_PROTOCOL = { ike: 1, esp: 3 } as const
const KEY_LENGTH_ATTRIBUTE = 0x800e
const MORE_TRANSFORMS = 3

export interface IkeTransform {
  readonly type: number
  readonly id: number
  /** Of ciphers with more than one key length. */
  readonly keyBits?: number
}

export interface IkeProposal {
  readonly number: number
  readonly protocol: number
  /** Empty for IKE itself. */
  readonly spi: Uint8Array
  readonly transforms: readonly IkeTransform[]
}

/** The body of an SA payload with one proposal. */
export function encodeProposal({ number, protocol, spi, transforms }: IkeProposal): Uint8Array {
  const encoded = transforms.map(({ type, id, keyBits }, index) => {
    const writer = new OctetWriter()
    writer
      .u8(index === transforms.length - 1 ? 0 : MORE_TRANSFORMS)
      .u8(0)
      .u16(keyBits === undefined ? 8 : 12)
    writer.u8(type).u8(0).u16(id)
    if (keyBits !== undefined) writer.u16(KEY_LENGTH_ATTRIBUTE).u16(keyBits)
    return writer.take()
  })
  const body = concatOctets([spi, ...encoded])
  const head = new OctetWriter()
  head
    .u8(0)
    .u8(0)
    .u16(8 + body.length)
    .u8(number)
    .u8(protocol)
    .u8(spi.length)
    .u8(transforms.length)
  return concatOctets([head.take(), body])
}

export function decodeProposals(body: Uint8Array): IkeProposal[] {
  const reader = new OctetReader(body, 'ike')
  const proposals: IkeProposal[] = []
  while (reader.remaining > 0) {
    const at = reader.offset
    reader.view(2)
    const length = reader.u16('proposal length')
    if (length < 8) throw new WireError('ike', at + 2, `proposal length is ${length}`)
    const proposal = new OctetReader(reader.view(length - 4, 'proposal'), 'ike')
    const [number, protocol, spiOctets, count] = [proposal.u8(), proposal.u8(), proposal.u8(), proposal.u8()]
    const spi = proposal.view(spiOctets, 'SPI')
    const transforms: IkeTransform[] = []
    for (let index = 0; index < count; index++) transforms.push(decodeTransform(proposal))
    if (proposal.remaining > 0) throw new WireError('ike', at, 'octets behind the last transform')
    proposals.push({ number, protocol, spi, transforms })
  }
  return proposals
}

function decodeTransform(reader: OctetReader): IkeTransform {
  const at = reader.offset
  reader.view(2)
  const length = reader.u16('transform length')
  if (length < 8) throw new WireError('ike', at + 2, `transform length is ${length}`)
  const transform = new OctetReader(reader.view(length - 4, 'transform'), 'ike')
  const type = transform.u8()
  transform.u8()
  const id = transform.u16()
  if (transform.remaining !== 4) return { type, id }
  const [attribute, value] = [transform.u16(), transform.u16()]
  return attribute === KEY_LENGTH_ATTRIBUTE ? { type, id, keyBits: value } : { type, id }
}

/** Whether `proposal` offers each of `wanted`. */
export function offers(proposal: IkeProposal, wanted: readonly IkeTransform[]): boolean {
  return wanted.every(({ type, id, keyBits }) =>
    proposal.transforms.some((offered) => offered.type === type && offered.id === id && offered.keyBits === keyBits),
  )
}

// Notify.

/** A notification of the exchange itself: no protocol, no SPI. */
export function encodeNotify(type: number, data: Uint8Array = new Uint8Array(0)): IkePayload {
  const body = new Uint8Array(4 + data.length)
  writeU16be(body, 2, type)
  body.set(data, 4)
  return { type: IKE_PAYLOAD.notify, body }
}

export function decodeNotifies(
  payloads: readonly IkePayload[],
): { readonly type: number; readonly data: Uint8Array }[] {
  return payloads
    .filter(({ type }) => type === IKE_PAYLOAD.notify)
    .map(({ body }) => {
      const reader = new OctetReader(body, 'ike')
      reader.u8()
      const spiOctets = reader.u8()
      const type = reader.u16('notify type')
      reader.view(spiOctets, 'SPI')
      return { type, data: reader.view(reader.remaining) }
    })
}

// Traffic selectors.

const TS_IPV6_ADDR_RANGE = 8
const TS_OCTETS = 44

/** All that a single address sends or gets: every protocol, every port. */
export function encodeTrafficSelector(address: Ipv6Address): Uint8Array {
  const body = new Uint8Array(TS_OCTETS)
  body[0] = 1
  body[4] = TS_IPV6_ADDR_RANGE
  writeU16be(body, 6, TS_OCTETS - 4)
  writeU16be(body, 10, 0xffff)
  writeIpv6(body, 12, address)
  writeIpv6(body, 28, address)
  return body
}

/** The address that `encodeTrafficSelector` wrote; unspecified for every other selector. */
export function decodeTrafficSelector(body: Uint8Array): Ipv6Address {
  if (body.length !== TS_OCTETS) return IPV6_UNSPECIFIED
  const address = readIpv6(body, 12)
  const same = encodeTrafficSelector(address)
  return body.every((octet, index) => octet === same[index]) ? address : IPV6_UNSPECIFIED
}
