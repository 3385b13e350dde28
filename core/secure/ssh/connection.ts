/**
 * SSH 2 carrying one forwarded connection: the transport, the login, and one `direct-tcpip` channel (RFC 4254 sections 5
 * and 7.2) with its windows, end and close. What a client asks of a server with `ssh -W host:port`.
 *
 * Left out: sessions, forwarding back, more than one channel. Requests for them get the standard's refusal.
 */
import { assert, AuthenticationError, WireError } from '../../base/errors.js'
import type { ChannelEffects, ChannelProtocol, ChannelRole, RandomOctets } from '../channel.js'
import { readerOf, sshDisconnectReasons, sshMessage, type SshMessageName } from '../wire/ssh-messages.js'
import type { SshCipher } from './packet-cipher.js'
import { SshTransport, type SshTransportUser } from './transport.js'
import { SshClientAuthentication, SshServerAuthentication } from './user-auth.js'

/** Where a forwarded connection leads. */
export interface SshTarget {
  readonly host: string
  readonly port: number
}

export interface SshClientCredentials {
  /** ed25519 seed of the user's key, 32 octets. */
  readonly identity: Uint8Array
  readonly user: string
  /** ed25519 public keys of known hosts, 32 octets each; 'any' does not check. */
  readonly trustedHostKeys: readonly Uint8Array[] | 'any'
  readonly target: SshTarget
}

export interface SshServerCredentials {
  /** ed25519 seed of the host key, 32 octets. */
  readonly hostKey: Uint8Array
  /** ed25519 public keys of users, 32 octets each; 'any' lets everybody in. */
  readonly authorizedKeys: readonly Uint8Array[] | 'any'
  /** The only target that is forwarded to. */
  readonly acceptTarget: SshTarget | 'any'
}

export interface SshConnectionOptions {
  readonly random: RandomOctets
  /** See `SshTransportOptions`. */
  readonly rekeyOctets?: number
  readonly ciphers?: readonly SshCipher[]
}

/** OpenSSH's sizes for forwarded connections: window 64 packets of 32 KiB. */
const PACKET_OCTETS_MAX = 32_768
const WINDOW_OCTETS = 64 * PACKET_OCTETS_MAX

/** RFC 4254 section 5.1. */
const openFailureReasons = { prohibited: 1, connectFailed: 2, unknownType: 3, resourceShortage: 4 } as const

/** Numbers of the one channel on both sides, and its windows. */
interface ForwardedChannel {
  readonly peerNumber: number
  readonly peerPacketOctetsMax: number
  /** Octets we may send, octets the peer may send. */
  sendWindow: number
  receiveWindow: number
  /** Received and not yet given back to the peer's window. */
  owedOctets: number
  sentEof: boolean
  sentClose: boolean
  receivedEof: boolean
  receivedClose: boolean
}

const OUR_NUMBER = 0

export class SshConnection implements ChannelProtocol, SshTransportUser {
  readonly name = 'ssh'
  readonly unreadOctetsMax = WINDOW_OCTETS + PACKET_OCTETS_MAX
  readonly transport: SshTransport
  private readonly authentication: SshClientAuthentication | SshServerAuthentication
  private isAuthenticated = false
  private channel: ForwardedChannel | null = null
  private isOver = false

  private constructor(
    private readonly role: ChannelRole,
    private readonly target: SshTarget | 'any',
    transport: SshTransport,
    authentication: SshClientAuthentication | SshServerAuthentication,
  ) {
    this.transport = transport
    this.authentication = authentication
    transport.user = this
  }

  static client(credentials: SshClientCredentials, options: SshConnectionOptions): SshConnection {
    const { trustedHostKeys, target, user, identity } = credentials
    const transport = new SshTransport({ ...options, role: 'client', trustedHostKeys })
    return new SshConnection('client', target, transport, new SshClientAuthentication(transport, user, identity))
  }

