/**
 * A record layer over any of the ciphers of `record-ciphers.ts`, as weak as each of them is. Not a standard: made for
 * this lab. `hellos.ts` has how it begins. Then, with a cipher that has a tag, the client sends a Finished record, and the
 * server answers with its own, so that neither sends payload before the other has shown the key; without a tag nobody
 * could show anything, and the channel is open after the hellos.
 *
 *     record: type (1) ‖ length of the rest (3) ‖ IV, if the cipher sends one ‖ sealed ‖ tag, if the cipher has one
 *
 * Types: 0 data, 1 close, 2 finished. Type and length are in clear, and authenticated with the body where there is a tag.
 * A data record holds 1 to 16384 octets, padded to whole blocks by PKCS#7 under ECB and CBC. Full records are whole
 * blocks, so equal octets that lie alike in the stream's blocks are equal blocks under ECB. Finished and close hold
 * nothing: a tag alone, or no octet at all.
 *
 * With a tag, the IV is the record's number within its direction: what is changed, cut, repeated, reordered or left out
 * is refused. Without one, records carry their IV: any of them can be changed, repeated, reordered or left out, and a
 * close can be forged; what comes out is delivered. Only a body that is no whole number of blocks, or whose padding is
 * wrong, is noticed.
 */
import { assert, AuthenticationError, WireError } from '../../base/errors.js'
import { OctetQueue } from '../../base/octet-queue.js'
import { concatOctets, equalOctets, readU32be, writeU32be, writeU64be } from '../../base/octets.js'
import { ChannelEffects, type ChannelProtocol, type ChannelRole, type RandomOctets } from '../channel.js'
import { sealedMemory } from '../sealed-memory.js'
import {
  decodeHello,
  encodeHello,
  HELLO_OCTETS,
  HELLO_RANDOM_OCTETS,
  RECORD_HEADER_OCTETS,
  RECORD_OCTETS_MAX,
  recordSuites,
  recordTypeNames,
  recordTypes,
  RSA_MODULUS_OCTETS,
  serverHelloOctets,
  type RecordHello,
  type RecordSuite,
  type RecordType,
} from '../wire/records.js'
import { deriveKey, saltOf, type DirectionKey } from './record-keys.js'
import { padToBlocks, recordCiphers, unpadBlocks, type RecordCipher } from './record-ciphers.js'
import {
  modulusOctets,
  unwrapSecret,
  wrapSecret,
  type RsaPadding,
  type RsaPublicKey,
  type RsaSecretKey,
} from './rsa.js'

const SECRET_OCTETS = 32

/** What one end needs: the first for the channels with a pre-shared key, the others for RSA. */
export interface RecordCredentials {
  /** 32 octets that both hosts and nobody else have. */
  readonly preSharedKey?: Uint8Array
  /** The server's own. */
  readonly rsaSecretKey?: RsaSecretKey
  /** The only server's key that a client takes. */
  readonly trustedRsaKey?: RsaPublicKey
}

/** A key and the number of the next record under it. */
interface CountedKey extends DirectionKey {
  recordIndex: number
}

export class RecordProtocol implements ChannelProtocol {
  readonly unreadOctetsMax = 262_144
  effects = new ChannelEffects()

  private state: 'hello' | 'key-exchange' | 'finished' | 'data' | 'closed' = 'hello'
  private readonly received = new OctetQueue()
  private receivedOffset = 0
  private ownHello: Uint8Array = new Uint8Array(0)
  private salt: Uint8Array = new Uint8Array(0)
  private sendKey: CountedKey | null = null
  private receiveKey: CountedKey | null = null
  private sentClose = false

  constructor(
    private readonly role: ChannelRole,
    /** What this end was told to use. */
    private readonly hello: RecordHello,
    private readonly credentials: RecordCredentials,
    private readonly random: RandomOctets,
    /** Of the channel that it is, or is a part of. */
    readonly name: string = hello.name,
  ) {}

  start(): void {
    const hello = encodeHello(this.hello, this.random.octets(HELLO_RANDOM_OCTETS))
    const { rsaSecretKey } = this.credentials
    const sendsRsaKey = this.role === 'server' && this.keyExchange !== 'pre-shared'
    this.ownHello = sendsRsaKey ? concatOctets([hello, modulusOctets(needed(rsaSecretKey, 'RSA key'))]) : hello
    if (this.role === 'client') this.sendMessage('ClientHello', this.ownHello)
  }

  receive(octets: Uint8Array): void {
    this.received.push(octets)
    while (this.receiveNext());
  }

  receiveEnd(): void {
    if (this.state !== 'closed')
      throw new WireError(this.name, this.receivedOffset, `the stream was cut: no close record (${this.state})`)
  }

