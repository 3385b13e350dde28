/** Everything that exists in a session: one graph of plain objects, so that it can be kept and forked by copying. */
import { assert, InputError } from '../base/errors.js'
import { newDisk } from '../hypervisor/disk-contents.js'
import type { Attack } from '../attack/reach.js'
import type { Host } from '../hypervisor/host.js'
import type { Monitor } from '../hypervisor/monitor/monitor.js'
import type { HypervisorProfile } from '../hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../hypervisor/profiles/profiles.js'
import type { VirtualMachine, VmOwner } from '../hypervisor/virtual-machine.js'
import { Kernel } from '../kernel/kernel.js'
import type { TimedRow, TraceKind } from '../kernel/trace-tables.js'
import type { TraceWatcher } from '../kernel/trace.js'
import { HART_HZ } from '../machine/machine.js'
import { secretsOfImage } from '../machine/store-secrets.js'
import { TPM_SEED_OCTETS } from '../machine/tpm/tpm-state.js'
import { computeRuns, type PlantedSecret } from '../metrics/compute-runs.js'
import type { RunMetrics } from '../metrics/run-metrics.js'
import { joinPorts } from '../net/frame-port.js'
import { parseIpv4 } from '../net/wire/addresses.js'
import { SSH_PORT } from '../secure/channels.js'
import { AttackerComputer } from './attacker/attacker-computer.js'
import { AttackerNetwork } from './attacker/attacker-host.js'
import type { HypervisorStarter } from './attacker/attacker-jobs.js'
import { AttackerShell } from './attacker/attacker-shell.js'
import { ConsoleLog } from './console-log.js'
import type { Crossing, CrossingOwner } from './crossing.js'
import { GuestConsole } from './guest-console.js'
import { GuestDesk } from './guest-desk.js'
import { GuestSettings } from './guest-settings.js'
import type { HostMonitor } from './host-monitor.js'
import { Doorman, labHosts, openPorts, strangerHost } from './lab-hosts.js'
import { IntruderWatch } from './intruder-watch.js'
import { LabNetwork } from './lab-network.js'
import { ink, type LineShell } from './line-shell.js'
import { OperatorShell, type OperatorDesk } from './operator-shell.js'
import { ProbeClient } from './probe-client.js'
import { probeOfImage } from './probes/probe-of-image.js'
import { guestMac, places, Rack } from './rack.js'
import type { AttackerPosition } from '../attack/catalogue/attack-definition.js'
import {
  checkLinks,
  refuseProblem,
  scenarioProblem,
  defaultScenario,
  hostDefenceNames,
  type HostDefences,
  type Scenario,
} from './scenario.js'
import { Sniffer } from './sniffer.js'

export type ConsoleName = 'guest' | 'operator' | 'attacker'

