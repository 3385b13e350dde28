/** A connection over TLS to any server, by whoever the attacker says it is: with a certificate that it has signed itself. */
import type { ByteStream, StreamOwner, StreamState } from '../../base/byte-stream.js'
import { failureOf, type Failure } from '../../base/errors.js'
import { OctetQueue } from '../../base/octet-queue.js'
import { ChannelEffects, type ChannelProtocol } from '../../secure/channel.js'
import { TlsClient } from '../../secure/tls/client.js'
import type { AttackerRandom } from '../reach.js'
import { selfSigned } from '../self-signed.js'

const READ_OCTETS = 65_536

export class SealedClient implements ByteStream, StreamOwner {
  owner: StreamOwner | null = null
  state: StreamState = 'opening'
  private readonly protocol: ChannelProtocol
  private readonly unsent = new OctetQueue()
  private readonly unread = new OctetQueue()
  private isFinished = false

  constructor(
    private readonly lower: ByteStream,
    random: AttackerRandom,
    names: { readonly own: string; readonly server: string },
  ) {
    const identity = selfSigned(random, names.own)
    this.protocol = new TlsClient({ serverName: names.server, trust: 'any', identity }, { random })
    lower.owner = this
  }

  writableOctets(): number {
    return this.state === 'open' ? this.protocol.sendableOctets() : 0
  }

  write(octets: Uint8Array): void {
    this.protocol.send(octets.slice())
    this.takeEffects()
    this.flush()
  }

  readableOctets(): number {
    return this.unread.length
  }

  read(octetsMax: number): Uint8Array {
    const octets = this.unread.take(octetsMax)
    this.protocol.consumed(octets.length)
    this.takeEffects()
    this.flush()
    return octets
  }

  end(): void {
    if (this.state !== 'open') return this.abort()
    this.protocol.end()
    this.takeEffects()
    this.flush()
  }

  abort(): void {
    this.state = 'closed'
    this.lower.abort()
  }

  streamOpened(): void {
    this.protocol.start()
    this.takeEffects()
    this.flush()
  }

  streamReadable(): void {
    try {
      while (this.isAlive() && this.lower.readableOctets() > 0) {
        // Lent until the next call, and the protocol keeps what it cannot use yet.
        this.protocol.receive(this.lower.read(READ_OCTETS).slice())
        this.takeAndTell()
      }
    } catch (error) {
      this.fail(failureOf(error))
      this.lower.abort()
    }
  }

  streamWritable(): void {
    this.flush()
    if (this.state === 'open') this.owner?.streamWritable(this)
  }

  streamEnded(): void {
    if (this.isAlive())
      this.fail({ kind: 'connection', protocol: 'tls', message: 'the server has ended the connection' })
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    if (this.isAlive()) this.fail(cause)
  }

  private isAlive(): boolean {
    return this.state === 'opening' || this.state === 'open'
  }

  private fail(cause: Failure): void {
    this.state = 'failed'
    this.owner?.streamFailed(this, cause)
  }

  private takeAndTell(): void {
    const effects = this.takeEffects()
    this.flush()
    if (effects.opened) {
      this.state = 'open'
      this.owner?.streamOpened(this)
    }
    if (effects.payload.length > 0) this.owner?.streamReadable(this)
    if (!effects.peerEnded) return
    this.owner?.streamEnded(this)
    this.state = 'closed'
  }

  private takeEffects(): ChannelEffects {
    const { effects } = this.protocol
    this.protocol.effects = new ChannelEffects()
    for (const { octets } of effects.messages) this.unsent.push(octets)
    for (const octets of effects.payload) this.unread.push(octets)
    this.isFinished ||= effects.finished
    return effects
  }

  private flush(): void {
    const octets = this.unsent.take(this.lower.writableOctets())
    if (octets.length > 0) this.lower.write(octets)
    if (this.isFinished && this.unsent.length === 0) this.lower.end()
  }
}
