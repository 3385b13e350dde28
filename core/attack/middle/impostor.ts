/**
 * The other end of a sealed connection, as far as its client believes: a server with a key of the attacker's own. It comes of a
 * client who takes any. Everything that the client sends is read; nothing goes on to the server that it meant, whose own check
 * of the client the attacker could not pass.
 */
import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import { failureOf } from '../../base/errors.js'
import { ChannelEffects, type ChannelProtocol } from '../../secure/channel.js'
import { SshConnection } from '../../secure/ssh/connection.js'
import { TlsServer } from '../../secure/tls/server.js'
import { QevmAnalysis } from '../qevm-analysis.js'
import type { Reach } from '../reach.js'
import { selfSigned } from '../self-signed.js'

export type ImpostorKind = 'ssh' | 'tls'

const READ_OCTETS = 65_536
const KEY_OCTETS = 32
/** Memory that came between two words of it. */
const TOLD_PAGES = 256

export class Impostor implements StreamOwner {
  private readonly protocol: ChannelProtocol
  private readonly migration = new QevmAnalysis()
  private toldPages = 0
  private toldFindings = 0
  private isOver = false
  private unsent: Uint8Array[] = []

  constructor(
    private readonly reach: Reach,
    private readonly client: ByteStream,
    kind: ImpostorKind,
    /** Whom it pretends to be. */
    serverName: string,
  ) {
    this.protocol = kind === 'ssh' ? sshServer(reach) : tlsServer(reach, serverName)
    client.owner = this
    this.protocol.start()
    this.takeEffects()
  }

  streamOpened(): void {
    this.flush()
  }
  streamWritable(): void {
    this.flush()
  }
  streamReadable(): void {
    try {
      while (!this.isOver && this.client.readableOctets() > 0) {
        // Lent until the next call, and the protocol keeps what it cannot use yet.
        this.protocol.receive(this.client.read(READ_OCTETS).slice())
        this.takeEffects()
      }
    } catch (error) {
      this.end(`the client went away: ${failureOf(error).message}`)
    }
  }
  streamEnded(): void {
    this.end('the client has ended')
  }
  streamFailed(): void {
    this.end('the client has cut the connection')
  }

  private takeEffects(): void {
    const { messages, payload } = this.protocol.effects
    this.protocol.effects = new ChannelEffects()
    for (const { octets } of messages) this.unsent.push(octets)
    this.flush()
    for (const octets of payload) {
      this.migration.push(octets, 0, this.reach.nowNs)
      this.protocol.consumed(octets.length)
    }
    if (payload.length > 0) this.tell()
    // What it gave room for.
    if (this.protocol.effects.messages.length > 0) this.takeEffects()
    if (this.migration.isComplete) this.end('all of it came')
  }

  private flush(): void {
    while (!this.isOver && this.client.state === 'open' && this.unsent.length > 0) {
      const [first = new Uint8Array(0), ...rest] = this.unsent
      const length = Math.min(first.length, this.client.writableOctets())
      if (length === 0 && first.length > 0) return
      this.client.write(first.subarray(0, length))
      this.unsent = length === first.length ? rest : [first.subarray(length), ...rest]
    }
  }

  private tell(): void {
    const { pagesRecovered, findingCount } = this.migration
    if (pagesRecovered - this.toldPages < TOLD_PAGES && !this.migration.isComplete) return
    this.toldPages = pagesRecovered
    this.toldFindings = findingCount
    this.reach.tell('read', `${pagesRecovered} pages of memory, ${findingCount} secrets in them`)
  }

  private end(why: string): void {
    if (this.isOver) return
    this.isOver = true
    this.client.abort()
    const { pagesRecovered, findingCount } = this.migration
    const isNew = pagesRecovered !== this.toldPages || findingCount !== this.toldFindings
    this.reach.tell('read', `${why}${isNew ? `: ${pagesRecovered} pages of memory, ${findingCount} secrets` : ''}`)
  }
}

function sshServer({ random }: Reach): ChannelProtocol {
  const acceptTarget = 'any'
  return SshConnection.server({ hostKey: random.octets(KEY_OCTETS), authorizedKeys: 'any', acceptTarget }, { random })
}

/** With a certificate that the attacker has signed for the name itself. */
function tlsServer({ random }: Reach, commonName: string): ChannelProtocol {
  return new TlsServer({ identity: selfSigned(random, commonName), clientTrust: 'any' }, { random })
}