  static server(credentials: SshServerCredentials, options: SshConnectionOptions): SshConnection {
    const { hostKey, authorizedKeys, acceptTarget } = credentials
    const transport = new SshTransport({ ...options, role: 'server', hostKey })
    return new SshConnection('server', acceptTarget, transport, new SshServerAuthentication(transport, authorizedKeys))
  }

  /** What a client asks for. */
  private get wanted(): SshTarget {
    assert(this.target !== 'any', 'ssh: a client asks for one target')
    return this.target
  }

  get effects(): ChannelEffects {
    return this.transport.effects
  }
  set effects(effects: ChannelEffects) {
    this.transport.effects = effects
  }

  start(): void {
    this.transport.start()
  }

  receive(octets: Uint8Array): void {
    this.transport.receive(octets)
  }

  receiveEnd(): void {
    // OpenSSH's `ssh -W` leaves after both ends of data, without a close: nothing was lost then.
    if (!this.isOver && !(this.channel?.receivedEof === true && this.channel.sentEof))
      throw new WireError('ssh', this.offset, 'the stream was cut: the end of data did not come')
    this.finish()
  }

  sendableOctets(): number {
    const { channel, transport } = this
    if (channel === null || channel.sentEof || transport.isExchanging) return 0
    return Math.min(channel.sendWindow, channel.peerPacketOctetsMax, PACKET_OCTETS_MAX)
  }

  send(payload: Uint8Array): void {
    const channel = this.openChannel('data')
    channel.sendWindow -= payload.length
    this.effects.work.loopbackOctets += payload.length
    const head = sshMessage('SSH_MSG_CHANNEL_DATA').u32(channel.peerNumber).u32(payload.length).take()
    this.transport.send('SSH_MSG_CHANNEL_DATA', head, payload)
  }

  end(): void {
    const channel = this.openChannel('end')
    channel.sentEof = true
    this.transport.send('SSH_MSG_CHANNEL_EOF', sshMessage('SSH_MSG_CHANNEL_EOF').u32(channel.peerNumber).take())
    this.closeIfEnded(channel)
  }

  consumed(octetCount: number): void {
    const { channel } = this
    if (channel === null || channel.receivedEof) return
    channel.owedOctets += octetCount
    // As OpenSSH: give back in pieces of three packets, or when half the window is gone.
    if (channel.owedOctets <= 3 * PACKET_OCTETS_MAX && channel.receiveWindow >= WINDOW_OCTETS / 2) return
    const message = sshMessage('SSH_MSG_CHANNEL_WINDOW_ADJUST').u32(channel.peerNumber).u32(channel.owedOctets)
    channel.receiveWindow += channel.owedOctets
    channel.owedOctets = 0
    this.transport.send('SSH_MSG_CHANNEL_WINDOW_ADJUST', message.take())
  }

  transportReady(): void {
    this.authentication.start()
  }

  receiveDisconnect(reason: number, description: string): void {
    if (reason !== sshDisconnectReasons.byApplication || this.channel?.receivedEof !== true)
      throw new WireError('ssh', this.offset, `the peer disconnected: ${description} (reason ${reason})`)
    this.finish()
  }

