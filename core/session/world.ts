/** Everything that exists in a session: one graph of plain objects, so that it can be kept and forked by copying. */
import { assert, InputError } from '../base/errors.js'
import type { ByteStream } from '../base/byte-stream.js'
import { newDisk } from '../hypervisor/disk-contents.js'
import type { Host } from '../hypervisor/host.js'
import type { Monitor } from '../hypervisor/monitor/monitor.js'
import type { HypervisorProfile } from '../hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../hypervisor/profiles/profiles.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import { Kernel } from '../kernel/kernel.js'
import { HART_HZ } from '../machine/machine.js'
import { secretsOfImage } from '../machine/store-secrets.js'
import { TPM_SEED_OCTETS } from '../machine/tpm/tpm-state.js'
import { computeRuns, type PlantedSecret } from '../metrics/compute-runs.js'
import type { RunMetrics } from '../metrics/run-metrics.js'
import { parseIpv4 } from '../net/wire/addresses.js'
import { AttackerShell } from './attacker-shell.js'
import { ConsoleLog } from './console-log.js'
import { Crossing, type CrossingEnd, type CrossingEvidence, type CrossingOwner } from './crossing.js'
import { GuestConsole } from './guest-console.js'
import { GuestSettings } from './guest-settings.js'
import type { HostMonitor } from './host-monitor.js'
import { LabHosts, type LabHostsOwner } from './lab-hosts.js'
import { LabNetwork } from './lab-network.js'
import type { LineShell } from './line-shell.js'
import { migrationProblem } from './migration-problem.js'
import { OperatorShell, type OperatorDesk } from './operator-shell.js'
import { ProbeClient } from './probe-client.js'
import { probeOfImage } from './probes/probe-of-image.js'
import { guestMac, places, Rack } from './rack.js'
import {
  checkLinks,
  profileProblem,
  refuseProblem,
  scenarioProblem,
  type MigrationScenario,
  type Scenario,
} from './scenario.js'
import { Sniffer } from './sniffer.js'

export type ConsoleName = 'guest' | 'operator' | 'attacker'

export class World implements LabHostsOwner, OperatorDesk, CrossingOwner {
  readonly kernel: Kernel
  readonly rack: Rack
  readonly sniffer: Sniffer
  readonly probe: ProbeClient
  readonly consoles: Readonly<Record<ConsoleName, ConsoleLog>>
  readonly planted: readonly PlantedSecret[]
  migrationSettings: MigrationScenario
  /** What the guest does, and what is done to the network. */
  readonly guest: GuestSettings
  readonly network: LabNetwork
  /** The migration under way, or the last one. */
  crossing: Crossing | null = null
  /** What later migrations keep beyond the trace. */
  evidence: CrossingEvidence = { hashRam: false, recordStream: false }
  private readonly labHosts: LabHosts
  private readonly shells: { readonly operator: OperatorShell; readonly attacker: LineShell }
  private readonly guestConsole: GuestConsole

  constructor(
    readonly scenario: Scenario,
    seed: string,
    private readonly image: Uint8Array,
  ) {
    refuseProblem(scenarioProblem(scenario))
    checkLinks(scenario.links)
    this.kernel = new Kernel(seed)
    const { kernel } = this
    this.guest = new GuestSettings(scenario.guest, kernel.random('guest').u32(), kernel.trace)
    this.migrationSettings = scenario.migration
    this.rack = new Rack(kernel, scenario)
    this.network = new LabNetwork(this.rack, kernel.trace, scenario.bandwidthBps)
    this.labHosts = new LabHosts(kernel, this.rack, scenario, this)
    const { client } = this.rack
    const probe = probeOfImage(scenario.guest.image, kernel, client, parseIpv4(scenario.guest.address))
    this.probe = new ProbeClient(kernel, client.name, probe, scenario.probeIntervalNs)
    this.sniffer = new Sniffer(kernel, this.rack.tap, places.attacker.name)
    this.rack.mirrorEnd.output = this.sniffer
    this.planted = secretsOfImage(scenario.guest.image, this.guest.parameters())
    this.guestConsole = new GuestConsole(kernel.trace)
    this.consoles = { guest: this.guestConsole.log, operator: new ConsoleLog(), attacker: new ConsoleLog() }
    this.shells = { operator: new OperatorShell(kernel, this), attacker: new AttackerShell(kernel, this.sniffer) }
    this.shells.operator.start('Two hosts, one machine. Type help.\n')
    this.shells.attacker.start("Copies of every frame at Host A's port\narrive here. Type help.\n")
    this.collectShellOutput()
  }

