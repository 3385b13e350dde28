/** Where a monitor listens: QMP on one TCP port, the human monitor on the next. */
import type { ByteStream } from '../../base/byte-stream.js'
import type { Kernel } from '../../kernel/kernel.js'
import { HumanConnection } from './human-connection.js'
import type { Monitor } from './monitor.js'
import { QmpConnection } from './qmp-connection.js'

export const HMP_PORT = 4445

/** As many `-qmp` and `-monitor` options as a host was started with; who comes when all are taken is turned away. */
const CONNECTIONS_MAX = 8

export class MonitorPort {
  private readonly connections = new Set<object>()

  constructor(
    private readonly kernel: Kernel,
    private readonly monitor: Monitor,
    private readonly protocol: 'qmp' | 'hmp',
  ) {}

  connectionAccepted(stream: ByteStream): void {
    if (this.connections.size >= CONNECTIONS_MAX) return stream.abort()
    const { kernel, monitor } = this
    this.connections.add(
      this.protocol === 'qmp'
        ? new QmpConnection(kernel, monitor, stream, this)
        : new HumanConnection(monitor, stream, this),
    )
  }

  connectionClosed(connection: object): void {
    this.connections.delete(connection)
  }
}