  receiveMessage(name: SshMessageName, payload: Uint8Array): void {
    if (!this.isAuthenticated) {
      this.isAuthenticated = this.authentication.receiveMessage(name, payload)
      if (this.isAuthenticated && this.role === 'client') this.requestChannel()
      return
    }
    switch (name) {
      case 'SSH_MSG_GLOBAL_REQUEST': {
        const reader = readerOf(name, payload)
        reader.string('request name')
        if (reader.boolean('want reply'))
          this.transport.send('SSH_MSG_REQUEST_FAILURE', sshMessage('SSH_MSG_REQUEST_FAILURE').take())
        return
      }
      case 'SSH_MSG_CHANNEL_OPEN':
        return this.answerOpen(payload)
      case 'SSH_MSG_CHANNEL_OPEN_CONFIRMATION':
        return this.acceptConfirmation(payload)
      case 'SSH_MSG_CHANNEL_OPEN_FAILURE': {
        const reader = readerOf(name, payload)
        reader.u32('recipient channel')
        reader.u32('reason code')
        const why = reader.text('description').slice(0, 200)
        throw new AuthenticationError('ssh', `the server refused to forward to ${this.wanted.host}: ${why}`)
      }
      case 'SSH_MSG_CHANNEL_WINDOW_ADJUST':
      case 'SSH_MSG_CHANNEL_DATA':
      case 'SSH_MSG_CHANNEL_EXTENDED_DATA':
      case 'SSH_MSG_CHANNEL_EOF':
      case 'SSH_MSG_CHANNEL_CLOSE':
      case 'SSH_MSG_CHANNEL_REQUEST':
        return this.receiveChannelMessage(name, payload)
      case 'SSH_MSG_USERAUTH_REQUEST':
        // RFC 4252 section 5.1: after success further requests are ignored.
        return
      default:
        throw new WireError('ssh', this.offset, `${name} does not belong here`)
    }
  }

  private get offset(): number {
    return this.transport.receivedOffset
  }

  private openChannel(what: string): ForwardedChannel {
    if (this.channel === null) throw new WireError('ssh', this.offset, `${what} for a channel that is not open`)
    return this.channel
  }

  private requestChannel(): void {
    const { host, port } = this.wanted
    const message = sshMessage('SSH_MSG_CHANNEL_OPEN')
      .string('direct-tcpip')
      .u32(OUR_NUMBER)
      .u32(WINDOW_OCTETS)
      .u32(PACKET_OCTETS_MAX)
    this.transport.send('SSH_MSG_CHANNEL_OPEN', message.string(host).u32(port).string('127.0.0.1').u32(0).take())
  }

  private answerOpen(payload: Uint8Array): void {
    const reader = readerOf('SSH_MSG_CHANNEL_OPEN', payload)
    const type = reader.text('channel type')
    const peerNumber = reader.u32('sender channel')
    const sendWindow = reader.u32('initial window size')
    const peerPacketOctetsMax = reader.u32('maximum packet size')
    const refuse = (reason: number, why: string): void => {
      const message = sshMessage('SSH_MSG_CHANNEL_OPEN_FAILURE').u32(peerNumber).u32(reason).string(why).string('')
      this.transport.send('SSH_MSG_CHANNEL_OPEN_FAILURE', message.take())
    }
    if (type !== 'direct-tcpip' || this.role === 'client')
      return refuse(openFailureReasons.unknownType, `no channels of type ${type.slice(0, 40)} here`)
    const host = reader.text('host to connect')
    const port = reader.u32('port to connect')
    const { target } = this
    if (target !== 'any' && (host !== target.host || port !== target.port))
      return refuse(openFailureReasons.prohibited, 'that target is not forwarded to')
    if (this.channel !== null) return refuse(openFailureReasons.resourceShortage, 'one channel is all there is')
    this.makeChannel(peerNumber, sendWindow, peerPacketOctetsMax)
    const message = sshMessage('SSH_MSG_CHANNEL_OPEN_CONFIRMATION')
      .u32(peerNumber)
      .u32(OUR_NUMBER)
      .u32(WINDOW_OCTETS)
      .u32(PACKET_OCTETS_MAX)
    this.transport.send('SSH_MSG_CHANNEL_OPEN_CONFIRMATION', message.take())
  }

  private acceptConfirmation(payload: Uint8Array): void {
    const reader = readerOf('SSH_MSG_CHANNEL_OPEN_CONFIRMATION', payload)
    if (this.channel !== null || this.role === 'server' || reader.u32('recipient channel') !== OUR_NUMBER)
      throw new WireError('ssh', this.offset, 'a channel was confirmed that nobody asked for')
    const peerNumber = reader.u32('sender channel')
    const sendWindow = reader.u32('initial window size')
    this.makeChannel(peerNumber, sendWindow, reader.u32('maximum packet size'))
  }