  sendableOctets(): number {
    const isOpen = this.state === 'data' || this.state === 'closed'
    return isOpen && !this.sentClose ? RECORD_OCTETS_MAX : 0
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

  private get cipher(): RecordCipher {
    return recordCiphers[recordSuites[this.hello.name].cipher]
  }

  /** Octets of a record of that type beside its header. */
  private bodyOctets(type: RecordType, payloadOctets: number): number {
    const { ivOctets, ivSource, blockOctets, tagOctets } = this.cipher
    if (type !== 'data') return tagOctets
    const padding = blockOctets === 1 ? 0 : blockOctets - (payloadOctets % blockOctets)
    return (ivSource === 'sequence' ? 0 : ivOctets) + payloadOctets + padding + tagOctets
  }

  private sendMessage(name: string, octets: Uint8Array): void {
    this.effects.messages.push({ name, octets })
  }

  private take(length: number): Uint8Array {
    this.receivedOffset += length
    return this.received.take(length)
  }

  private get keyExchange(): RecordSuite['keyExchange'] {
    return recordSuites[this.hello.name].keyExchange
  }

  /** False when more octets are needed. */
  private receiveNext(): boolean {
    if (this.state === 'hello') return this.receiveHello()
    return this.state === 'key-exchange' ? this.receiveKeyExchange() : this.receiveRecord()
  }

  private receiveHello(): boolean {
    if (this.received.length < HELLO_OCTETS) return false
    const { name, secretKeyBits } = decodeHello(this.received.peek(HELLO_OCTETS))
    if (name !== this.hello.name || secretKeyBits !== this.hello.secretKeyBits)
      throw new WireError(
        this.name,
        0,
        `the other end uses ${name} with ${secretKeyBits} secret bits, this one ${this.hello.secretKeyBits}`,
      )
    const length = this.role === 'server' ? HELLO_OCTETS : serverHelloOctets(name)
    if (this.received.length < length) return false
    const peerHello = this.take(length)
    this.effects.work.hashedOctets += this.ownHello.length + peerHello.length
    if (this.role === 'server') {
      this.salt = saltOf(peerHello, this.ownHello)
      this.sendMessage('ServerHello', this.ownHello)
    } else this.salt = saltOf(this.ownHello, peerHello)
    if (this.keyExchange === 'pre-shared') this.useSecret(needed(this.credentials.preSharedKey, 'pre-shared key'))
    else if (this.role === 'server') this.state = 'key-exchange'
    else this.sendKeyExchange(this.keyExchange, peerHello.subarray(HELLO_OCTETS))
    return true
  }

  /** The client's part of RSA. */
  private sendKeyExchange(padding: RsaPadding, modulus: Uint8Array): void {
    const key = needed(this.credentials.trustedRsaKey, 'trusted RSA key')
    if (!equalOctets(modulus, modulusOctets(key)))
      throw new AuthenticationError(this.name, "the server's RSA key is not the one that is trusted")
    const secret = this.random.octets(SECRET_OCTETS)
    this.sendMessage('ClientKeyExchange', wrapSecret(padding, key, secret, this.random))
    this.effects.work.rsaPublic++
    this.useSecret(secret)
  }

  private receiveKeyExchange(): boolean {
    if (this.received.length < RSA_MODULUS_OCTETS) return false
    const { keyExchange } = this
    assert(keyExchange !== 'pre-shared', `${this.name}: wraps no key`)
    const key = needed(this.credentials.rsaSecretKey, 'RSA key')
    const secret = unwrapSecret(keyExchange, key, this.take(RSA_MODULUS_OCTETS), SECRET_OCTETS)
    this.effects.work.rsaPrivate++
    if (secret === null) throw new AuthenticationError(this.name, 'the wrapped key was refused')
    this.useSecret(secret)
    return true
  }

  private useSecret(secret: Uint8Array): void {
    const { salt } = this
    const toServer = { ...deriveKey(this.hello, secret, salt, 'to server'), recordIndex: 0 }
    const toClient = { ...deriveKey(this.hello, secret, salt, 'to client'), recordIndex: 0 }
    this.sendKey = this.role === 'client' ? toServer : toClient
    this.receiveKey = this.role === 'client' ? toClient : toServer
    this.effects.work.hashedOctets += 2 * (secret.length + salt.length)
    if (this.cipher.tagOctets > 0) {
      this.state = 'finished'
      if (this.role === 'client') this.sendFinished()
    } else {
      this.state = 'data'
      this.effects.opened = true
    }
  }

  private sendFinished(): void {
    this.sendMessage('Finished', this.sealRecord('finished', nothing()))
  }

  private sealRecord(type: RecordType, payload: Uint8Array): Uint8Array {
    const { sendKey, cipher } = this
    assert(
      sendKey !== null && payload.length <= RECORD_OCTETS_MAX,
      `${this.name}: cannot seal ${payload.length} octets`,
    )
    const header = new Uint8Array(RECORD_HEADER_OCTETS)
    writeU32be(header, 0, this.bodyOctets(type, payload.length))
    header[0] = recordTypes[type]
    const number = numberOctets(sendKey.recordIndex++)
    this.countRecord(payload.length)
    if (type !== 'data' && cipher.tagOctets === 0) return header
    const iv = this.ivOf(sendKey, number)
    const sealed = cipher.seal({ key: sendKey.key, iv, associated: header }, padToBlocks(payload, cipher.blockOctets))
    const body = cipher.ivSource === 'sequence' ? sealed : concatOctets([iv, sealed])
    sealedMemory.remember(this.name, sendKey.key, number, { associated: header, sealed: body, plain: payload })
    return concatOctets([header, body])
  }

  /** The IV of a record that is to be sealed, or of one that comes without. */
  private ivOf({ iv }: DirectionKey, number: Uint8Array): Uint8Array {
    const { ivSource, ivOctets } = this.cipher
    if (ivSource === 'none') return nothing()
    if (ivSource === 'random') return this.random.octets(ivOctets)
    const counted = ivSource === 'sequence' ? iv.slice() : new Uint8Array(ivOctets)
    const at = ivSource === 'sequence' ? ivOctets - number.length : 0
    number.forEach((octet, index) => (counted[at + index] = (counted[at + index] as number) ^ octet))
    return counted
  }

  /** False when more octets are needed. */
  private receiveRecord(): boolean {
    if (this.state === 'closed') {
      if (this.received.length > 0) throw new WireError(this.name, this.receivedOffset, 'octets after the close record')
      return false
    }
    if (this.received.length < RECORD_HEADER_OCTETS) return false
    const header = this.received.peek(RECORD_HEADER_OCTETS).slice()
    const { type, length } = this.decodeHeader(header)
    if (this.received.length < RECORD_HEADER_OCTETS + length) return false
    this.take(RECORD_HEADER_OCTETS)
    const bodyOffset = this.receivedOffset
    const payload = this.openBody(header, this.take(length), bodyOffset)
    this.countRecord(payload.length)
    this.acceptRecord(type, payload)
    return true
  }

  private decodeHeader(header: Uint8Array): { type: RecordType; length: number } {
    const { blockOctets, ivOctets, ivSource, tagOctets } = this.cipher
    const type = recordTypeNames[header[0] ?? 255]
    const length = readU32be(header, 0) & 0xff_ffff
    const sealedOctets = length - (ivSource === 'sequence' ? 0 : ivOctets) - tagOctets
    const isRight =
      type === 'data'
        ? sealedOctets >= 1 && sealedOctets % blockOctets === 0 && length <= this.bodyOctets('data', RECORD_OCTETS_MAX)
        : length === tagOctets
    if (type === undefined || !isRight)
      throw new WireError(this.name, this.receivedOffset, `record of type ${header[0]}, length ${length}`)
    return { type, length }
  }

  private openBody(header: Uint8Array, body: Uint8Array, bodyOffset: number): Uint8Array {
    const { receiveKey, cipher } = this
    assert(receiveKey !== null, `${this.name}: a record before the keys`)
    const { key, recordIndex } = receiveKey
    const number = numberOctets(receiveKey.recordIndex++)
    if (body.length === 0) return nothing()
    const known = sealedMemory.recall(this.name, key, number, header, body)
    if (known !== null) return known.slice()
    const ivOctets = cipher.ivSource === 'sequence' ? 0 : cipher.ivOctets
    const iv = ivOctets === 0 ? this.ivOf(receiveKey, number) : body.subarray(0, ivOctets)
    const padded = cipher.open({ key, iv, associated: header }, body.subarray(ivOctets))
    if (padded === null) throw new AuthenticationError(this.name, `record ${recordIndex}: the tag was refused`)
    const payload = unpadBlocks(padded, cipher.blockOctets)
    if (payload === null) throw new WireError(this.name, bodyOffset, `record ${recordIndex}: the padding is wrong`)
    return payload
  }

  private acceptRecord(type: RecordType, payload: Uint8Array): void {
    if ((type === 'finished') !== (this.state === 'finished'))
      throw new WireError(this.name, this.receivedOffset, `a ${type} record does not belong here (${this.state})`)
    if (type === 'data') {
      if (payload.length > 0) this.effects.payload.push(payload)
    } else if (type === 'finished') {
      if (this.role === 'server') this.sendFinished()
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

function needed<T>(credential: T | undefined, what: string): T {
  assert(credential !== undefined, `a record channel needs its ${what}`)
  return credential
}

function nothing(): Uint8Array {
  return new Uint8Array(0)
}

function numberOctets(number: number): Uint8Array {
  const octets = new Uint8Array(8)
  writeU64be(octets, 0, number)
  return octets
}
