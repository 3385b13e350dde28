/** A host's hypervisor as its monitor sees it: the session's guest when it is here, or a QEMU that waits for it. */
import { InputError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import type { MigrationInfo } from '../hypervisor/monitor/migration-info.js'
import type { MigrationAddress, MonitorTarget } from '../hypervisor/monitor/monitor-target.js'
import type { RunState, VirtualMachine } from '../hypervisor/virtual-machine.js'
import type { MigrationParameters } from '../migration/migration.js'
import { queryMigrate } from '../migration/query-migrate.js'
import { ipv4Text } from '../net/wire/addresses.js'
import type { Crossing } from './crossing.js'
import type { CrossingEnd } from './crossing-connections.js'
import type { HostDefences } from './scenario.js'

/** What monitors do to the session. Everything throws `InputError` when it cannot be done. */
export interface MonitorDesk {
  readonly kernel: { readonly nowNs: Nanos }
  readonly guestName: string
  readonly profile: { readonly migrationPort: number }
  readonly migrationSettings: MigrationParameters
  /** The migration under way, or the last one. */
  readonly crossing: Crossing | null
  readonly monitoredHosts: readonly HostMonitor[]
  readonly hostDefences: HostDefences
  /** The one copy of the guest that is alive. */
  liveVm(): VirtualMachine | undefined
  migrate(destination: string, once: Partial<MigrationParameters> & { readonly autostart?: boolean }): void
  cancelMigration(): void
  configureMigration(settings: Partial<MigrationParameters>): void
  continueMigration(): void
  startPostcopy(): void
  pauseMigration(): void
  recoverMigration(): void
  abandonPostcopy(): void
  suspend(vm: string): void
  resumeVm(vm: string): void
  destroy(vm: string): void
}

const ANY_ADDRESS: readonly string[] = ['', '0', '0.0.0.0', '[::]']

export class HostMonitor implements MonitorTarget {
  /** Where a migration is listened for, since `migrate-incoming`. */
  private incoming: MigrationAddress | null = null
  /** Whether a guest that comes here runs by itself: `stop` and `cont` before it came (`qmp_stop`, `qmp_cont`). */
  private autostart = true
  /** Why the last `migrate` never got a connection, and the migration that was the last one then. */
  private refusal: { readonly reason: string | null; readonly before: Crossing | null } | null = null

  constructor(
    private readonly desk: MonitorDesk,
    readonly place: CrossingEnd,
    /** It is none of the lab's hosts. */
    readonly isStranger = false,
  ) {}

  get hostName(): string {
    return this.place.host.name
  }
  get vmName(): string {
    return this.desk.guestName
  }

  runState(): RunState {
    return this.vm?.state ?? 'inmigrate'
  }

  stop(): void {
    const { vm } = this
    if (vm?.state === 'running') vm.pause('paused')
    else this.setAutostart(false)
  }

  cont(): void {
    const { vm } = this
    if (this.setAutostart(true)) return
    if (vm === undefined || vm !== this.desk.liveVm())
      throw new InputError(`there is no machine here that could go on: ${this.vmName} is not alive on ${this.hostName}`)
    if (vm.hasEnded) throw new InputError('Resetting the Virtual Machine is required')
    if (vm.state === 'finish-migrate' || this.desk.crossing?.isFinishing === true)
      throw new InputError('Migration is not finalized yet')
    vm.resume()
  }

  quit(): void {
    const { vm } = this
    if (vm !== undefined && vm === this.desk.liveVm()) return this.desk.destroy(this.vmName)
    const { crossing } = this.desk
    if (vm === undefined || crossing === null) return
    if (vm === crossing.incoming) {
      const message = `the hypervisor on ${this.hostName} was ended`
      return crossing.source.abandon({ kind: 'connection', protocol: 'qevm', message })
    }
    if (!crossing.isPostcopy) return // its copy is of no use any more
    // What only this process had of a guest that runs elsewhere is gone with it.
    if (crossing.source.status !== 'postcopy-paused') this.desk.pauseMigration()
    // It was over if nothing of it was missing there.
    if (this.desk.crossing?.isOver === false) this.desk.abandonPostcopy()
  }

  /** A disk asked for with the command is moved as if it had been set, until it is over (`block_cleanup_parameters`). */
  migrationParameters(): MigrationParameters {
    const { migrationSettings, crossing } = this.desk
    const copiesDisk = this.isMigrating() && crossing?.source.options.copyStorage === true
    return copiesDisk ? { ...migrationSettings, copyStorage: true } : migrationSettings
  }
  configureMigration(settings: Partial<MigrationParameters>): void {
    this.desk.configureMigration(settings)
  }

  isMigrating(): boolean {
    return this.desk.crossing?.isOver === false && this.isSource
  }

  sends(migration: number): boolean {
    return this.isSource && this.desk.crossing?.parts.id === migration
  }

  migrationInfo(): MigrationInfo {
    const { crossing } = this.desk
    if (this.refusal?.before === crossing) {
      const { reason } = this.refusal
      return { status: 'failed', ...(reason === null ? {} : { 'error-desc': reason }) }
    }
    if (crossing !== null && this.isSource) return queryMigrate(crossing.source, this.desk.kernel.nowNs)
    const arriving = crossing?.parts.to === this.place ? crossing.destination : null
    const at = this.incoming
    return {
      // The end that receives counts nothing.
      ...(arriving === null || arriving.status === 'none' ? {} : { status: arriving.status }),
      ...(at === null ? {} : { 'socket-address': [{ type: 'inet', host: '0.0.0.0', port: at.port, ipv4: true }] }),
    }
  }

  /** As QEMU: a connection that is refused is no error of the command, but of the migration. */
  migrate(to: MigrationAddress, once: Partial<MigrationParameters>): void {
    if (this.vm === undefined) throw new InputError(`${this.vmName} is not on ${this.hostName}`)
    this.refusal = null
    const peer = this.desk.monitoredHosts.find((host) => host.answersTo(to.host))
    if (this.desk.hostDefences.listedDestinations && (peer === undefined || peer.isStranger)) {
      const listed = this.desk.monitoredHosts.filter((host) => !host.isStranger).map((host) => host.hostName)
      throw new InputError(`${to.host} is no destination: guests are sent to ${listed.join(', ')} alone`)
    }
    if (peer?.listensAt(to.port) === true) {
      this.desk.migrate(peer.hostName, { ...once, autostart: peer.autostart })
      peer.incoming = null
      peer.autostart = true
    } else {
      const isKnown = peer !== undefined || /^[\d.]+$/.test(to.host)
      this.migrationRefused(
        isKnown
          ? `Failed to connect to '${to.host}:${to.port}': Connection refused`
          : `address resolution failed for ${to.host}:${to.port}: Name or service not known`,
      )
    }
  }

  migrationRefused(reason: string | null): void {
    this.refusal = { reason, before: this.desk.crossing }
  }

  listenForMigration(at: MigrationAddress): void {
    if (this.incoming !== null) throw new InputError('The incoming migration has already been started')
    if (!ANY_ADDRESS.includes(at.host) && !this.answersTo(at.host))
      throw new InputError(`Failed to bind socket: Cannot assign requested address`)
    const { migrationPort } = this.desk.profile
    if (Number(at.port) !== migrationPort)
      throw new InputError(`${this.hostName} lets migrations in at TCP port ${migrationPort} alone`)
    this.incoming = at
  }

  cancelMigration(): void {
    this.desk.cancelMigration()
  }
  continueMigration(): void {
    this.desk.continueMigration()
  }
  startPostcopy(): void {
    this.desk.startPostcopy()
  }
  pausePostcopy(): void {
    this.desk.pauseMigration()
  }
  recoverPostcopy(at: MigrationAddress): void {
    this.listenForMigration(at)
  }
  resumeMigration(to: MigrationAddress): void {
    const peer = this.desk.monitoredHosts.find((host) => host.answersTo(to.host))
    if (peer?.listensAt(to.port) !== true)
      throw new InputError(`nothing listens at ${to.host}:${to.port}: migrate-recover at the destination comes first`)
    peer.incoming = null
    this.desk.recoverMigration()
  }

  /** Of a hypervisor that waits for its guest. False where there is one already. */
  private setAutostart(autostart: boolean): boolean {
    const { vm } = this
    if (vm?.state === 'inmigrate') vm.autostart = autostart
    else if (vm === undefined && this.incoming !== null) this.autostart = autostart
    else return false
    return true
  }

  private get vm(): VirtualMachine | undefined {
    return this.place.host.vm(this.vmName)
  }

  private get isSource(): boolean {
    return this.desk.crossing?.parts.from === this.place
  }

  private answersTo(address: string): boolean {
    return address === this.hostName || address === ipv4Text(this.place.stack.address)
  }

  private listensAt(port: string): boolean {
    return this.incoming !== null && Number(this.incoming.port) === Number(port)
  }
}
