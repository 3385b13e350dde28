/** One connection to a QMP port: greeting, negotiation, commands, events (monitor/qmp.c). */
import type { ByteStream } from '../../base/byte-stream.js'
import type { Kernel, KernelEvent, Process } from '../../kernel/kernel.js'
import { JsonStream, type JsonOutcome } from '../wire/json-stream.js'
import {
  encodeError,
  encodeEvent,
  encodeGreeting,
  encodeReturn,
  QmpError,
  readRequest,
  requestId,
  type QmpEvent,
} from '../wire/qmp.js'
import type { Monitor, MonitorListener } from './monitor.js'
import { MonitorConnection } from './monitor-connection.js'
import { changeOfMode } from './qmp-negotiation.js'

const FLUSH: KernelEvent = Object.freeze({ kind: 'flush' })

export class QmpConnection extends MonitorConnection implements MonitorListener, Process {
  private readonly input = new JsonStream()
  private isNegotiated = false
  private isFlushDue = false

  constructor(
    private readonly kernel: Kernel,
    private readonly monitor: Monitor,
    stream: ByteStream,
    owner: { connectionClosed(connection: object): void },
  ) {
    super(stream, owner)
  }

  streamOpened(): void {
    this.monitor.listen(this)
    this.output.push(encodeGreeting(this.monitor.packageName))
    this.output.flush()
  }

  protected override take(octets: Uint8Array): void {
    for (const outcome of this.input.push(octets)) this.handle(outcome)
  }

  /** From wherever it happened: it is written when that is over. */
  monitorTold(event: QmpEvent): void {
    if (!this.isNegotiated) return
    this.output.push(encodeEvent(event, this.kernel.nowNs))
    if (this.isFlushDue) return
    this.isFlushDue = true
    this.kernel.schedule(0, this, FLUSH)
  }

  handleEvent(): void {
    this.isFlushDue = false
    if (this.output.isOverrun) {
      this.stream.abort()
      this.close()
    } else this.output.flush()
  }

  private handle(outcome: JsonOutcome): void {
    if ('error' in outcome) return this.output.push(encodeError(new QmpError(outcome.error), undefined))
    const id = requestId(outcome.value)
    try {
      const { command, arguments: given } = readRequest(outcome.value)
      if (!this.isNegotiated) {
        changeOfMode(command, given)
        this.isNegotiated = true
        return this.output.push(encodeReturn({}, id))
      }
      this.output.push(encodeReturn(this.monitor.execute(command, given), id))
    } catch (error) {
      if (!(error instanceof QmpError)) throw error
      this.output.push(encodeError(error, id))
    }
  }

  protected override close(): void {
    this.monitor.ignore(this)
    super.close()
  }
}
