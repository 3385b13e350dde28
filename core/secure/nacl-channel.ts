/**
 * The NaCl channel: tweetnacl's box key agreement between two hosts that know each other's public key beforehand
 * (pinned identities), with ephemeral keys so that a key stolen later opens nothing recorded earlier; then secretbox
 * records. The pattern of agreements is that of Noise KK (noiseprotocol.org, revision 34, section 7.5), on x25519,
 * xsalsa20-poly1305 and SHA-512. Not a standard: made for this lab, but of standard parts.
 *
 * Keys: sC, sS long-term; eC, eS ephemeral. ab = x25519(secret a, public b). H(x) = first 32 octets of SHA-512(x).
 *
 *     ClientHello    magic "MIDNACL1" (8) ‖ eC public (32) ‖ secretbox(K1, nothing) (16)
 *     ServerHello    eS public (32) ‖ secretbox(K2, nothing) (16)
 *     ClientFinished a record of type finished
 *
 *     T1 = magic ‖ sC public ‖ sS public ‖ eC public        K1 = H("hello client" ‖ T1 ‖ eC·sS ‖ sC·sS)
 *     T2 = T1 ‖ eS public                                    K2 = H("hello server" ‖ T2 ‖ eC·sS ‖ sC·sS ‖ eC·eS ‖ sC·eS)
 *     records to the server under H("to server" ‖ the rest as K2), to the client under H("to client" ‖ ...)
 *
 * The nonce of both hellos is zero: K1 and K2 are used once. A record, its length sealed apart so that it can be trusted
 * before the rest is there:
 *
 *     secretbox(key, nonce 2n, type (1) ‖ length (3)) (20) ‖ secretbox(key, nonce 2n + 1, payload) (16 + length)
 *
 * n counts records from 0 in each direction; a nonce is the number in 24 octets. Types: 0 data, 1 close, 2 finished; only
 * data has a payload, and then 1 to 16384 octets. The close record is the last of its direction: a stream that ends
 * without it was cut.
 */
import nacl from 'tweetnacl'
import { assert, AuthenticationError, WireError } from '../base/errors.js'
import { concatOctets, equalOctets, latin1Octets, readU32be, writeU32be, writeU64be } from '../base/octets.js'
import type { ByteStream } from '../base/byte-stream.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import { ChannelEffects, SecureChannel, type ChannelProtocol, type ChannelRole, type RandomOctets } from './channel.js'
import { libraryCosts, type CipherCosts } from './costs.js'
import { MIGRATION_PORT, type ChannelProtection } from './protection.js'
import { OctetQueue } from '../base/octet-queue.js'
import { sealedMemory } from './sealed-memory.js'

// Keys are passed in, never made up: a run must be repeatable.
nacl.setPRNG(() => assert(false, 'tweetnacl was asked for random octets'))