  /** The migration under way. */
  get crossingUnderWay(): Crossing | null {
    return this.crossing?.isOver === false ? this.crossing : null
  }

  get profile(): HypervisorProfile {
    return profiles[this.scenario.profile]
  }

  get guestName(): string {
    return this.scenario.guest.name
  }

  get guestRamOctets(): number {
    return this.scenario.guest.ramOctets
  }

  get hosts(): readonly Host[] {
    return this.labHosts.hosts
  }

  get hostNames(): readonly string[] {
    return this.labHosts.names
  }

  get monitoredHosts(): readonly HostMonitor[] {
    return this.labHosts.monitored
  }

  get monitors(): readonly Monitor[] {
    return this.labHosts.monitors
  }

  /** The one copy of the guest that is alive: the one that runs, or that would go on. Undefined before the first boot. */
  liveVm(): VirtualMachine | undefined {
    return this.crossingUnderWay?.liveVm ?? this.allVms()[0]
  }

  allVms(): readonly VirtualMachine[] {
    return this.hosts.flatMap((host) => host.allVms())
  }

  boot(): void {
    const known = this.liveVm()
    if (known?.hasEnded === false) throw new InputError(`${known.name} is ${known.state} on ${known.hostName} already`)
    const host = known === undefined ? this.hosts[0] : this.labHosts.end(known.hostName)?.host
    assert(host !== undefined, 'a session has hosts')
    if (known !== undefined) host.remove(known)
    const { name, ramOctets, qemuBoard, hasSecrets, diskOctets } = this.scenario.guest
    const tpmSeed = this.kernel.random('tpm').octets(TPM_SEED_OCTETS)
    const disk = known === undefined ? newDisk(diskOctets, this.kernel.random('disk'), hasSecrets) : known.disk
    const options = { name, mac: guestMac, ramOctets, hartHz: HART_HZ, tpmSeed, qemuBoard }
    const vm = host.create(disk === null ? options : { ...options, disk })
    known?.permanentDevices.forEach((device, index) => vm.permanentDevices[index]?.loadState(device.saveState()))
    this.prepareBoot(vm)
    host.plug(vm)
    vm.resume()
    this.probe.start()
  }

  prepareBoot(vm: VirtualMachine): void {
    vm.machine.powerOn()
    vm.machine.loadElf(this.image)
    this.guest.write(vm)
  }

  /** Move the guest to the other host. `once` holds for this migration alone. */
  migrate(destination?: string, once: Partial<MigrationScenario> = {}): void {
    const vm = this.liveVm()
    const name = this.guestName
    if (vm === undefined || vm.hasEnded) throw new InputError(`${name} is not running: boot it first`)
    if (this.crossingUnderWay !== null) throw new InputError(`${name} is being migrated already`)
    if (vm.state !== 'running') throw new InputError(`${name} is ${vm.state}: let it run before it is migrated`)
    const { labHosts } = this
    const from = labHosts.end(vm.hostName)
    const to = destination === undefined ? labHosts.otherThan(vm.hostName) : labHosts.end(destination)
    assert(from !== undefined, 'a VM is on a host')
    if (to === undefined)
      throw new InputError(`there is no host ${destination ?? ''}; there are: ${this.hostNames.join(', ')}`)
    if (to === from) throw new InputError(`${name} is on ${to.host.name} already`)
    const settings = { ...this.migrationSettings, ...once }
    refuseProblem(migrationProblem(settings) ?? profileProblem(this.scenario.profile, settings))
    const { channel, ...parameters } = settings
    const id = (this.crossing?.parts.id ?? 0) + 1
    const options = { ...parameters, returnPath: true }
    const channels = labHosts.channels(channel, from, to)
    const link = labHosts.linkOf(from)
    const parts = { id, from, to, vm, channel, channels, options, link, evidence: this.evidence }
    this.crossing = new Crossing(this.kernel, parts, this)
    this.crossing.start()
  }

  cancelMigration(): void {
    this.migrationUnderWay().cancel()
  }

