/** Everything that exists in a session: one graph of plain objects, so that it can be kept and forked by copying. */
import { assert, InputError } from '../base/errors.js'
import { latin1Octets, latin1Text } from '../base/octets.js'
import { Host } from '../hypervisor/host.js'
import { Monitor } from '../hypervisor/monitor/monitor.js'
import { HMP_PORT, MonitorPort } from '../hypervisor/monitor/monitor-ports.js'
import { QMP_PORT } from '../hypervisor/wire/qmp.js'
import { DISK_NAME, fillDisk } from '../hypervisor/disk-contents.js'
import { VirtualDisk } from '../hypervisor/virtual-disk.js'
import type { VirtualMachine, VmOwner } from '../hypervisor/virtual-machine.js'
import type { HypervisorProfile } from '../hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../hypervisor/profiles/profiles.js'
import { Kernel } from '../kernel/kernel.js'
import { defaultsOfImage, writeGuestParameters, type GuestParameters } from '../machine/guest-parameters.js'
import { HART_HZ } from '../machine/machine.js'
import { TPM_SEED_OCTETS } from '../machine/tpm/tpm-state.js'
import { secretsOfImage } from '../machine/store-secrets.js'
import { computeRuns, type PlantedSecret } from '../metrics/compute-runs.js'
import type { RunMetrics } from '../metrics/run-metrics.js'
import type { ByteStream } from '../base/byte-stream.js'
import { parseIpv4 } from '../net/wire/addresses.js'
import { SSH_PORT } from '../secure/channels.js'
import { AttackerShell } from './attacker-shell.js'
import { makeCredentials } from './channel-pair.js'
import { ConsoleLog } from './console-log.js'
import type { Crossing, CrossingEnd, CrossingEvidence, CrossingOwner } from './crossing.js'
import { GuestDesk, type GuestPlace } from './guest-desk.js'
import { checkGuestOptions, guestOptionNames, type GuestOptions } from './guest-options.js'
import type { LineShell } from './line-shell.js'
import { OperatorShell, type OperatorDesk } from './operator-shell.js'
import { ProbeClient } from './probe-client.js'
import { probeOfImage } from './probes/probe-of-image.js'
import { inspect, type Inspection } from './inspection.js'
import { checkLinkConditions, directionOptions, type LinkConditions } from './link-conditions.js'
import { guestMac, places, Rack, RACK_SWITCH, type HostNetwork, type SwitchDefences } from './rack.js'
import {
  bandwidthProblem,
  checkLinkName,
  checkLinks,
  refuseProblem,
  scenarioProblem,
  workloadProblem,
  type LinkName,
  type MigrationScenario,
  type Scenario,
} from './scenario.js'
import { Sniffer } from './sniffer.js'

export type ConsoleName = 'guest' | 'operator' | 'attacker'

export interface GuestWorkload {
  readonly workingSetPages: number
  readonly dirtyPagesPerSecond: number
}

const CONSOLE_LINE_MAX = 500

export class World implements VmOwner, OperatorDesk, CrossingOwner {
  readonly kernel: Kernel
  readonly rack: Rack
  readonly hosts: readonly Host[]
  readonly sniffer: Sniffer
  readonly probe: ProbeClient
  readonly consoles: Readonly<Record<ConsoleName, ConsoleLog>>
  readonly planted: readonly PlantedSecret[]
  workload: GuestWorkload
  guestOptions: Partial<GuestOptions>
  /** The guest among its hosts. */
  private readonly desk: GuestDesk
  /** One a host, in the hosts' order. */
  readonly monitors: readonly Monitor[]

  private readonly shells: { readonly operator: OperatorShell; readonly attacker: LineShell }
  /** Typed on the guest's console while it stood still, or faster than it reads. */
  private heldInput = ''
  private consoleLine = ''
  /** Its parameters changed while it could not be told. */
  private isGuestUntold = false
  private bandwidthBps: number
  private readonly guestSeed: number

