/** The asking end of a QMP connection: it negotiates, sends one command after another, and passes on what comes. */
import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import type { Failure } from '../../base/errors.js'
import { utf8Octets } from '../../base/octets.js'
import { JsonStream } from './json-stream.js'
import { isJsonObject, jsonText, type JsonObject, type JsonOutput, type JsonValue } from './json-value.js'

const READ_OCTETS = 4096

export interface QmpAnswer {
  readonly command: string
  /** What it returned; null when it was refused, and then `refusal` says why. */
  readonly value: JsonValue
  readonly refusal: string | null
}

export interface QmpClientOwner {
  /** The monitor has greeted and takes commands. */
  monitorReady(client: QmpClient): void
  monitorAnswered(client: QmpClient, answer: QmpAnswer): void
  /** The connection is of no use any more. */
  monitorLost(client: QmpClient, reason: string): void
}

export class QmpClient implements StreamOwner {
  private readonly input = new JsonStream()
  /** The command that waits for its answer. */
  private asked: string | null = null
  private isReady = false
  private isLost = false

  constructor(
    private readonly stream: ByteStream,
    private readonly owner: QmpClientOwner,
  ) {
    stream.owner = this
  }

  get isWaiting(): boolean {
    return this.asked !== null
  }

  /** One at a time: the next when the answer has come. */
  execute(command: string, given?: Readonly<Record<string, JsonOutput>>): void {
    if (this.isLost) return
    this.asked = command
    const octets = utf8Octets(`${jsonText({ execute: command, arguments: given })}\r\n`)
    if (this.stream.writableOctets() < octets.length) return this.lose('the monitor reads nothing')
    this.stream.write(octets)
  }

  /** Nothing is told any more. */
  close(): void {
    if (this.isLost) return
    this.isLost = true
    this.stream.end()
  }

  streamReadable(): void {
    while (!this.isLost && this.stream.readableOctets() > 0)
      for (const outcome of this.input.push(this.stream.read(READ_OCTETS))) {
        if ('error' in outcome) return this.lose(`what it says is not QMP: ${outcome.error}`)
        if (!this.isLost && isJsonObject(outcome.value)) this.heard(outcome.value)
      }
  }

  private heard(message: JsonObject): void {
    if (message.has('QMP')) return this.execute('qmp_capabilities')
    const isAnswer = message.has('return') || message.has('error')
    if (!isAnswer || this.asked === null) return
    const command = this.asked
    this.asked = null
    const error = message.get('error')
    const refusal = isJsonObject(error) ? textOf(error.get('desc')) : null
    if (this.isReady) this.owner.monitorAnswered(this, { command, value: message.get('return') ?? null, refusal })
    else if (refusal !== null) this.lose(refusal)
    else {
      this.isReady = true
      this.owner.monitorReady(this)
    }
  }

  private lose(reason: string): void {
    if (this.isLost) return
    this.isLost = true
    this.stream.abort()
    this.owner.monitorLost(this, reason)
  }

  streamOpened(): void {}
  streamWritable(): void {}
  streamEnded(): void {
    this.streamReadable()
    this.lose('the monitor closed the connection')
  }
  streamFailed(_stream: ByteStream, cause: Failure): void {
    this.lose(cause.message)
  }
}

/** A member's text, or that it has none. */
export const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : 'no reason given')