  private migrationUnderWay(): Crossing {
    if (this.crossingUnderWay === null) throw new InputError('no migration is under way')
    return this.crossingUnderWay
  }

  /** A hybrid migration goes over to post-copy. Each of these throws `InputError` when it cannot be done now. */
  startPostcopy(): void {
    this.migrationUnderWay().startPostcopy()
  }

  pauseMigration(): void {
    this.migrationUnderWay().pause()
  }

  recoverMigration(): void {
    this.migrationUnderWay().recover()
  }

  abandonPostcopy(): void {
    this.migrationUnderWay().abandonPostcopy()
  }

  /** Stop the guest now, whatever is left to send. */
  switchOverNow(): void {
    this.migrationUnderWay().source.switchOverNow()
  }

  /** Go on after a pause before switch-over. */
  continueMigration(): void {
    this.migrationUnderWay().source.continueSwitchover()
  }

  configureMigration(settings: Partial<MigrationScenario>): void {
    const changed = { ...this.migrationSettings, ...settings }
    refuseProblem(migrationProblem(changed) ?? profileProblem(this.scenario.profile, changed))
    this.migrationSettings = changed
    const { downtimeLimitNs, maxBandwidth, maxPostcopyBandwidth, roundsMax, vcpuDirtyLimit } = changed
    const limits = { downtimeLimitNs, maxBandwidth, maxPostcopyBandwidth, roundsMax, vcpuDirtyLimit }
    this.crossingUnderWay?.source.changeLimits(limits)
  }

  suspend(name: string): void {
    const vm = this.named(name)
    if (vm.state !== 'running') throw new InputError(`${name} is ${vm.state}, not running`)
    vm.pause('paused')
  }

  /** Switched off without being asked; what a migration has sent of it is worth nothing then. */
  destroy(name: string): void {
    const vm = this.liveVm()
    if (vm?.name !== name || vm.hasEnded) throw new InputError(`${name} is not running`)
    vm.powerOff()
  }

  resumeVm(name: string): void {
    const vm = this.named(name)
    if (vm.state !== 'paused') throw new InputError(`${name} is ${vm.state}, not paused`)
    vm.resume()
  }

  lastRun(): RunMetrics | undefined {
    return this.runs().at(-1)
  }

  runs(): RunMetrics[] {
    return computeRuns(this.kernel.trace, this.planted)
  }

  /** Characters typed in a terminal. */
  type(console: ConsoleName, text: string): void {
    if (console === 'guest') return this.guestConsole.type(this.liveVm(), text)
    this.shells[console].type(text)
    this.collectShellOutput()
  }

  consoleWrote(vm: VirtualMachine, octets: Uint8Array): void {
    this.guestConsole.wrote(vm, octets)
    // It reads what it echoes, so there may be room again for what is held.
    this.guestConsole.deliver(this.liveVm())
  }

  vmStateChanged(vm: VirtualMachine): void {
    if (vm.state === 'running') this.guestConsole.deliver(this.liveVm())
    if (!vm.hasEnded) return
    this.guestConsole.forget()
    const { crossingUnderWay } = this
    if (vm.state === 'shutdown' && vm === crossingUnderWay?.liveVm) crossingUnderWay.guestShutDown()
  }

  crossingEnded(): void {
    this.guest.tellLate(this.liveVm())
    this.guestConsole.deliver(this.liveVm())
    this.shells.operator.migrationEnded()
  }

  /** A connection came to a host's migration port. Only the one that was announced is let in. */
  connectionArrived(end: CrossingEnd, port: number, stream: ByteStream): void {
    const { crossing } = this
    if (crossing?.expects(end, port, stream) === true) crossing.accept(stream)
    else stream.abort()
  }

  operatorTold(): void {
    this.collectShellOutput()
  }

  private collectShellOutput(): void {
    this.consoles.operator.append(this.shells.operator.takeOutput())
    this.consoles.attacker.append(this.shells.attacker.takeOutput())
  }

  private named(name: string): VirtualMachine {
    const vm = this.liveVm()
    if (vm?.name !== name) throw new InputError(`there is no machine named ${name} running anywhere`)
    if (this.crossingUnderWay !== null) throw new InputError(`${name} is being migrated: wait, or cancel that first`)
    return vm
  }
}
