/**
 * What both ends of TLS 1.3 share (RFC 8446): records in and out (section 5), alerts (6), KeyUpdate (4.6.3), the close.
 *
 * Left out: resumption and tickets, early data, authentication after the handshake, certificates of other keys than
 * ed25519, groups other than x25519, record padding of our own (the peer's is taken off).
 */
import { x25519 } from '@noble/curves/ed25519.js'
import { assert, AuthenticationError, WireError } from '../../base/errors.js'
import { concatOctets, equalOctets, hexOf, latin1Octets, readU16be, writeU16be } from '../../base/octets.js'
import { OctetQueue } from '../../base/octet-queue.js'
import { ChannelEffects, type ChannelProtocol, type RandomOctets } from '../channel.js'
import { signEd25519, verifyEd25519 } from '../ssh/key-exchange.js'
import {
  alertName,
  alertNumbers,
  contentTypes,
  ED25519_SCHEME,
  encodeCertificate,
  encodeCertificateVerify,
  encodeHandshake,
  handshakeName,
  parseCertificate,
  parseCertificateVerify,
  RECORD_CONTENT_OCTETS_MAX,
  RECORD_HEADER_OCTETS,
  SEALED_EXPANSION_OCTETS_MAX,
  type HandshakeName,
  type TlsAlertName,
} from '../wire/tls-handshake.js'
import { checkPath, type TlsTrust } from './certificate-path.js'
import type { KeySchedule } from './key-schedule.js'
import { Transcript, type CipherSuiteName } from './key-schedule.js'
import { openRecord, sealRecord, trafficKeys, updatedKeys, type TrafficKeys } from './record-protection.js'
import { decodeCertificate, type Certificate } from './x509.js'

/** What an end proves itself with. */
export interface TlsIdentity {
  /** DER, its own certificate first, each next one certifying the one before. */
  readonly chain: readonly Uint8Array[]
  /** Seed of the ed25519 key in the first certificate, 32 octets. */
  readonly secretKey: Uint8Array
}

/** A pre-shared key from outside (section 4.2.11), for suites with SHA-256. */
export interface TlsPsk {
  readonly identity: Uint8Array
  readonly key: Uint8Array
}

export interface TlsOptions {
  readonly random: RandomOctets
  /** Best first; all if absent. */
  readonly cipherSuites?: readonly CipherSuiteName[]
  /** Records sealed under one key, after which our end changes it; 2^24 if absent (section 5.5). */
  readonly keyUpdateRecords?: number
}

export type TlsPeer = 'server' | 'client'

const KEY_UPDATE_RECORDS = 2 ** 24
const HANDSHAKE_OCTETS_MAX = 65_536
const LEGACY_VERSION = 0x0303

/** Alerts that say that somebody is not who they should be. */
const AUTHENTICATION_ALERTS: ReadonlySet<string> = new Set<TlsAlertName>([
  'bad_record_mac',
  'bad_certificate',
  'unsupported_certificate',
  'certificate_revoked',
  'certificate_expired',
  'certificate_unknown',
  'unknown_ca',
  'access_denied',
  'decrypt_error',
  'unknown_psk_identity',
  'certificate_required',
])

export abstract class TlsConnection implements ChannelProtocol {
  readonly name = 'tls'
  readonly unreadOctetsMax = 262_144
  effects = new ChannelEffects()
  /** Who the peer is said to be, once it has proven to hold the key; null before, and under a pre-shared key. */
  peerCertificate: Certificate | null = null
  /** What was chosen; null before. */
  cipherSuite: CipherSuiteName | null = null
  /** Was a pre-shared key accepted? */
  usesPsk = false
  /** KeyUpdates received and sent. */
  keyUpdates = { received: 0, sent: 0 }
  /** Secrets by NSS's names, one a line: with them Wireshark opens a capture. */
  readonly keyLog: string[] = []