  private makeChannel(peerNumber: number, sendWindow: number, peerPacketOctetsMax: number): void {
    this.channel = {
      peerNumber,
      peerPacketOctetsMax,
      sendWindow,
      receiveWindow: WINDOW_OCTETS,
      owedOctets: 0,
      sentEof: false,
      sentClose: false,
      receivedEof: false,
      receivedClose: false,
    }
    this.effects.opened = true
  }

  private receiveChannelMessage(name: SshMessageName, payload: Uint8Array): void {
    const channel = this.openChannel(name)
    const reader = readerOf(name, payload)
    const number = reader.u32('recipient channel')
    if (number !== OUR_NUMBER || channel.receivedClose)
      throw new WireError('ssh', this.offset, `${name} for channel ${number}, which is not open`)
    switch (name) {
      case 'SSH_MSG_CHANNEL_WINDOW_ADJUST':
        channel.sendWindow += reader.u32('octets to add')
        if (channel.sendWindow > 0xffff_ffff) throw new WireError('ssh', this.offset, 'the window exceeds 2^32 - 1')
        return
      case 'SSH_MSG_CHANNEL_DATA':
        return this.acceptData(channel, reader.string('data'))
      case 'SSH_MSG_CHANNEL_EXTENDED_DATA': {
        reader.u32('data type code')
        const { length } = reader.string('data')
        this.countData(channel, length)
        // Nobody will read it: its room goes back to the window.
        this.consumed(length)
        return
      }
      case 'SSH_MSG_CHANNEL_EOF':
        return this.acceptEof(channel)
      case 'SSH_MSG_CHANNEL_CLOSE':
        return this.acceptClose(channel)
      default: {
        reader.string('request type')
        if (reader.boolean('want reply'))
          this.transport.send(
            'SSH_MSG_CHANNEL_FAILURE',
            sshMessage('SSH_MSG_CHANNEL_FAILURE').u32(channel.peerNumber).take(),
          )
      }
    }
  }

  private countData(channel: ForwardedChannel, octetCount: number): void {
    if (channel.receivedEof) throw new WireError('ssh', this.offset, 'data after the end of data')
    if (octetCount > channel.receiveWindow || octetCount > PACKET_OCTETS_MAX)
      throw new WireError('ssh', this.offset, `${octetCount} octets where the window has ${channel.receiveWindow}`)
    channel.receiveWindow -= octetCount
  }

  private acceptData(channel: ForwardedChannel, data: Uint8Array): void {
    this.countData(channel, data.length)
    this.effects.work.loopbackOctets += data.length
    if (data.length > 0) this.effects.payload.push(data)
  }

  private acceptEof(channel: ForwardedChannel): void {
    if (channel.receivedEof) return
    channel.receivedEof = true
    this.effects.peerEnded = true
    this.closeIfEnded(channel)
  }

  private acceptClose(channel: ForwardedChannel): void {
    channel.receivedClose = true
    if (!channel.sentEof) throw new WireError('ssh', this.offset, 'the peer closed the channel while we were sending')
    this.acceptEof(channel)
    this.closeIfEnded(channel)
    // The client, having nothing else to do, leaves; the server waits for that.
    if (this.role === 'client') {
      this.transport.disconnect('the forwarded connection is closed')
      this.finish()
    }
  }

  /** Both directions are over: close (section 5.3). */
  private closeIfEnded(channel: ForwardedChannel): void {
    if (!channel.sentEof || !channel.receivedEof || channel.sentClose) return
    channel.sentClose = true
    this.transport.send('SSH_MSG_CHANNEL_CLOSE', sshMessage('SSH_MSG_CHANNEL_CLOSE').u32(channel.peerNumber).take())
  }

  private finish(): void {
    this.isOver = true
    this.effects.finished = true
  }
}
