/** One connection to a QMP port: greeting, negotiation, commands, events (monitor/qmp.c). */
import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
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
import { changeOfMode } from './qmp-negotiation.js'
import { SendQueue } from './send-queue.js'

const READ_OCTETS = 4096
const FLUSH: KernelEvent = Object.freeze({ kind: 'flush' })

export class QmpConnection implements StreamOwner, MonitorListener, Process {
  private readonly input = new JsonStream()
  private readonly output: SendQueue
  private isNegotiated = false
  private isFlushDue = false

  constructor(
    private readonly kernel: Kernel,
    private readonly monitor: Monitor,
    private readonly stream: ByteStream,
    private readonly owner: { connectionClosed(connection: object): void },
  ) {
    this.output = new SendQueue(stream)
    stream.owner = this
  }

  streamOpened(): void {
    this.monitor.listen(this)
    this.output.push(encodeGreeting(this.monitor.packageName))
    this.output.flush()
  }

  streamReadable(): void {
    // Who does not read his answers is not asked for more.
    while (this.stream.readableOctets() > 0 && !this.output.isFull)
      for (const outcome of this.input.push(this.stream.read(READ_OCTETS))) this.handle(outcome)
    this.output.flush()
  }

  streamWritable(): void {
    this.output.flush()
    this.streamReadable()
  }

  streamEnded(): void {
    this.streamReadable()
    this.stream.end()
    this.close()
  }

  streamFailed(): void {
    this.close()
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

  private close(): void {
    this.monitor.ignore(this)
    this.owner.connectionClosed(this)
  }
}