  constructor(
    readonly scenario: Scenario,
    seed: string,
    private readonly image: Uint8Array,
  ) {
    refuseProblem(scenarioProblem(scenario))
    checkLinks(scenario.links)
    checkGuestOptions(scenario.guest.image, scenario.guest.options)
    this.guestOptions = scenario.guest.options
    this.kernel = new Kernel(seed)
    const { kernel } = this
    this.bandwidthBps = scenario.bandwidthBps
    this.guestSeed = kernel.random('guest').u32()
    this.workload = {
      workingSetPages: scenario.guest.workingSetPages,
      dirtyPagesPerSecond: scenario.guest.dirtyPagesPerSecond,
    }
    this.rack = new Rack(kernel, scenario)
    const host = (network: HostNetwork): Host =>
      new Host(
        kernel,
        {
          name: network.stack.name,
          coreCount: scenario.coresPerHost,
          ramOctets: scenario.hostRamOctets,
          vcpuSpeed: this.profile.costs.vcpuSpeed,
        },
        network,
        this,
      )
    const [a, b] = [host(this.rack.hostA), host(this.rack.hostB)]
    this.hosts = [a, b]
    const credentials = makeCredentials(kernel, this.hostNames)
    const place = (at: Host, { stack }: HostNetwork): GuestPlace => {
      const link = this.rack.links.find(({ name }) => name === at.name)
      const keys = credentials.find(({ host: name }) => name === at.name)
      assert(link !== undefined && keys !== undefined, 'every host has a cable and keys')
      return { host: at, stack, link, credentials: keys }
    }
    const ends = [place(a, this.rack.hostA), place(b, this.rack.hostB)]
    const { migration, profile: profileName, guest } = scenario
    this.desk = new GuestDesk(
      kernel,
      { guestName: guest.name, profileName, places: ends, migrations: { count: 0 }, migration },
      this,
    )
    for (const end of ends)
      for (const port of [this.profile.migrationPort, SSH_PORT])
        end.stack.listen(port, new Doorman(this.desk, end, port))
    this.monitors = this.desk.monitoredHosts.map((target) => new Monitor(kernel, target))
    ends.forEach(({ stack }, index) => {
      const monitor = this.monitors[index]
      assert(monitor !== undefined, 'every host has a monitor')
      stack.listen(QMP_PORT, new MonitorPort(kernel, monitor, 'qmp'))
      stack.listen(HMP_PORT, new MonitorPort(kernel, monitor, 'hmp'))
    })
    const { client } = this.rack
    const probe = probeOfImage(scenario.guest.image, kernel, client, parseIpv4(scenario.guest.address))
    this.probe = new ProbeClient(kernel, client.name, probe, scenario.probeIntervalNs)
    this.sniffer = new Sniffer(kernel, this.rack.tap, places.attacker.name)
    this.rack.mirrorEnd.output = this.sniffer
    this.planted = secretsOfImage(scenario.guest.image, this.guestParameters())
    this.consoles = { guest: new ConsoleLog(), operator: new ConsoleLog(), attacker: new ConsoleLog() }
    this.shells = { operator: new OperatorShell(kernel, this), attacker: new AttackerShell(kernel, this.sniffer) }
    this.shells.operator.start('Two hosts, one machine. Type help.\n')
    this.shells.attacker.start("Copies of every frame at Host A's port\narrive here. Type help.\n")
    this.collectShellOutput()
  }

  /** The migration under way, or the last one. */
  get crossing(): Crossing | null {
    return this.desk.crossing
  }

  /** The migration under way. */
  get crossingUnderWay(): Crossing | null {
    return this.desk.crossingUnderWay
  }

  get migrationSettings(): MigrationScenario {
    return this.desk.migrationSettings
  }

