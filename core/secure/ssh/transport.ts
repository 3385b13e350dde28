/**
 * The SSH 2 transport (RFC 4253) as a state machine without time: version exchange, key exchange, packets, rekeying.
 *
 * Sections: 4.2 version, 6 packets, 7 key exchange, 8 in its curve25519 form (RFC 8731), 9 re-exchange, 10 services are
 * the user's, 11 the small messages. With strict key exchange (OpenSSH's PROTOCOL section 1.10). Left out: compression,
 * other ciphers than the two of packet-cipher.ts, GSS, server-sig-algs (RFC 8308).
 */
import { assert, AuthenticationError, WireError } from '../../base/errors.js'
import { equalOctets, latin1Octets, latin1Text } from '../../base/octets.js'
import { ChannelEffects, type ChannelRole, type RandomOctets } from '../channel.js'
import { OctetQueue } from '../../base/octet-queue.js'
import {
  clearPacketOctets,
  clearPacketPayload,
  decodeEcdhReply,
  decodeEd25519Blob,
  decodeKexInit,
  encodeEcdhReply,
  encodeEd25519Blob,
  readerOf,
  SSH_VERSION_OCTETS_MAX,
  sshDisconnectReasons,
  sshMessage,
  sshMessageName,
  type SshMessageName,
} from '../wire/ssh-messages.js'
import {
  agreeOnSecret,
  chooseAlgorithms,
  derivePacketKeys,
  ed25519PublicKey,
  ephemeralPublicOf,
  exchangeHash,
  guessWasRight,
  offerKexInit,
  signEd25519,
  strictKexNames,
  verifyEd25519,
  type ChosenCiphers,
} from './key-exchange.js'
import {
  openPacket,
  openPacketLength,
  sealPacket,
  TAG_OCTETS,
  type PacketKeys,
  type SshCipher,
} from './packet-cipher.js'

/** Without CR LF. */
const OUR_VERSION = 'SSH-2.0-Midstream_0.1'
/** RFC 4253 section 9: change keys after a gigabyte. */
const REKEY_OCTETS = 2 ** 30
/** Answers that may wait for the end of a key exchange. */
const HELD_MESSAGES_MAX = 256
/** Lines a server may send before its version (section 4.2). */
const GREETING_LINES_MAX = 32

const NO_OCTETS = new Uint8Array(0)

export interface SshTransportOptions {
  readonly role: ChannelRole
  readonly random: RandomOctets
  /** Server: the ed25519 seed (32 octets) of its host key. */
  readonly hostKey?: Uint8Array
  /** Client: ed25519 public keys (32 octets each) of hosts it knows; 'any' is the mistake of not checking. */
  readonly trustedHostKeys?: readonly Uint8Array[] | 'any'
  /** Octets in one direction after which keys are changed; 2^30 if absent. */
  readonly rekeyOctets?: number
  /** Offered, best first; all there are if absent. */
  readonly ciphers?: readonly SshCipher[]
}

/** The layer above. */
export interface SshTransportUser {
  /** The first key exchange is done. */
  transportReady(): void
  /** A message of the layers above; `payload` begins with its number and is the user's. */
  receiveMessage(name: SshMessageName, payload: Uint8Array): void
  /** `SSH_MSG_DISCONNECT` came. Throws unless that was to be expected. */
  receiveDisconnect(reason: number, description: string): void
}

/** A key exchange under way. */
interface Exchange {
  readonly ourInit: Uint8Array
  readonly ephemeralSecret: Uint8Array
  readonly ephemeralPublic: Uint8Array
  peerInit: Uint8Array | null
  /** Known with the peer's KEXINIT. */
  ciphers: ChosenCiphers | null
  /** The peer guessed wrong: its next packet is to be dropped. */
  dropsGuess: boolean
  /** What the peer's packets will be sealed under after its NEWKEYS. */
  nextReceiveKeys: PacketKeys | null
}

interface HeldMessage {
  readonly name: SshMessageName
  readonly payload: Uint8Array
}