  protected readonly transcript = new Transcript()
  protected schedule: KeySchedule | null = null
  protected sendKeys: TrafficKeys | null = null
  protected isOpen = false
  /** Of the ClientHello; names the connection in the key log. */
  protected clientRandom: Uint8Array = new Uint8Array(0)
  /** The peer's certificate while its CertificateVerify is awaited. */
  protected presented: Certificate | null = null

  private receiveKeys: TrafficKeys | null = null
  private readonly received = new OctetQueue()
  private receivedOffset = 0
  /** Handshake octets of which no whole message has been made yet. */
  private readonly messages = new OctetQueue()
  private hasRefused = false
  private isClosedByPeer = false
  private hasClosed = false
  private owesKeyUpdate = false

  constructor(
    /** What the peer is. */
    protected readonly peer: TlsPeer,
    protected readonly options: TlsOptions,
  ) {}

  abstract start(): void
  /** A message of the handshake; `message` is whole. */
  protected abstract receiveHandshake(name: HandshakeName, message: Uint8Array): void

  receive(octets: Uint8Array): void {
    this.received.push(octets)
    try {
      while (this.receiveRecord());
    } catch (error) {
      if (error instanceof WireError && !this.hasRefused) this.sendAlert('decode_error')
      throw error
    }
  }

  receiveEnd(): void {
    if (!this.isClosedByPeer)
      throw new WireError('tls', this.receivedOffset, 'the stream was cut: no close_notify alert came')
  }

  sendableOctets(): number {
    return this.isOpen && !this.hasClosed ? RECORD_CONTENT_OCTETS_MAX : 0
  }

  send(payload: Uint8Array): void {
    const { sendKeys } = this
    const recordsMax = this.options.keyUpdateRecords ?? KEY_UPDATE_RECORDS
    if (this.owesKeyUpdate || (sendKeys !== null && sendKeys.sequence >= recordsMax)) this.updateKeys(false)
    this.sendRecord(null, contentTypes.application_data, payload)
  }

  end(): void {
    this.hasClosed = true
    this.sendAlert('close_notify')
    this.effects.finished = true
  }

  consumed(): void {
    // The lower stream's own window is the only flow control.
  }

  /** Change the key of our direction; with `asks`, the peer's as well. */
  updateKeys(asks: boolean): void {
    assert(this.isOpen && this.sendKeys !== null, 'tls: KeyUpdate before the handshake is done')
    this.sendMessage('KeyUpdate', encodeHandshake('KeyUpdate', Uint8Array.of(asks ? 1 : 0)))
    this.sendKeys = updatedKeys(this.sendKeys)
    this.owesKeyUpdate = false
    this.keyUpdates.sent++
  }

  /** Tell the peer why, and fail. */
  protected refuse(alert: TlsAlertName, reason: string): never {
    this.sendAlert(alert)
    throw this.errorOf(alert, reason)
  }

  protected sendHandshake(name: string, message: Uint8Array): void {
    this.addToTranscript(message)
    this.sendMessage(name, message)
  }

  protected addToTranscript(message: Uint8Array): void {
    this.transcript.add(message)
    this.effects.work.hashedOctets += message.length
  }

  /** For middleboxes that know only TLS 1.2 (appendix D.4). */
  protected sendChangeCipherSpec(): void {
    const octets = clearRecord(contentTypes.change_cipher_spec, Uint8Array.of(1))
    this.effects.messages.push({ name: 'ChangeCipherSpec', octets })
  }

  /** Key pair for one handshake: [secret, public]. */
  protected makeKeyPair(): [Uint8Array, Uint8Array] {
    const secret = this.options.random.octets(32)
    this.effects.work.x25519Base++
    return [secret, x25519.getPublicKey(secret)]
  }

  protected agree(secret: Uint8Array, peerPublic: Uint8Array): Uint8Array {
    this.effects.work.x25519Shared++
    if (peerPublic.length !== 32) this.refuse('illegal_parameter', `x25519 key of ${peerPublic.length} octets`)
    try {
      return x25519.getSharedSecret(secret, peerPublic)
    } catch {
      // Section 7.4.2: the result would be zero whatever our secret is.
      return this.refuse('illegal_parameter', 'the peer sent an x25519 key of small order')
    }
  }