export class World implements VmOwner, OperatorDesk, CrossingOwner, TraceWatcher, HypervisorStarter {
  readonly kernel: Kernel
  readonly rack: Rack
  readonly sniffer: Sniffer
  /** The attacker's own, at the end of its cable. */
  readonly attacker: AttackerComputer
  readonly probe: ProbeClient
  readonly consoles: Readonly<Record<ConsoleName, ConsoleLog>>
  readonly planted: readonly PlantedSecret[]
  /** What the guest does, and what is done to the network. */
  readonly guest: GuestSettings
  readonly network: LabNetwork
  /** The guest among its hosts. */
  readonly guestDesk: GuestDesk
  readonly hosts: readonly Host[]
  /** One a host, in the hosts' order. */
  readonly monitors: readonly Monitor[]
  private readonly shells: { readonly operator: OperatorShell; readonly attacker: LineShell }
  private readonly guestConsole: GuestConsole
  private readonly intruderWatches = new Map<string, IntruderWatch>()
  /** The attacker's own hypervisor, once it was started. */
  private stranger: { readonly network: AttackerNetwork; readonly monitor: HostMonitor } | null = null

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
    this.rack = new Rack(kernel, scenario)
    this.network = new LabNetwork(this.rack, kernel.trace, scenario.bandwidthBps)
    const hosts = labHosts(kernel, this.rack, scenario, this)
    this.hosts = hosts.map(({ host }) => host)
    const { migration, profile: profileName, measuredCosts } = scenario
    const migrations = { count: 0 }
    this.guestDesk = new GuestDesk(
      kernel,
      {
        ...{ guestName: this.guestName, profileName, places: hosts, migrations, migration },
        ...(measuredCosts === undefined ? {} : { measuredCosts }),
      },
      this,
    )
    this.guestDesk.hostDefences = { ...defaultScenario.hostDefences, ...scenario.hostDefences }
    this.watchCables()
    this.monitors = openPorts(kernel, this.guestDesk)
    const { client } = this.rack
    const probe = probeOfImage(scenario.guest.image, kernel, client, parseIpv4(scenario.guest.address))
    this.probe = new ProbeClient(kernel, client.name, probe, scenario.probeIntervalNs)
    this.sniffer = new Sniffer(kernel, this.rack.tap, places.attacker.name)
    this.attacker = new AttackerComputer(kernel, places.attacker)
    joinPorts(this.attacker, this.rack.attackerEnd)
    this.attacker.listener = this.sniffer
    this.placeAttacker(scenario.attackerPosition)
    kernel.trace.watch('migration-status', this)
    kernel.trace.watch('attack-stage', this)
    this.planted = secretsOfImage(scenario.guest.image, this.guest.parameters())
    this.guestConsole = new GuestConsole(kernel.trace)
    this.consoles = { guest: this.guestConsole.log, operator: new ConsoleLog(), attacker: new ConsoleLog() }
    this.shells = {
      operator: new OperatorShell(kernel, this),
      attacker: new AttackerShell(kernel, this.sniffer, this.attacker, this),
    }
    this.shells.operator.start('Two hosts, one machine. Type help.\n')
    this.shells.attacker.start("Copies of every frame at Host A's port\narrive here. Type help.\n")
    this.collectShellOutput()
  }

  /** The migration under way, or the last one. */
  get crossing(): Crossing | null {
    return this.guestDesk.crossing
  }

  /** The migration under way. */
  get crossingUnderWay(): Crossing | null {
    return this.guestDesk.crossingUnderWay
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
    return this.guestDesk.liveVm()
  }

  allVms(): readonly VirtualMachine[] {
    return this.hosts.flatMap((host) => host.allVms())
  }

  /** Plug the attacker's cable in elsewhere. */
  placeAttacker(position: AttackerPosition): void {
    this.rack.placeAttacker(position)
    // A card that only listens: a mirror's destination takes nothing, and a tap in a switch is not seen to be there.
    this.attacker.hasStation = position === 'access' || position === 'hub'
  }

  /** The guest may be sent to the attacker's computer from now on. */
  startHypervisor(port: number): Attack {
    const { kernel, attacker, rack, guestDesk } = this
    if (port !== this.profile.migrationPort)
      throw new InputError(`hypervisors of this lab send guests to TCP port ${this.profile.migrationPort}`)
    if (this.stranger === null) {
      const network = new AttackerNetwork(attacker)
      const place = strangerHost(kernel, attacker, rack.link(places.attacker.name), network, this.scenario, this)
      this.stranger = { network, monitor: guestDesk.addStranger(place) }
      for (const open of [port, SSH_PORT]) attacker.stack.listen(open, new Doorman(guestDesk, place, open, null))
    }
    const { network, monitor } = this.stranger
    monitor.listenForMigration({ host: '', port: String(port) })
    return network
  }

  /** The attacker's own hypervisor has the guest: what is on it. */
  get strayVm(): VirtualMachine | undefined {
    return this.stranger?.monitor.place.host.vm(this.guestName)
  }

  configureHosts(changes: Partial<HostDefences>): void {
    this.guestDesk.hostDefences = { ...this.guestDesk.hostDefences, ...changes }
    this.watchCables()
    for (const [defence, isOn] of Object.entries(changes))
      for (const { name: host } of this.hosts)
        this.kernel.trace.add('host-defence', {
          host,
          defence: hostDefenceNames[defence as keyof HostDefences],
          isOn: isOn ? 1 : 0,
        })
  }

  /** What was found before is remembered while nobody watches. */
  private watchCables(): void {
    const { kernel, rack, hosts, intruderWatches } = this
    if (!this.guestDesk.hostDefences.intruderWatch) {
      for (const [host, watch] of intruderWatches) rack.links.find(({ name }) => name === host)?.unwatch(watch)
      return
    }
    const stations = [rack.hostA, rack.hostB].map(({ stack: { address, mac } }) => ({ address, mac }))
    for (const { name } of hosts) {
      const watch = intruderWatches.get(name) ?? new IntruderWatch(kernel, name, stations)
      intruderWatches.set(name, watch)
      rack.links.find((link) => link.name === name)?.watch(watch)
    }
  }

  boot(): void {
    const known = this.liveVm()
    if (known?.hasEnded === false) throw new InputError(`${known.name} is ${known.state} on ${known.hostName} already`)
    // A cold migration: what it copies must not change, and its copy boots when it is there.
    if (this.crossingUnderWay !== null)
      throw new InputError(`${this.guestName} is being migrated: wait, or cancel that first`)
    const host = this.hosts.find(({ name }) => name === known?.hostName) ?? this.hosts[0]
    assert(host !== undefined, 'a session has hosts')
    if (known !== undefined) this.guestDesk.hostOf(known)?.remove(known)
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

  /** What an attack tells, or a migration's status. When that is completed the copy at the source is still there, as the guest left it. */
  rowAdded(kind: TraceKind, row: TimedRow<TraceKind>): void {
    if (kind === 'attack-stage') return this.attackTold(row as TimedRow<'attack-stage'>)
    const { migration, status } = row as TimedRow<'migration-status'>
    const { crossing, kernel } = this
    if (status !== 'completed' || crossing === null || crossing.parts.options.strategy === 'cold') return
    const { trace } = kernel
    const startNs = trace.rows('migration-start').find((start) => start.migration === migration)?.atNs ?? 0
    for (const { attacker, stream } of trace.rows('stream-seen', trace.firstAt('stream-seen', startNs))) {
      const octets = this.sniffer.exactOctets(stream, crossing.parts.vm.memory)
      trace.add('recovered-exactly', { attacker, stream, migration, octets })
    }
  }

  private attackTold({ stage, text }: TimedRow<'attack-stage'>): void {
    this.shells.attacker.notify(`${ink.attacker(stage)}: ${text}`)
    this.collectShellOutput()
  }

  crossingEnded(): void {
    this.guest.tellLate(this.liveVm())
    this.guestConsole.deliver(this.liveVm())
    this.shells.operator.migrationEnded()
  }

  operatorTold(): void {
    this.collectShellOutput()
  }

  private collectShellOutput(): void {
    this.consoles.operator.append(this.shells.operator.takeOutput())
    this.consoles.attacker.append(this.shells.attacker.takeOutput())
  }
}