export class SshTransport {
  effects = new ChannelEffects()
  user: SshTransportUser | null = null
  /** The first exchange hash; empty before. */
  sessionId: Uint8Array = NO_OCTETS
  /** The host key the server proved (client side). */
  hostKey: Uint8Array | null = null
  /** Key exchanges finished. */
  exchangeCount = 0
  /** Octets received before the packet in hand: where errors point. */
  receivedOffset = 0

  private readonly received = new OctetQueue()
  private peerVersion: string | null = null
  private greetingLines = 0
  private exchange: Exchange | null = null
  private isStrict = false
  private sendKeys: PacketKeys | null = null
  private receiveKeys: PacketKeys | null = null
  private sendSequence = 0
  private receiveSequence = 0
  private sentOctets = 0
  private receivedOctets = 0
  /** packet_length of the packet whose rest is awaited. */
  private packetLength: number | null = null
  /** Messages of the layers above that must wait for the end of a key exchange (section 7.1). */
  private held: HeldMessage[] = []

  constructor(private readonly options: SshTransportOptions) {
    const has = options.role === 'server' ? options.hostKey : options.trustedHostKeys
    assert(has !== undefined, 'ssh: a server needs a host key, a client the host keys it trusts')
  }

  start(): void {
    this.effects.messages.push({ name: 'version', octets: latin1Octets(`${OUR_VERSION}\r\n`) })
    this.startExchange()
  }

  /** True while only messages of the key exchange may be sent. */
  get isExchanging(): boolean {
    return this.exchange !== null || this.exchangeCount === 0
  }

  /** Send the message `head` ‖ `body`; later, if keys are being exchanged. Bulk data goes under no name in the trace. */
  send(name: SshMessageName, head: Uint8Array, body: Uint8Array = NO_OCTETS): void {
    if (!this.isExchanging) this.sendPacket(name, head, body)
    else {
      assert(body.length === 0, 'ssh: data during a key exchange')
      if (this.held.length >= HELD_MESSAGES_MAX)
        throw new WireError('ssh', this.receivedOffset, 'the peer asks on and on and does not finish the key exchange')
      this.held.push({ name, payload: head })
    }
    if (Math.max(this.sentOctets, this.receivedOctets) >= (this.options.rekeyOctets ?? REKEY_OCTETS)) this.rekey()
  }

  /** Change keys now (section 9). */
  rekey(): void {
    if (!this.isExchanging) this.startExchange()
  }

  disconnect(description: string): void {
    const reason = sshDisconnectReasons.byApplication
    this.sendPacket(
      'SSH_MSG_DISCONNECT',
      sshMessage('SSH_MSG_DISCONNECT').u32(reason).string(description).string('').take(),
    )
  }

  receive(octets: Uint8Array): void {
    this.received.push(octets)
    if (this.peerVersion === null && !this.receiveVersion()) return
    for (let payload = this.nextPayload(); payload !== null; payload = this.nextPayload()) this.receivePayload(payload)
  }

  private sendPacket(name: SshMessageName, head: Uint8Array, body: Uint8Array = NO_OCTETS): void {
    const octets = sealPacket(this.sendKeys, this.sendSequence, head, body, this.options.random)
    this.sendSequence = (this.sendSequence + 1) >>> 0
    if (this.sendKeys !== null) this.countSealed(octets.length)
    this.sentOctets += octets.length
    const isBulk = name === 'SSH_MSG_CHANNEL_DATA' || name === 'SSH_MSG_CHANNEL_WINDOW_ADJUST'
    this.effects.messages.push({ name: isBulk ? null : name, octets })
  }

  private countSealed(octetCount: number): void {
    this.effects.work.records++
    this.effects.work.octets += octetCount
  }