/** The working form of secretbox: both buffers begin with 32 octets of room, nothing is copied. */
interface NaclLowLevel {
  /** `cipher` = 16 zero octets ‖ tag (16) ‖ sealed, from `message` = 32 zero octets ‖ plain; `length` is that of both. */
  crypto_secretbox(cipher: Uint8Array, message: Uint8Array, length: number, nonce: Uint8Array, key: Uint8Array): number
  /** The inverse; returns -1 and leaves `message` alone if the tag is wrong. */
  crypto_secretbox_open(
    message: Uint8Array,
    cipher: Uint8Array,
    length: number,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number
}
const { lowlevel } = nacl as typeof nacl & { readonly lowlevel: NaclLowLevel }

const NACL_MAGIC = 'MIDNACL1'
/** Payload of one record, at most. */
export const NACL_RECORD_OCTETS_MAX = 16_384

const KEY_OCTETS = 32
/** As the memory of what was sealed knows the bodies of records. */
const BODY_CIPHER = 'nacl secretbox'
const TAG_OCTETS = 16
const ROOM_OCTETS = 32
const HEADER_OCTETS = TAG_OCTETS + 4
const CLIENT_HELLO_OCTETS = 8 + KEY_OCTETS + TAG_OCTETS
const SERVER_HELLO_OCTETS = KEY_OCTETS + TAG_OCTETS

const recordTypes = { data: 0, close: 1, finished: 2 } as const
type RecordType = keyof typeof recordTypes
const typeNames: readonly RecordType[] = ['data', 'close', 'finished']

/** Long-term x25519 keys, 32 octets each. */
export interface NaclCredentials {
  readonly secretKey: Uint8Array
  /** The only peer that is accepted. */
  readonly peerPublicKey: Uint8Array
}

/** The x25519 public key (32 octets) of a secret key (32 octets). */
export function naclPublicKey(secretKey: Uint8Array): Uint8Array {
  return nacl.scalarMult.base(secretKey)
}

export interface NaclChannelOptions extends NaclCredentials {
  readonly role: ChannelRole
  readonly lower: ByteStream
  readonly cores: HostCores
  readonly hostName: string
  readonly random: RandomOctets
  /** In the trace, and the name of the lane; `nacl` if absent. */
  readonly channelName?: string
  readonly costs?: CipherCosts
}

export const naclProtection: ChannelProtection = Object.freeze({
  title: 'NaCl box',
  port: MIGRATION_PORT,
  hidesContent: true,
  hidesRepetition: true,
  protectsIntegrity: true,
  authenticates: 'both',
  refusesDowngrade: true,
  hasForwardSecrecy: true,
  keyBits: 256,
  stillShows: ['which hosts talk', 'how much, and when', 'that it is the migration port'],
})

/** A `ByteStream` under the NaCl channel; open when the handshake is done. */
export class NaclChannel extends SecureChannel {
  constructor(kernel: Kernel, options: NaclChannelOptions) {
    const { role, lower, cores, hostName, random, secretKey, peerPublicKey } = options
    const place = {
      kernel,
      lower,
      cores,
      hostName,
      channelName: options.channelName ?? 'nacl',
      costs: options.costs ?? libraryCosts('xsalsa20-poly1305'),
    }
    super(place, new NaclProtocol(role, { secretKey, peerPublicKey }, random))
  }
}

/** A key and the number of the next record under it. */
interface RecordKey {
  readonly key: Uint8Array
  recordIndex: number
}

export class NaclProtocol implements ChannelProtocol {
  readonly name = 'nacl'
  readonly unreadOctetsMax = 262_144
  effects = new ChannelEffects()

  private state: 'hello' | 'finished' | 'data' | 'closed' = 'hello'
  private readonly received = new OctetQueue()
  private receivedOffset = 0
  private readonly publicKey: Uint8Array
  private ephemeralSecret: Uint8Array = new Uint8Array(0)
  /** T1 of the file's head on the client, between the two hellos. */
  private transcript: Uint8Array = new Uint8Array(0)
  private sendKey: RecordKey | null = null
  private receiveKey: RecordKey | null = null
  /** Header of the record whose body is awaited. */
  private header: { readonly type: RecordType; readonly length: number } | null = null
  private sentClose = false

  constructor(
    private readonly role: ChannelRole,
    private readonly credentials: NaclCredentials,
    private readonly random: RandomOctets,
  ) {
    this.publicKey = naclPublicKey(credentials.secretKey)
  }

  start(): void {
    this.ephemeralSecret = this.random.octets(KEY_OCTETS)
    if (this.role === 'server') return
    const ephemeralPublic = this.makeEphemeralPublic()
    this.transcript = concatOctets([
      latin1Octets(NACL_MAGIC),
      this.publicKey,
      this.credentials.peerPublicKey,
      ephemeralPublic,
    ])
    const { secretKey, peerPublicKey } = this.credentials
    const agreed = [this.agree(this.ephemeralSecret, peerPublicKey), this.agree(secretKey, peerPublicKey)]
    const proof = nacl.secretbox(nothing(), nonceOf(0), this.deriveKey('hello client', agreed))
    this.sendMessage('ClientHello', concatOctets([latin1Octets(NACL_MAGIC), ephemeralPublic, proof]))
  }

  receive(octets: Uint8Array): void {
    this.received.push(octets)
    while (this.state === 'hello' ? this.receiveHello() : this.receiveRecord());
  }

  receiveEnd(): void {
    if (this.state !== 'closed')
      throw new WireError('nacl', this.receivedOffset, `the stream was cut: no close record (${this.state})`)
  }

  sendableOctets(): number {
    return this.sendKey === null || this.sentClose || this.state === 'hello' ? 0 : NACL_RECORD_OCTETS_MAX
  }

  send(payload: Uint8Array): void {
    this.effects.messages.push({ name: null, octets: this.sealRecord('data', payload) })
  }

  end(): void {
    this.sentClose = true
    this.sendMessage('Close', this.sealRecord('close', nothing()))
    this.effects.finished = true
  }

  consumed(): void {
    // The lower stream's own window is the only flow control.
  }