  /** The two directions' keys at the stage the schedule has reached. */
  protected deriveKeys(stage: 'handshake' | 'application'): { client: TrafficKeys; server: TrafficKeys } {
    const { schedule, cipherSuite } = this
    assert(schedule !== null && cipherSuite !== null, 'tls: keys before the hellos')
    const hash = this.transcript.hash(schedule.hash)
    const derive = (end: TlsPeer): TrafficKeys => {
      const secret = schedule.derive(`${end[0] ?? ''} ${stage === 'handshake' ? 'hs' : 'ap'} traffic`, hash)
      const label = `${end.toUpperCase()}_${stage === 'handshake' ? 'HANDSHAKE_TRAFFIC_SECRET' : 'TRAFFIC_SECRET_0'}`
      this.keyLog.push(`${label} ${hexOf(this.clientRandom)} ${hexOf(secret)}`)
      return trafficKeys(cipherSuite, secret)
    }
    const keys = { client: derive('client'), server: derive('server') }
    this.countHashing()
    return keys
  }

  /** A message must not reach over a change of keys (section 5.1). */
  protected setReceiveKeys(keys: TrafficKeys): void {
    if (this.messages.length > 0) this.refuse('unexpected_message', 'handshake octets after a change of keys')
    this.receiveKeys = keys
  }

  protected sendCertificate(context: Uint8Array, identity: TlsIdentity | undefined): void {
    this.sendHandshake('Certificate', encodeCertificate(context, identity?.chain ?? []))
    if (identity === undefined) return
    this.effects.work.ed25519Signed++
    const signer = this.peer === 'server' ? 'client' : 'server'
    const signature = signEd25519(identity.secretKey, this.signedContent(signer))
    this.sendHandshake('CertificateVerify', encodeCertificateVerify(signature))
  }

  /** False when the peer has sent none. */
  protected acceptCertificate(message: Uint8Array, trust: TlsTrust | 'any', name: string | null): boolean {
    const { context, chain } = parseCertificate(message.subarray(4))
    if (context.length > 0) this.refuse('illegal_parameter', 'a certificate for a request that was not made')
    this.addToTranscript(message)
    if (chain.length === 0) {
      if (this.peer === 'server') this.refuse('decode_error', 'the server sent no certificate')
      return false
    }
    const certificates = this.decodeChain(chain)
    if (trust !== 'any') {
      const { refusal, signaturesChecked } = checkPath(certificates, { trust, role: this.peer, name })
      this.effects.work.ed25519Verified += signaturesChecked
      if (refusal !== null) this.refuse(refusal.alert, refusal.reason)
    }
    this.presented = certificates[0] ?? null
    return true
  }

  protected acceptCertificateVerify(message: Uint8Array): void {
    const { scheme, signature } = parseCertificateVerify(message.subarray(4))
    const key = this.presented?.publicKey ?? null
    if (scheme !== ED25519_SCHEME)
      this.refuse('illegal_parameter', `signature scheme 0x${scheme.toString(16)} was not offered`)
    if (key === null) this.refuse('unsupported_certificate', `the ${this.peer}'s certificate has no ed25519 key`)
    this.effects.work.ed25519Verified++
    if (!verifyEd25519(key, this.signedContent(this.peer), signature))
      this.refuse('decrypt_error', `the ${this.peer} did not prove to hold the key of its certificate`)
    this.peerCertificate = this.presented
    this.addToTranscript(message)
  }

  protected sendFinished(): void {
    this.sendHandshake('Finished', encodeHandshake('Finished', this.finishedBy(this.sendKeys)))
    this.countHashing()
  }

  protected acceptFinished(message: Uint8Array): void {
    if (!equalOctets(message.subarray(4), this.finishedBy(this.receiveKeys)))
      this.refuse('decrypt_error', `the ${this.peer}'s Finished does not fit the handshake as it was seen here`)
    this.countHashing()
    this.addToTranscript(message)
  }