  /** False when the line is not complete. A server may say other things first; a client may not. */
  private receiveVersion(): boolean {
    for (;;) {
      const start = this.received.peek(SSH_VERSION_OCTETS_MAX)
      const end = start.indexOf(0x0a)
      if (end < 0) {
        if (start.length === SSH_VERSION_OCTETS_MAX) throw new WireError('ssh', 0, 'no version line in 255 octets')
        return false
      }
      const line = latin1Text(this.received.take(end + 1)).replace(/\r?\n$/, '')
      this.receivedOffset += end + 1
      if (/^SSH-(2\.0|1\.99)-/.test(line)) {
        this.peerVersion = line
        return true
      }
      if (line.startsWith('SSH-') || this.options.role === 'server' || ++this.greetingLines > GREETING_LINES_MAX)
        throw new WireError('ssh', 0, `not a version of SSH 2: ${JSON.stringify(line.slice(0, 40))}`)
    }
  }

  /** The payload of the next packet, or null when it is not complete. */
  private nextPayload(): Uint8Array | null {
    const { received, receiveKeys } = this
    let packetOctets: number
    if (receiveKeys === null) {
      const whole = clearPacketOctets(received.peek(4))
      if (whole === null) return null
      packetOctets = whole
    } else {
      if (this.packetLength === null) {
        if (received.length < 4) return null
        this.packetLength = openPacketLength(receiveKeys, this.receiveSequence, received.peek(4))
      }
      packetOctets = 4 + this.packetLength + TAG_OCTETS
    }
    if (received.length < packetOctets) return null
    // A copy, so that it begins on a word boundary: the cipher works on words, in place.
    const packet = received.take(packetOctets).slice()
    const payload =
      receiveKeys === null ? clearPacketPayload(packet) : openPacket(receiveKeys, this.receiveSequence, packet)
    if (receiveKeys !== null) this.countSealed(packetOctets)
    this.packetLength = null
    this.receivedOffset += packetOctets
    this.receivedOctets += packetOctets
    return payload
  }

  private receivePayload(payload: Uint8Array): void {
    const number = payload[0] ?? 0
    const sequence = this.receiveSequence
    this.receiveSequence = (sequence + 1) >>> 0
    if (this.exchange?.dropsGuess === true && number >= 30 && number < 50) {
      this.exchange.dropsGuess = false
      return
    }
    const name = sshMessageName(number)
    if (this.exchangeCount === 0) this.checkFirstExchange(name ?? `message ${number}`, number)
    // Section 7.1: having sent KEXINIT, a side sends nothing of the layers above until its NEWKEYS.
    else if (this.exchange !== null && this.exchange.peerInit !== null && number >= 50)
      throw new WireError('ssh', this.receivedOffset, `${name ?? `message ${number}`} during a key exchange`)
    switch (name) {
      case 'SSH_MSG_DISCONNECT':
        return this.receiveDisconnect(payload)
      case 'SSH_MSG_IGNORE':
      case 'SSH_MSG_DEBUG':
      case 'SSH_MSG_UNIMPLEMENTED':
      case 'SSH_MSG_EXT_INFO':
        return
      case 'SSH_MSG_KEXINIT':
        return this.receiveKexInit(payload, sequence)
      case 'SSH_MSG_KEX_ECDH_INIT':
        return this.answerEcdhInit(payload)
      case 'SSH_MSG_KEX_ECDH_REPLY':
        return this.acceptEcdhReply(payload)
      case 'SSH_MSG_NEWKEYS':
        return this.receiveNewKeys()
      case undefined:
        return this.send('SSH_MSG_UNIMPLEMENTED', sshMessage('SSH_MSG_UNIMPLEMENTED').u32(sequence).take())
      default:
        assert(this.user !== null, 'ssh: a transport without a user')
        return this.user.receiveMessage(name, payload)
    }
  }

  /** Before the first keys nothing of the layers above belongs here, and under strict exchange nothing optional either. */
  private checkFirstExchange(name: string, number: number): void {
    const isOfExchange = number >= 20 && number < 50
    const isTolerated = number < 5 && (!this.isStrict || name === 'SSH_MSG_DISCONNECT')
    if (!isOfExchange && !isTolerated)
      throw new WireError('ssh', this.receivedOffset, `${name} before the first key exchange was done`)
  }

