/** Uses the monitor of a host without being asked for anything: QMP has no login (QEMU docs/interop/qmp-spec.txt). */
import { milliseconds, type Nanos } from '../../base/units.js'
import { QmpClient, type QmpAnswer, type QmpClientOwner } from '../../hypervisor/wire/qmp-client.js'
import { QMP_PORT } from '../../hypervisor/wire/qmp.js'
import { jsonText, type JsonOutput } from '../../hypervisor/wire/json-value.js'
import { ipv4Text, type Ipv4Address } from '../../net/wire/addresses.js'
import type { Attack, Reach, Sleeper } from '../reach.js'

/** Who says nothing for so long is not there. */
const PATIENCE_NS: Nanos = milliseconds(3000)
const ANSWER_CHARACTERS = 120

export interface MonitorRequest {
  readonly command: string
  readonly given: Readonly<Record<string, JsonOutput>>
}

/** Sends one request to one monitor, and tells what came back. */
export class MonitorUser implements Attack, QmpClientOwner, Sleeper {
  private client: QmpClient | null = null
  private isOver = false

  constructor(
    private readonly reach: Reach,
    private readonly monitor: Ipv4Address,
    private readonly request: MonitorRequest,
  ) {}

  start(): void {
    this.client = new QmpClient(this.reach.station.connect(this.monitor, QMP_PORT), this)
    this.reach.wakeAfter(PATIENCE_NS, this)
  }

  stop(): void {
    this.isOver = true
    this.client?.close()
  }

  takesFrame(): boolean {
    return false
  }

  woken(): void {
    if (this.isOver) return
    this.tell('nobody answers')
    this.stop()
  }

  monitorReady(client: QmpClient): void {
    const { command, given } = this.request
    this.tell(`takes us in without a question; asked to ${command}`)
    client.execute(command, given)
  }

  monitorAnswered(_client: QmpClient, { refusal, value }: QmpAnswer): void {
    this.tell(refusal === null ? `does so: ${shortened(value)}` : `refuses: ${refusal}`)
    this.stop()
  }

  monitorLost(_client: QmpClient, reason: string): void {
    if (this.isOver) return
    this.isOver = true
    this.tell(reason)
  }

  private tell(text: string): void {
    this.reach.tell('ask', `the monitor at ${ipv4Text(this.monitor)} ${text}`)
  }
}

function shortened(value: QmpAnswer['value']): string {
  const text = jsonText(value)
  return text.length > ANSWER_CHARACTERS ? `${text.slice(0, ANSWER_CHARACTERS)}…` : text
}