  protected open(): void {
    this.isOpen = true
    this.effects.opened = true
  }

  private decodeChain(chain: readonly Uint8Array[]): Certificate[] {
    try {
      return chain.map(decodeCertificate)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      return this.refuse('bad_certificate', `the ${this.peer}'s certificate does not decode: ${error.message}`)
    }
  }

  /** What a CertificateVerify signs (section 4.4.3). */
  private signedContent(signer: TlsPeer): Uint8Array {
    assert(this.schedule !== null, 'tls: a signature before the hellos')
    const context = `${' '.repeat(64)}TLS 1.3, ${signer} CertificateVerify\0`
    return concatOctets([latin1Octets(context), this.transcript.hash(this.schedule.hash)])
  }

  private finishedBy(keys: TrafficKeys | null): Uint8Array {
    const { schedule } = this
    assert(schedule !== null && keys !== null, 'tls: Finished before the keys')
    return schedule.finished(keys.secret, this.transcript.hash(schedule.hash))
  }

  protected countHashing(): void {
    this.effects.work.hashedOctets += this.schedule?.takeHashedOctets() ?? 0
  }

  private sendMessage(name: string, message: Uint8Array): void {
    for (let at = 0; at < message.length; at += RECORD_CONTENT_OCTETS_MAX) {
      const end = Math.min(message.length, at + RECORD_CONTENT_OCTETS_MAX)
      this.sendRecord(end === message.length ? name : null, contentTypes.handshake, message.subarray(at, end))
    }
  }

  private sendAlert(alert: TlsAlertName): void {
    const isClosing = alert === 'close_notify'
    this.hasRefused ||= !isClosing
    const content = Uint8Array.of(isClosing ? 1 : 2, alertNumbers[alert])
    this.sendRecord(`Alert ${alert}`, contentTypes.alert, content)
  }

  private sendRecord(name: string | null, contentType: number, content: Uint8Array): void {
    const { sendKeys } = this
    const octets = sendKeys === null ? clearRecord(contentType, content) : sealRecord(sendKeys, contentType, content)
    if (sendKeys !== null) this.countRecord(octets.length)
    this.effects.messages.push({ name, octets })
  }

  private countRecord(octetCount: number): void {
    this.effects.work.records++
    this.effects.work.octets += octetCount
  }

  /** False when more octets are needed. */
  private receiveRecord(): boolean {
    const { received, receiveKeys } = this
    // Section 6.1: what comes after a close_notify is ignored.
    if (this.isClosedByPeer) received.clear()
    if (received.length < RECORD_HEADER_OCTETS) return false
    const [type = 0, major = 0] = received.peek(RECORD_HEADER_OCTETS)
    const length = readU16be(received.peek(RECORD_HEADER_OCTETS), 3)
    if (major !== 3 || type < contentTypes.change_cipher_spec || type > contentTypes.application_data)
      this.refuse('unexpected_message', `no TLS record: type ${type}, version ${major}`)
    const isSealed = receiveKeys !== null && type === contentTypes.application_data
    if (length > RECORD_CONTENT_OCTETS_MAX + (isSealed ? SEALED_EXPANSION_OCTETS_MAX : 0))
      this.refuse('record_overflow', `record of ${length} octets`)
    if (received.length < RECORD_HEADER_OCTETS + length) return false
    const record = received.take(RECORD_HEADER_OCTETS + length)
    this.receivedOffset += record.length
    if (isSealed) this.receiveSealed(receiveKeys, record)
    else this.receiveClear(type, record.subarray(RECORD_HEADER_OCTETS))
    return true
  }

  private receiveSealed(keys: TrafficKeys, record: Uint8Array): void {
    this.countRecord(record.length)
    const { sequence } = keys
    const opened = openRecord(keys, record)
    if (opened === null) this.refuse('bad_record_mac', `record ${sequence}: the tag was refused`)
    if (opened.content.length > RECORD_CONTENT_OCTETS_MAX) this.refuse('record_overflow', 'content beyond 2^14 octets')
    this.receiveContent(opened.contentType, opened.content)
  }