  private receiveDisconnect(payload: Uint8Array): void {
    const reader = readerOf('SSH_MSG_DISCONNECT', payload)
    const reason = reader.u32('reason code')
    const description = reader.remaining >= 4 ? reader.text('description').slice(0, 200) : ''
    const { hostKeyNotVerifiable, noMoreAuthMethods } = sshDisconnectReasons
    if (reason === hostKeyNotVerifiable || reason === noMoreAuthMethods)
      throw new AuthenticationError('ssh', `the peer disconnected: ${description}`)
    if (this.exchangeCount === 0 || this.user === null)
      throw new WireError('ssh', this.receivedOffset, `the peer disconnected: ${description} (reason ${reason})`)
    this.user.receiveDisconnect(reason, description)
  }

  private startExchange(): void {
    const { role, random, ciphers } = this.options
    const ourInit = offerKexInit(role, random.octets(16), ciphers)
    const ephemeralSecret = random.octets(32)
    this.effects.work.x25519Base++
    this.exchange = {
      ourInit,
      ephemeralSecret,
      ephemeralPublic: ephemeralPublicOf(ephemeralSecret),
      peerInit: null,
      ciphers: null,
      dropsGuess: false,
      nextReceiveKeys: null,
    }
    this.sendPacket('SSH_MSG_KEXINIT', ourInit)
  }

  private receiveKexInit(payload: Uint8Array, sequence: number): void {
    if (this.exchange === null) this.startExchange()
    const exchange = this.exchangeAt('KEXINIT', (candidate) => candidate.peerInit === null)
    const { role } = this.options
    const ours = decodeKexInit(exchange.ourInit)
    const theirs = decodeKexInit(payload)
    const [client, server] = role === 'client' ? [ours, theirs] : [theirs, ours]
    exchange.ciphers = chooseAlgorithms(client, server)
    exchange.peerInit = payload.slice()
    exchange.dropsGuess = theirs.firstKexPacketFollows && !guessWasRight(client, server)
    if (this.exchangeCount === 0) {
      this.isStrict = theirs.kexAlgorithms.includes(strictKexNames[role === 'client' ? 'server' : 'client'])
      if (this.isStrict && sequence !== 0)
        throw new WireError('ssh', this.receivedOffset, 'strict key exchange: KEXINIT was not the first packet')
    }
    if (role === 'client')
      this.sendPacket(
        'SSH_MSG_KEX_ECDH_INIT',
        sshMessage('SSH_MSG_KEX_ECDH_INIT').string(exchange.ephemeralPublic).take(),
      )
  }

  /** The exchange under way, if it is at the right step. */
  private exchangeAt(what: string, isRight: (exchange: Exchange) => boolean): Exchange {
    if (this.exchange === null || !isRight(this.exchange))
      throw new WireError('ssh', this.receivedOffset, `${what} does not belong at this step of the key exchange`)
    return this.exchange
  }

  private answerEcdhInit(payload: Uint8Array): void {
    const exchange = this.exchangeAt(
      'ECDH_INIT',
      ({ peerInit, nextReceiveKeys }) =>
        this.options.role === 'server' && peerInit !== null && nextReceiveKeys === null,
    )
    const clientEphemeral = readerOf('SSH_MSG_KEX_ECDH_INIT', payload).string('Q_C')
    const seed = this.options.hostKey as Uint8Array
    const hostKeyBlob = encodeEd25519Blob(ed25519PublicKey(seed))
    const { hash, shared } = this.hashExchange(exchange, clientEphemeral, hostKeyBlob)
    this.effects.work.ed25519Signed++
    const signatureBlob = encodeEd25519Blob(signEd25519(seed, hash))
    this.sendPacket(
      'SSH_MSG_KEX_ECDH_REPLY',
      encodeEcdhReply({ hostKeyBlob, ephemeralPublic: exchange.ephemeralPublic, signatureBlob }),
    )
    this.takeNewKeys(exchange, hash, shared)
  }

