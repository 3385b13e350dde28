/** Has a guest moved from host to host and back, for nothing: every move takes the network and stops the guest. */
import { milliseconds, type Nanos } from '../../base/units.js'
import { QmpClient, type QmpAnswer, type QmpClientOwner } from '../../hypervisor/wire/qmp-client.js'
import { QMP_PORT } from '../../hypervisor/wire/qmp.js'
import { isJsonObject, type JsonValue } from '../../hypervisor/wire/json-value.js'
import { ipv4Text, type Ipv4Address } from '../../net/wire/addresses.js'
import type { Attack, Reach, Sleeper } from '../reach.js'

const ASK_INTERVAL_NS: Nanos = milliseconds(20)

export interface NeedlessOptions {
  readonly hosts: readonly [Ipv4Address, Ipv4Address]
  /** Where hosts let migrations in. */
  readonly port: number
}

interface Host {
  readonly address: Ipv4Address
  readonly client: QmpClient
}

/** The guest is where the machine runs; the other host is told to wait for it, and then this one to send it. */
export class NeedlessMigrations implements Attack, QmpClientOwner, Sleeper {
  private hosts: readonly Host[] = []
  private isOver = false
  private source: Host | null = null
  moves = 0

  constructor(
    private readonly reach: Reach,
    private readonly options: NeedlessOptions,
  ) {}

  start(): void {
    this.hosts = this.options.hosts.map((address) => ({
      address,
      client: new QmpClient(this.reach.station.connect(address, QMP_PORT), this),
    }))
  }

  stop(): void {
    this.isOver = true
    for (const { client } of this.hosts) client.close()
  }

  takesFrame(): boolean {
    return false
  }

  monitorReady(client: QmpClient): void {
    client.execute('query-status')
  }

  monitorLost(client: QmpClient, reason: string): void {
    if (this.isOver) return
    const host = this.hosts.find((one) => one.client === client)
    this.reach.tell('ask', `${ipv4Text(host?.address ?? 0)}: ${reason}`)
    this.stop()
  }

  monitorAnswered(client: QmpClient, { command, value, refusal }: QmpAnswer): void {
    const asked = this.hosts.find((one) => one.client === client)
    const other = this.hosts.find((one) => one.client !== client)
    if (asked === undefined || other === undefined || this.isOver) return
    const status = memberOf(value, 'status')
    switch (command) {
      case 'query-status':
        if (status !== 'running' || this.source !== null) return
        this.source = asked
        return this.listen(other)
      case 'migrate-incoming':
        // Refused where it waits for a guest already: so much the better.
        return this.send(other, asked)
      case 'migrate':
        if (refusal !== null) this.reach.tell('ask', `${ipv4Text(asked.address)} refuses: ${refusal}`)
        return this.reach.wakeAfter(ASK_INTERVAL_NS, this)
      case 'query-migrate':
        if (status === 'completed') return this.turn(asked, other)
        if (status === 'failed' || status === 'cancelled') return this.listen(other)
        return this.reach.wakeAfter(ASK_INTERVAL_NS, this)
    }
  }

  woken(): void {
    if (this.isOver || this.source?.client.isWaiting !== false) return
    this.source.client.execute('query-migrate')
  }

  private turn(from: Host, to: Host): void {
    this.moves++
    this.reach.tell('move', `${this.moves}: the guest has gone to ${ipv4Text(to.address)}, and is to go back`)
    this.source = to
    this.listen(from)
  }

  private listen({ client }: Host): void {
    client.execute('migrate-incoming', { uri: `tcp:0.0.0.0:${this.options.port}` })
  }

  private send({ client }: Host, to: Host): void {
    client.execute('migrate', { uri: `tcp:${ipv4Text(to.address)}:${this.options.port}` })
  }
}

function memberOf(value: JsonValue, name: string): string {
  const found = isJsonObject(value) ? value.get(name) : undefined
  return typeof found === 'string' ? found : ''
}