  private receiveClear(type: number, content: Uint8Array): void {
    if (type === contentTypes.change_cipher_spec && !this.isOpen && this.clientRandom.length > 0) {
      if (content.length === 1 && content[0] === 1) return
      this.refuse('unexpected_message', 'a ChangeCipherSpec that is none')
    }
    // A peer that could not make its keys can only say so in clear.
    const isAllowed = this.receiveKeys === null || (type === contentTypes.alert && !this.isOpen)
    if (!isAllowed || type === contentTypes.change_cipher_spec || type === contentTypes.application_data)
      this.refuse('unexpected_message', `a record of type ${type} in clear does not belong here`)
    this.receiveContent(type, content)
  }

  private receiveContent(type: number, content: Uint8Array): void {
    if (this.messages.length > 0 && type !== contentTypes.handshake)
      this.refuse('unexpected_message', 'another record inside a handshake message')
    if (type === contentTypes.application_data && this.isOpen) {
      if (content.length > 0) this.effects.payload.push(content)
    } else if (type === contentTypes.alert) this.receiveAlert(content)
    else if (type === contentTypes.handshake && content.length > 0) {
      this.messages.push(content)
      this.receiveMessages()
    } else this.refuse('unexpected_message', `content of type ${type} (${content.length} octets) does not belong here`)
  }

  private receiveAlert(content: Uint8Array): void {
    if (content.length !== 2) this.refuse('decode_error', `an alert of ${content.length} octets`)
    const name = alertName(content[1] ?? 0)
    if (name === 'user_canceled') return
    if (name === 'close_notify' && this.isOpen) {
      this.isClosedByPeer = true
      this.effects.peerEnded = true
      return
    }
    // Section 6.2: nothing is said in answer.
    this.hasRefused = true
    throw this.errorOf(name, `the ${this.peer} sent the alert ${name}`)
  }

  private receiveMessages(): void {
    while (this.messages.length >= 4) {
      const head = this.messages.peek(4)
      const [type = 0, high = 0] = head
      const length = (high << 16) | readU16be(head, 2)
      if (length > HANDSHAKE_OCTETS_MAX) this.refuse('decode_error', `handshake message of ${length} octets`)
      if (this.messages.length < 4 + length) return
      const message = this.messages.take(4 + length).slice()
      const name = handshakeName(type)
      if (name === undefined) this.refuse('unexpected_message', `handshake message of type ${type}`)
      if (this.isOpen) this.receiveLater(name, message)
      else this.receiveHandshake(name, message)
    }
  }

  /** What may come after the handshake. */
  private receiveLater(name: HandshakeName, message: Uint8Array): void {
    if (name === 'NewSessionTicket' && this.peer === 'server') return
    const asks = message[4]
    if (name !== 'KeyUpdate') this.refuse('unexpected_message', `${name} after the handshake`)
    if (message.length !== 5 || asks === undefined || asks > 1)
      this.refuse('illegal_parameter', 'a KeyUpdate of no kind')
    assert(this.receiveKeys !== null, 'tls: KeyUpdate before the keys')
    this.setReceiveKeys(updatedKeys(this.receiveKeys))
    this.keyUpdates.received++
    // Answered before the next payload, once however often it is asked (section 4.6.3).
    this.owesKeyUpdate ||= asks === 1
  }

  private errorOf(alert: string, reason: string): Error {
    return AUTHENTICATION_ALERTS.has(alert)
      ? new AuthenticationError('tls', reason)
      : new WireError('tls', this.receivedOffset, reason)
  }
}

function clearRecord(contentType: number, content: Uint8Array): Uint8Array {
  const record = new Uint8Array(RECORD_HEADER_OCTETS + content.length)
  record[0] = contentType
  writeU16be(record, 1, LEGACY_VERSION)
  writeU16be(record, 3, content.length)
  record.set(content, RECORD_HEADER_OCTETS)
  return record
}