  private sendMessage(name: string, octets: Uint8Array): void {
    this.effects.messages.push({ name, octets })
  }

  private makeEphemeralPublic(): Uint8Array {
    this.effects.work.x25519Base++
    return nacl.scalarMult.base(this.ephemeralSecret)
  }

  /** x25519, refusing a peer's key that makes the result independent of ours (RFC 7748 section 6.1). */
  private agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
    this.effects.work.x25519Shared++
    const shared = nacl.scalarMult(secretKey, publicKey)
    if (equalOctets(shared, new Uint8Array(KEY_OCTETS)))
      throw new AuthenticationError('nacl', 'the peer sent a public key of small order')
    return shared
  }

  private deriveKey(label: string, agreed: readonly Uint8Array[]): Uint8Array {
    const input = concatOctets([latin1Octets(label), this.transcript, ...agreed])
    this.effects.work.hashedOctets += input.length
    return nacl.hash(input).slice(0, KEY_OCTETS)
  }

  private take(length: number): Uint8Array {
    this.receivedOffset += length
    return this.received.take(length)
  }

  /** False when more octets are needed. */
  private receiveHello(): boolean {
    if (this.role === 'client') {
      if (this.received.length < SERVER_HELLO_OCTETS) return false
      this.acceptServerHello(this.take(SERVER_HELLO_OCTETS))
      return true
    }
    const magic = this.received.peek(NACL_MAGIC.length)
    if (!equalOctets(magic, latin1Octets(NACL_MAGIC.slice(0, magic.length))))
      throw new WireError('nacl', 0, `not a ClientHello: does not begin with ${NACL_MAGIC}`)
    if (this.received.length < CLIENT_HELLO_OCTETS) return false
    this.answerClientHello(this.take(CLIENT_HELLO_OCTETS))
    return true
  }

  private answerClientHello(hello: Uint8Array): void {
    const { secretKey, peerPublicKey } = this.credentials
    const clientEphemeral = hello.slice(8, 8 + KEY_OCTETS)
    this.transcript = concatOctets([latin1Octets(NACL_MAGIC), peerPublicKey, this.publicKey, clientEphemeral])
    const agreed = [this.agree(secretKey, clientEphemeral), this.agree(secretKey, peerPublicKey)]
    const helloKey = this.deriveKey('hello client', agreed)
    if (nacl.secretbox.open(hello.subarray(8 + KEY_OCTETS), nonceOf(0), helloKey) === null)
      throw new AuthenticationError('nacl', 'the client did not prove the pinned identity')
    const ephemeralPublic = this.makeEphemeralPublic()
    this.transcript = concatOctets([this.transcript, ephemeralPublic])
    agreed.push(this.agree(this.ephemeralSecret, clientEphemeral), this.agree(this.ephemeralSecret, peerPublicKey))
    const proof = nacl.secretbox(nothing(), nonceOf(0), this.deriveKey('hello server', agreed))
    this.sendMessage('ServerHello', concatOctets([ephemeralPublic, proof]))
    this.makeRecordKeys(agreed)
    this.state = 'finished'
  }

  private acceptServerHello(hello: Uint8Array): void {
    const { secretKey, peerPublicKey } = this.credentials
    const serverEphemeral = hello.slice(0, KEY_OCTETS)
    this.transcript = concatOctets([this.transcript, serverEphemeral])
    const agreed = [
      this.agree(this.ephemeralSecret, peerPublicKey),
      this.agree(secretKey, peerPublicKey),
      this.agree(this.ephemeralSecret, serverEphemeral),
      this.agree(secretKey, serverEphemeral),
    ]
    const helloKey = this.deriveKey('hello server', agreed)
    if (nacl.secretbox.open(hello.subarray(KEY_OCTETS), nonceOf(0), helloKey) === null)
      throw new AuthenticationError('nacl', 'the server did not prove the pinned identity')
    this.makeRecordKeys(agreed)
    this.sendMessage('ClientFinished', this.sealRecord('finished', nothing()))
    this.state = 'data'
    this.effects.opened = true
  }

  private makeRecordKeys(agreed: readonly Uint8Array[]): void {
    const toServer = { key: this.deriveKey('to server', agreed), recordIndex: 0 }
    const toClient = { key: this.deriveKey('to client', agreed), recordIndex: 0 }
    this.sendKey = this.role === 'client' ? toServer : toClient
    this.receiveKey = this.role === 'client' ? toClient : toServer
    this.ephemeralSecret = new Uint8Array(0)
    this.transcript = new Uint8Array(0)
  }

