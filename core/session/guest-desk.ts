/**
 * What can be done with one guest among its hosts: moved, stopped, let go on. Monitors, the operator and the session ask here;
 * it says which copy is alive, and has one migration under way at a time.
 */
import { assert, InputError } from '../base/errors.js'
import type { ByteStream } from '../base/byte-stream.js'
import { profiles } from '../hypervisor/profiles/profiles.js'
import type { Host } from '../hypervisor/host.js'
import type { HypervisorName, HypervisorProfile } from '../hypervisor/profiles/hypervisor-profile.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import type { Kernel } from '../kernel/kernel.js'
import { migrationLimits, type MigrationLimits } from '../migration/migration.js'
import type { Link } from '../net/link.js'
import { costTables, type HostCpu } from '../secure/cost-tables.js'
import type { CostTable } from '../secure/costs.js'
import { ChannelPair, type HostCredentials, type PairedEnd } from './channel-pair.js'
import { Crossing, type CrossingOwner } from './crossing.js'
import type { CrossingEnd } from './crossing-connections.js'
import type { CrossingEvidence } from './crossing-evidence.js'
import { HostMonitor, type MonitorDesk } from './host-monitor.js'
import { migrationProblem } from './migration-problem.js'
import {
  defaultScenario,
  profileProblem,
  refuseProblem,
  type HostDefences,
  type MigrationScenario,
} from './scenario.js'

/** A host that the guest may be on, with its cable and its keys. */
export interface GuestPlace extends CrossingEnd {
  /** It is somebody else's: nobody here knows its keys, or gives it orders. */
  readonly isStranger?: true
  readonly link: Link
  readonly credentials: HostCredentials
}

/** Counts the migrations of a world. */
export interface MigrationCounter {
  count: number
}

export interface GuestDeskOptions {
  readonly guestName: string
  readonly profileName: HypervisorName
  readonly places: readonly GuestPlace[]
  readonly migrations: MigrationCounter
  readonly migration: MigrationScenario
  /** What `hostCpu: measured` stands for. */
  readonly measuredCosts?: CostTable
}

/** What holds for one migration alone. */
export type OneMigration = Partial<MigrationScenario> & {
  /** False: the guest stands still at its destination until it is let go on, as one does in any case that stood still before. */
  readonly autostart?: boolean
}

export class GuestDesk implements MonitorDesk, CrossingOwner {
  migrationSettings: MigrationScenario
  /** The migration under way, or the last one. */
  crossing: Crossing | null = null
  /** What later migrations keep beyond the trace. */
  evidence: CrossingEvidence = { hashRam: false, recordStream: false }
  /** One a place, in their order. */
  readonly monitoredHosts: HostMonitor[]
  hostDefences: HostDefences = defaultScenario.hostDefences
  private readonly places: GuestPlace[]

  constructor(
    readonly kernel: Kernel,
    private readonly options: GuestDeskOptions,
    private readonly owner: CrossingOwner,
  ) {
    this.migrationSettings = options.migration
    this.places = [...options.places]
    this.monitoredHosts = options.places.map((place) => new HostMonitor(this, place))
  }

  /** A host that nobody here knows, and that a monitor may be told to send to. */
  addStranger(place: GuestPlace): HostMonitor {
    const monitor = new HostMonitor(this, place, true)
    this.places.push(place)
    this.monitoredHosts.push(monitor)
    return monitor
  }

  get guestName(): string {
    return this.options.guestName
  }
  get profile(): HypervisorProfile {
    return profiles[this.options.profileName]
  }

  get crossingUnderWay(): Crossing | null {
    return this.crossing?.isOver === false ? this.crossing : null
  }

  /** Where a copy of it is. */
  hostOf(vm: VirtualMachine): Host | undefined {
    return this.places.find(({ host }) => host.name === vm.hostName)?.host
  }

  /** The one copy that is alive: the one that runs, or that would go on. Undefined before the first boot. */
  liveVm(): VirtualMachine | undefined {
    if (this.crossingUnderWay !== null) return this.crossingUnderWay.liveVm
    for (const { host } of this.places) {
      const vm = host.vm(this.guestName)
      if (vm !== undefined) return vm
    }
    return undefined
  }