  private acceptEcdhReply(payload: Uint8Array): void {
    const exchange = this.exchangeAt(
      'ECDH_REPLY',
      ({ peerInit, nextReceiveKeys }) =>
        this.options.role === 'client' && peerInit !== null && nextReceiveKeys === null,
    )
    const reply = decodeEcdhReply(payload)
    const hostKey = decodeEd25519Blob(reply.hostKeyBlob, 32).slice()
    const trusted = this.options.trustedHostKeys
    if (trusted !== 'any' && !trusted?.some((key) => equalOctets(key, hostKey)))
      throw new AuthenticationError('ssh', 'the host key is not among the known hosts')
    const { hash, shared } = this.hashExchange(exchange, reply.ephemeralPublic, reply.hostKeyBlob)
    this.effects.work.ed25519Verified++
    if (!verifyEd25519(hostKey, hash, decodeEd25519Blob(reply.signatureBlob, 64)))
      throw new AuthenticationError('ssh', 'the host did not prove its key: wrong signature of the exchange')
    if (this.hostKey !== null && !equalOctets(this.hostKey, hostKey))
      throw new AuthenticationError('ssh', 'the host changed its key while rekeying')
    this.hostKey = hostKey
    this.takeNewKeys(exchange, hash, shared)
  }

  private hashExchange(
    exchange: Exchange,
    peerEphemeral: Uint8Array,
    hostKeyBlob: Uint8Array,
  ): { hash: Uint8Array; shared: Uint8Array } {
    const isClient = this.options.role === 'client'
    const peerVersion = this.peerVersion ?? ''
    const peerInit = exchange.peerInit ?? NO_OCTETS
    this.effects.work.x25519Shared++
    const shared = agreeOnSecret(exchange.ephemeralSecret, peerEphemeral)
    const { hash, hashedOctets } = exchangeHash({
      clientVersion: isClient ? OUR_VERSION : peerVersion,
      serverVersion: isClient ? peerVersion : OUR_VERSION,
      clientInit: isClient ? exchange.ourInit : peerInit,
      serverInit: isClient ? peerInit : exchange.ourInit,
      hostKeyBlob,
      clientEphemeral: isClient ? exchange.ephemeralPublic : peerEphemeral,
      serverEphemeral: isClient ? peerEphemeral : exchange.ephemeralPublic,
      shared,
    })
    this.effects.work.hashedOctets += hashedOctets
    return { hash, shared }
  }

  /** Send NEWKEYS and seal under the new keys from the next packet on; be ready for the peer to do the same. */
  private takeNewKeys(exchange: Exchange, hash: Uint8Array, shared: Uint8Array): void {
    const { role } = this.options
    if (this.sessionId.length === 0) this.sessionId = hash
    this.sendPacket('SSH_MSG_NEWKEYS', sshMessage('SSH_MSG_NEWKEYS').take())
    const { ciphers } = exchange
    assert(ciphers !== null, 'ssh: keys before the algorithms were chosen')
    const keysOf = (sender: ChannelRole): PacketKeys => {
      const cipher = sender === 'client' ? ciphers.toServer : ciphers.toClient
      return derivePacketKeys(cipher, shared, hash, this.sessionId, sender)
    }
    this.sendKeys = keysOf(role)
    exchange.nextReceiveKeys = keysOf(role === 'client' ? 'server' : 'client')
    this.sentOctets = 0
    if (this.isStrict) this.sendSequence = 0
  }

  private receiveNewKeys(): void {
    const { nextReceiveKeys } = this.exchangeAt('NEWKEYS', (candidate) => candidate.nextReceiveKeys !== null)
    this.receiveKeys = nextReceiveKeys
    this.receivedOctets = 0
    if (this.isStrict) this.receiveSequence = 0
    this.exchange = null
    this.exchangeCount++
    const { held } = this
    this.held = []
    for (const { name, payload } of held) this.sendPacket(name, payload)
    if (this.exchangeCount === 1) this.user?.transportReady()
  }
}