  /** What later migrations keep beyond the trace. */
  get evidence(): CrossingEvidence {
    return this.desk.evidence
  }
  set evidence(evidence: CrossingEvidence) {
    this.desk.evidence = evidence
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

  get hostNames(): readonly string[] {
    return this.hosts.map(({ name }) => name)
  }

  /** The one copy of the guest that is alive: the one that runs, or that would go on. Undefined before the first boot. */
  liveVm(): VirtualMachine | undefined {
    return this.desk.liveVm()
  }

  allVms(): readonly VirtualMachine[] {
    return this.hosts.flatMap((host) => host.allVms())
  }

  boot(): void {
    const known = this.liveVm()
    if (known?.hasEnded === false) throw new InputError(`${known.name} is ${known.state} on ${known.hostName} already`)
    const host = known === undefined ? this.hosts[0] : this.hosts.find(({ name }) => name === known.hostName)
    assert(host !== undefined, 'a session has hosts')
    if (known !== undefined) host.remove(known)
    const { guest } = this.scenario
    const tpmSeed = this.kernel.random('tpm').octets(TPM_SEED_OCTETS)
    const { name, ramOctets, qemuBoard } = guest
    const disk = known === undefined ? this.newDisk() : known.disk
    const vm = host.create({
      ...{ name, mac: guestMac, ramOctets, hartHz: HART_HZ, tpmSeed, qemuBoard },
      ...(disk === null ? {} : { disk }),
    })
    known?.permanentDevices.forEach((device, index) => vm.permanentDevices[index]?.loadState(device.saveState()))
    this.prepareBoot(vm)
    host.plug(vm)
    vm.resume()
    this.probe.start()
  }

  private newDisk(): VirtualDisk | null {
    const { diskOctets, hasSecrets } = this.scenario.guest
    if (diskOctets === 0) return null
    const disk = new VirtualDisk(DISK_NAME, diskOctets)
    fillDisk(disk, this.kernel.random('disk'), hasSecrets)
    return disk
  }

  prepareBoot(vm: VirtualMachine): void {
    vm.machine.powerOn()
    vm.machine.loadElf(this.image)
    writeGuestParameters(vm.machine.ram, this.guestParameters())
    this.traceWorkload()
  }

  /** Move the guest to the other host. `once` holds for this migration alone. */
  migrate(destination?: string, once: Partial<MigrationScenario> = {}): void {
    const here = this.liveVm()?.hostName
    this.desk.migrate(destination ?? this.hostNames.find((name) => name !== here) ?? '', once)
  }

  // Each of these throws `InputError` when it cannot be done now.

  cancelMigration(): void {
    this.desk.cancelMigration()
  }
  /** A hybrid migration goes over to post-copy. */
  startPostcopy(): void {
    this.desk.startPostcopy()
  }
  pauseMigration(): void {
    this.desk.pauseMigration()
  }
  recoverMigration(): void {
    this.desk.recoverMigration()
  }
  abandonPostcopy(): void {
    this.desk.abandonPostcopy()
  }
  /** Stop the guest now, whatever is left to send. */
  switchOverNow(): void {
    this.desk.switchOverNow()
  }
  /** Go on after a pause before switch-over. */
  continueMigration(): void {
    this.desk.continueMigration()
  }
  configureMigration(settings: Partial<MigrationScenario>): void {
    this.desk.configureMigration(settings)
  }
  suspend(name: string): void {
    this.desk.suspend(name)
  }
  resumeVm(name: string): void {
    this.desk.resumeVm(name)
  }
  /** Switched off without being asked; what a migration has sent of it is worth nothing then. */
  destroy(name: string): void {
    this.desk.destroy(name)
  }

  configureNetwork(bandwidthBps: number): void {
    refuseProblem(bandwidthProblem(bandwidthBps))
    this.bandwidthBps = bandwidthBps
    this.rack.setRate(bandwidthBps)
  }

  /** Changes what is named; frames under way keep their times. */
  configureLink(name: LinkName, conditions: Partial<LinkConditions>): void {
    checkLinkName(name)
    checkLinkConditions(conditions)
    this.rack.link(name).configure(directionOptions(conditions))
    for (const [condition, value] of Object.entries(conditions))
      this.kernel.trace.add('link-condition', { link: name, condition, value })
  }

  linkConditions(name: LinkName): LinkConditions {
    const { delayNs, jitterNs, loss, duplication, reordering, corruption, queueOctetsMax } = this.rack
      .link(name)
      .settings('a-to-b')
    return {
      delayNs,
      jitterNs,
      loss: typeof loss === 'number' ? loss : 0,
      duplication,
      reordering,
      corruption,
      queueOctets: queueOctetsMax,
    }
  }

  /** What is under way on a cable that is cut is lost. */
  cutLink(name: LinkName): void {
    checkLinkName(name)
    const link = this.rack.link(name)
    if (link.isCut) throw new InputError(`the cable of ${name} is cut already`)
    link.cut()
    this.kernel.trace.add('link-state', { link: name, state: 'cut' })
  }

  restoreLink(name: LinkName): void {
    checkLinkName(name)
    const link = this.rack.link(name)
    if (!link.isCut) throw new InputError(`the cable of ${name} is whole`)
    link.restore()
    this.kernel.trace.add('link-state', { link: name, state: 'restored' })
  }

  configureSwitch(changes: Partial<SwitchDefences>): void {
    const defences = { ...this.rack.defences, ...changes }
    this.rack.setDefences(defences)
    for (const [defence, isOn] of Object.entries(changes))
      this.kernel.trace.add('switch-defence', { device: RACK_SWITCH, defence, isOn: isOn ? 1 : 0 })
  }

  /** Throws `InputError` when there is nothing of that name. */
  inspect(kind: Inspection['kind'], name: string): Inspection {
    return inspect(this.rack, kind, name)
  }

  get bandwidth(): number {
    return this.bandwidthBps
  }

  /** A guest that runs reads it at once; one that boots later starts with it. */
  configureWorkload(workload: GuestWorkload): void {
    refuseProblem(workloadProblem({ ...workload, ramOctets: this.scenario.guest.ramOctets }))
    this.workload = workload
    this.tellGuest()
  }

  /** The same, for what only some guests have. */
  configureGuest(options: Partial<GuestOptions>): void {
    checkGuestOptions(this.scenario.guest.image, options)
    this.guestOptions = { ...this.guestOptions, ...options }
    this.tellGuest()
  }

  /** Every option that the guest has, as it is now. */
  allGuestOptions(): Partial<GuestOptions> {
    const { image } = this.scenario.guest
    const parameters = this.guestParameters()
    return Object.fromEntries(guestOptionNames(image).map((name) => [name, parameters[name]]))
  }

  private tellGuest(): void {
    const vm = this.liveVm()
    if (vm === undefined) return
    // The page it reads them from may be on its way.
    this.isGuestUntold = vm.state === 'finish-migrate' || vm.missingPages > 0
    if (this.isGuestUntold) return
    writeGuestParameters(vm.machine.ram, this.guestParameters())
    this.traceWorkload()
  }

  lastRun(): RunMetrics | undefined {
    return this.runs().at(-1)
  }

  runs(): RunMetrics[] {
    return computeRuns(this.kernel.trace, this.planted)
  }

  /** Characters typed in a terminal. For the guest they wait while it stands still, so that none is lost, but not while it is off. */
  type(console: ConsoleName, text: string): void {
    if (console === 'guest') {
      const vm = this.liveVm()
      if (vm === undefined || vm.hasEnded) return
      this.heldInput += text
      this.deliverInput()
      return
    }
    this.shells[console].type(text)
    this.collectShellOutput()
  }

  consoleWrote(vm: VirtualMachine, octets: Uint8Array): void {
    const text = latin1Text(octets)
    this.consoles.guest.append(text)
    for (const character of text) {
      if (character === '\n') {
        this.kernel.trace.add('console-line', { vm: vm.name, text: this.consoleLine })
        this.consoleLine = ''
      } else if (character >= ' ' && this.consoleLine.length < CONSOLE_LINE_MAX) this.consoleLine += character
    }
    // It reads what it echoes, so there may be room again for what is held.
    this.deliverInput()
  }

  vmStateChanged(vm: VirtualMachine): void {
    if (vm.state === 'running') this.deliverInput()
    if (!vm.hasEnded) return
    this.heldInput = ''
    const { crossingUnderWay } = this
    if (vm.state === 'shutdown' && vm === crossingUnderWay?.liveVm) crossingUnderWay.guestShutDown()
  }

  crossingEnded(): void {
    if (this.isGuestUntold) this.tellGuest()
    this.deliverInput()
    this.shells.operator.migrationEnded()
  }

  private deliverInput(): void {
    const vm = this.liveVm()
    if (this.heldInput === '' || vm?.state !== 'running') return
    this.heldInput = this.heldInput.slice(vm.type(latin1Octets(this.heldInput)))
  }

  operatorTold(): void {
    this.collectShellOutput()
  }

  private collectShellOutput(): void {
    this.consoles.operator.append(this.shells.operator.takeOutput())
    this.consoles.attacker.append(this.shells.attacker.takeOutput())
  }

  private guestParameters(): GuestParameters {
    const { guest } = this.scenario
    return {
      ...defaultsOfImage(guest.image),
      seed: this.guestSeed,
      ip: parseIpv4(guest.address),
      fillOctets: guest.fillOctets,
      hasSecrets: guest.hasSecrets,
      tick: 'always',
      workingSetPages: this.workload.workingSetPages,
      pagesPerSecond: this.workload.dirtyPagesPerSecond,
      // A store dirties memory by what is written to it.
      writesPerSecond: this.workload.dirtyPagesPerSecond,
      ...this.guestOptions,
    }
  }

  private traceWorkload(): void {
    this.kernel.trace.add('workload', { vm: this.guestName, ...this.workload })
    for (const [option, value] of Object.entries(this.allGuestOptions()))
      this.kernel.trace.add('guest-option', { vm: this.guestName, option, value: String(value) })
  }
}

/** Stands at a listening port and lets in the connections that were announced, and no others. */
class Doorman {
  constructor(
    private readonly desk: GuestDesk,
    private readonly end: CrossingEnd,
    private readonly port: number,
  ) {}

  connectionAccepted(stream: ByteStream): void {
    if (!this.desk.admit(this.end, this.port, stream)) stream.abort()
  }
}