  /** `destination` may be left out where there is only one other host. */
  migrate(destination?: string, { autostart = true, ...once }: OneMigration = {}): void {
    const { guestName: name, kernel } = this
    const { places } = this
    const { migrations, profileName } = this.options
    const vm = this.liveVm()
    if (vm === undefined || vm.hasEnded) throw new InputError(`${name} is not running: boot it first`)
    if (this.crossingUnderWay !== null) throw new InputError(`${name} is being migrated already`)
    assert(vm.isSettled, `${name} is ${vm.state}, and no migration holds it`)
    const from = places.find(({ host }) => host.name === vm.hostName)
    assert(from !== undefined, 'a VM is on a host')
    if (from.isStranger === true)
      throw new InputError(`${name} is on ${from.host.name}, which takes no orders from here`)
    const others = places.filter((place) => place !== from && place.isStranger !== true)
    const to =
      destination === undefined && others.length === 1
        ? others[0]
        : places.find(({ host }) => host.name === destination)
    if (to === undefined) {
      const names = places
        .filter(({ isStranger }) => isStranger !== true)
        .map(({ host }) => host.name)
        .join(', ')
      const problem = destination === undefined ? 'say to which host' : `there is no host ${destination}`
      throw new InputError(`${problem}; there are: ${names}`)
    }
    if (to === from) throw new InputError(`${name} is on ${to.host.name} already`)
    const settings = { ...this.migrationSettings, ...once }
    refuseProblem(migrationProblem(settings) ?? profileProblem(profileName, settings))
    const { channel, hostCpu, destinationCpu, peerCheck, shaping, shapingRate, ...parameters } = settings
    this.crossing = new Crossing(
      kernel,
      {
        id: migrations.count + 1,
        from,
        to,
        vm,
        channel,
        channels: new ChannelPair(
          kernel,
          channel,
          this.channelEnd(from.credentials, hostCpu),
          {
            ...this.channelEnd(to.credentials, destinationCpu === 'same' ? hostCpu : destinationCpu),
            ...(to.isStranger === true && { takenFor: this.knownBeside(from).credentials, hasAes: false }),
          },
          this.profile,
          { peerCheck, shaping, shapingRate },
        ),
        options: { ...parameters, returnPath: true },
        link: from.link,
        evidence: this.evidence,
      },
      this,
    )
    migrations.count++
    this.crossing.incoming.autostart = autostart
    this.crossing.start()
  }

  /** Lets a connection in that this guest's migration has opened. False when it is not one. */
  admit(end: CrossingEnd, port: number, stream: ByteStream): boolean {
    if (this.crossing?.expects(end, port, stream) !== true) return false
    this.crossing.accept(stream)
    return true
  }

  prepareBoot(vm: VirtualMachine): void {
    this.owner.prepareBoot(vm)
  }
  crossingEnded(crossing: Crossing): void {
    this.owner.crossingEnded(crossing)
  }

  cancelMigration(): void {
    this.underWay().cancel()
  }
  startPostcopy(): void {
    this.underWay().startPostcopy()
  }
  pauseMigration(): void {
    this.underWay().pause()
  }
  recoverMigration(): void {
    this.underWay().recover()
  }
  abandonPostcopy(): void {
    this.underWay().abandonPostcopy()
  }
  /** Stop the guest now, whatever is left to send. */
  switchOverNow(): void {
    this.underWay().source.switchOverNow()
  }
  /** Go on after a pause before switch-over. */
  continueMigration(): void {
    this.underWay().source.continueSwitchover()
  }

  configureMigration(settings: Partial<MigrationScenario>): void {
    const changed = { ...this.migrationSettings, ...settings }
    refuseProblem(migrationProblem(changed) ?? profileProblem(this.options.profileName, changed))
    this.costTable(changed.hostCpu)
    if (changed.destinationCpu !== 'same') this.costTable(changed.destinationCpu)
    this.migrationSettings = changed
    this.crossingUnderWay?.source.changeLimits(limitsIn(settings))
  }

  suspend(name: string): void {
    const vm = this.named(name)
    if (vm.state !== 'running') throw new InputError(`${name} is ${vm.state}, not running`)
    vm.pause('paused')
  }

  resumeVm(name: string): void {
    const vm = this.named(name)
    if (vm.state !== 'paused') throw new InputError(`${name} is ${vm.state}, not paused`)
    vm.resume()
  }

  /** Switched off without being asked; what a migration has sent of it is worth nothing then. */
  destroy(name: string): void {
    const vm = this.liveVm()
    if (vm?.name !== name || vm.hasEnded) throw new InputError(`${name} is not running`)
    vm.powerOff()
  }

  private knownBeside(from: GuestPlace): GuestPlace {
    const known = this.places.find((place) => place !== from && place.isStranger !== true)
    assert(known !== undefined, 'there are two hosts at least')
    return known
  }

  private channelEnd(credentials: HostCredentials, cpu: HostCpu): PairedEnd {
    return { credentials, costTable: this.costTable(cpu), hasAes: cpu !== 'no-aes' }
  }

  /** Throws `InputError` when there is none. */
  private costTable(hostCpu: HostCpu): CostTable {
    const { measuredCosts } = this.options
    if (hostCpu !== 'measured') return costTables[hostCpu]
    if (measuredCosts === undefined)
      throw new InputError('host cpu: measured, but no table was given: midstream calibrate makes one')
    return measuredCosts
  }

  private underWay(): Crossing {
    if (this.crossingUnderWay === null) throw new InputError('no migration is under way')
    return this.crossingUnderWay
  }

  private named(name: string): VirtualMachine {
    const vm = this.liveVm()
    if (vm?.name !== name) throw new InputError(`there is no machine named ${name} running anywhere`)
    if (this.crossingUnderWay !== null) throw new InputError(`${name} is being migrated: wait, or cancel that first`)
    return vm
  }
}

/** The limits among `settings`: those that are not named stay as they were chosen for the migration at hand. */
function limitsIn(settings: Partial<MigrationScenario>): Partial<MigrationLimits> {
  return Object.fromEntries(
    migrationLimits.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]),
  )
}