  private sealRecord(type: RecordType, payload: Uint8Array): Uint8Array {
    const { sendKey } = this
    assert(sendKey !== null && payload.length <= NACL_RECORD_OCTETS_MAX, `nacl: cannot seal ${payload.length} octets`)
    const length = ROOM_OCTETS + payload.length
    const message = new Uint8Array(length)
    message.set(payload, ROOM_OCTETS)
    // The header goes in front of the tag, in the 16 zero octets secretbox leaves and 4 more before them.
    const record = new Uint8Array(HEADER_OCTETS - TAG_OCTETS + length)
    const { key } = sendKey
    const number = 2 * sendKey.recordIndex++
    const nonce = nonceOf(number + 1)
    lowlevel.crypto_secretbox(record.subarray(4), message, length, nonce, key)
    const sealed = record.subarray(HEADER_OCTETS)
    sealedMemory.remember(BODY_CIPHER, key, nonce, { associated: nothing(), sealed, plain: payload })
    const header = new Uint8Array(4)
    writeU32be(header, 0, payload.length)
    header[0] = recordTypes[type]
    record.set(nacl.secretbox(header, nonceOf(number), key))
    this.countRecord(payload.length)
    return record
  }

  /** False when more octets are needed. */
  private receiveRecord(): boolean {
    const { receiveKey } = this
    assert(receiveKey !== null, 'nacl: a record before the keys')
    if (this.state === 'closed') {
      if (this.received.length > 0) throw new WireError('nacl', this.receivedOffset, 'octets after the close record')
      return false
    }
    const { key, recordIndex } = receiveKey
    if (this.header === null) {
      if (this.received.length < HEADER_OCTETS) return false
      const header = nacl.secretbox.open(this.take(HEADER_OCTETS), nonceOf(2 * recordIndex), key)
      if (header === null) throw new AuthenticationError('nacl', `record ${recordIndex}: the header's tag was refused`)
      this.header = this.decodeHeader(header)
    }
    const { type, length } = this.header
    if (this.received.length < TAG_OCTETS + length) return false
    const payload = openBody(key, nonceOf(2 * recordIndex + 1), this.take(TAG_OCTETS + length))
    if (payload === null) throw new AuthenticationError('nacl', `record ${recordIndex}: the tag was refused`)
    receiveKey.recordIndex++
    this.header = null
    this.countRecord(length)
    this.acceptRecord(type, payload)
    return true
  }

  private decodeHeader(header: Uint8Array): { type: RecordType; length: number } {
    const type = typeNames[header[0] ?? 255]
    const length = readU32be(header, 0) & 0xff_ffff
    const lengthIsRight = type === 'data' ? length >= 1 && length <= NACL_RECORD_OCTETS_MAX : length === 0
    if (type === undefined || !lengthIsRight)
      throw new WireError('nacl', this.receivedOffset - HEADER_OCTETS, `record of type ${header[0]}, length ${length}`)
    return { type, length }
  }

  private acceptRecord(type: RecordType, payload: Uint8Array): void {
    if ((type === 'finished') !== (this.state === 'finished'))
      throw new WireError('nacl', this.receivedOffset, `a ${type} record does not belong here (${this.state})`)
    if (type === 'data') {
      this.effects.payload.push(payload)
    } else if (type === 'finished') {
      this.state = 'data'
      this.effects.opened = true
    } else {
      this.state = 'closed'
      this.effects.peerEnded = true
    }
  }

  private countRecord(payloadOctets: number): void {
    const { work } = this.effects
    work.records++
    work.octets += payloadOctets
  }
}

function nothing(): Uint8Array {
  return new Uint8Array(0)
}

/** What `sealed`, a tag and as many octets as there are, holds; null if the tag is wrong. */
function openBody(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  const known = sealedMemory.recall(BODY_CIPHER, key, nonce, nothing(), sealed)
  if (known !== null) return known.slice()
  const cipher = new Uint8Array(ROOM_OCTETS - TAG_OCTETS + sealed.length)
  cipher.set(sealed, ROOM_OCTETS - TAG_OCTETS)
  const message = new Uint8Array(cipher.length)
  const isRight = lowlevel.crypto_secretbox_open(message, cipher, cipher.length, nonce, key) === 0
  return isRight ? message.subarray(ROOM_OCTETS) : null
}

function nonceOf(number: number): Uint8Array {
  const nonce = new Uint8Array(24)
  writeU64be(nonce, 16, number)
  return nonce
}
