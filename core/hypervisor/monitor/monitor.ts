/**
 * The monitor of a host's hypervisor: carries out what comes over QMP and from the human monitor, and tells those who
 * listen what happens. Whoever reaches its port may do everything: as with QEMU's `-qmp tcp:…,server`, nobody is asked who he is.
 */
import type { Kernel } from '../../kernel/kernel.js'
import type { TimedRow, TraceKind } from '../../kernel/trace-tables.js'
import type { TraceWatcher } from '../../kernel/trace.js'
import type { JsonObject, JsonOutput } from '../wire/json-value.js'
import type { QmpEvent } from '../wire/qmp.js'
import { executeHmp } from './hmp-commands.js'
import type { MonitorTarget } from './monitor-target.js'
import { MonitorSettings } from './monitor-settings.js'
import { executeQmp } from './qmp-commands.js'

export interface MonitorListener {
  monitorTold(event: QmpEvent): void
}

export class Monitor implements TraceWatcher {
  readonly settings = new MonitorSettings()
  /** Where a distributor would name its package. */
  readonly packageName = 'Midstream'
  private readonly listeners = new Set<MonitorListener>()
  private lastState = ''
  private isQuitting = false

  constructor(
    kernel: Kernel,
    readonly target: MonitorTarget,
  ) {
    for (const kind of ['vm-state', 'migration-status', 'migration-round'] as const) kernel.trace.watch(kind, this)
  }

  listen(listener: MonitorListener): void {
    this.listeners.add(listener)
  }
  ignore(listener: MonitorListener): void {
    this.listeners.delete(listener)
  }

  /** Throws `QmpError`. */
  execute(command: string, given: JsonObject): JsonOutput {
    return executeQmp(this, command, given)
  }

  /** Does what a line of the human monitor says; returns what it prints. */
  humanCommand(line: string): string {
    return executeHmp(this, line)
  }

  quit(): void {
    this.isQuitting = true
    try {
      this.target.quit()
    } finally {
      this.isQuitting = false
    }
  }

  tell(event: QmpEvent): void {
    for (const listener of this.listeners) listener.monitorTold(event)
  }

  rowAdded(kind: TraceKind, row: TimedRow<TraceKind>): void {
    if (kind === 'vm-state') this.stateChanged(row as TimedRow<'vm-state'>)
    else if (!this.settings.events) return
    else if (kind === 'migration-status') this.statusChanged(row as TimedRow<'migration-status'>)
    else this.roundEnded(row as TimedRow<'migration-round'>)
  }

  private stateChanged({ vm, host, state }: TimedRow<'vm-state'>): void {
    if (host !== this.target.hostName || vm !== this.target.vmName) return
    const wasRunning = this.lastState === 'running'
    this.lastState = state
    if (state === 'running') this.tell({ event: 'RESUME' })
    else if (state === 'shutdown') {
      const reason = this.isQuitting ? 'host-qmp-quit' : 'guest-shutdown'
      this.tell({ event: 'SHUTDOWN', data: { guest: !this.isQuitting, reason } })
    } else if (wasRunning) this.tell({ event: 'STOP' })
  }

  private statusChanged({ vm, source, destination, status }: TimedRow<'migration-status'>): void {
    const { hostName, vmName } = this.target
    if (vm !== vmName) return
    if (hostName === source) {
      // The first reading of the dirty log begins the first pass.
      if (status === 'active') this.tell({ event: 'MIGRATION_PASS', data: { pass: 1 } })
      this.tell({ event: 'MIGRATION', data: { status } })
    } else if (hostName === destination && incomingStatuses.includes(status))
      this.tell({ event: 'MIGRATION', data: { status: status === 'cancelled' ? 'failed' : status } })
  }

  private roundEnded({ migration, round, paused }: TimedRow<'migration-round'>): void {
    if (this.target.sends(migration) && paused === 0) this.tell({ event: 'MIGRATION_PASS', data: { pass: round + 1 } })
  }
}

/** Those that the receiving QEMU goes through too. */
const incomingStatuses: readonly string[] = ['setup', 'active', 'postcopy-active', 'completed', 'failed', 'cancelled']
