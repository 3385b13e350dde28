/** A host of a fleet: its machines, its agent, its management controller, and whether it is on. */
import { InputError } from '../../base/errors.js'
import { seconds, type Nanos } from '../../base/units.js'
import { Host } from '../../hypervisor/host.js'
import type { VirtualMachine, VmOwner } from '../../hypervisor/virtual-machine.js'
import type { AdvertSeal } from '../../defence/advert-seal.js'
import type { CommandGuard } from '../../defence/command-guard.js'
import type { AdvertisedVm, HostHealth } from '../../hypervisor/wire/adverts.js'
import type { Kernel, Process, QueuedEvent } from '../../kernel/kernel.js'
import { HostAgent, type AgentHost } from '../../orchestrator/host-agent.js'
import { ManagementController, type PowerSwitch } from '../../orchestrator/management-controller.js'
import { joinPorts } from '../../net/frame-port.js'
import type { HostStack } from '../../net/host-stack.js'
import type { Ipv4Address } from '../../net/wire/addresses.js'
import { profiles } from '../../hypervisor/profiles/profiles.js'
import type { HostNetwork } from '../rack.js'
import type { FleetScenario } from './fleet-scenario.js'
import { WorkMeter } from './work-meter.js'

/**
 * What an idle server draws of its peak power: about 70 % (Beloglazov, Abawajy, Buyya, "Energy-aware resource allocation
 * heuristics for efficient management of data centers for cloud computing", Future Generation Computer Systems 28, 2012,
 * section 4.2); between that and the peak it goes with the load of its cores.
 */
export const IDLE_POWER_SHARE = 0.7

/** What is drawn is noted this often. */
const METER_NS: Nanos = seconds(1)

export type FleetHostState = 'on' | 'booting' | 'off' | 'failed'

/** What a host asks of the fleet it is part of. */
export interface FleetHostOwner extends VmOwner {
  /** The copy that is alive on that host, or undefined: a copy that is being filled or was left behind is none. */
  liveVmOn(host: string, vm: string): VirtualMachine | undefined
  monitorPortOf(vm: string): number
  /** Throws `InputError` when it cannot be started. */
  startVm(vm: string, host: string): void
  /** The host stopped; its machines are gone. */
  hostStopped(host: FleetHost): void
}

export interface FleetHostParts {
  readonly network: HostNetwork
  /** The management controller's own, beside the host's. */
  readonly controllerStack: HostStack
  readonly orchestrator: Ipv4Address
  readonly scenario: FleetScenario
  /** Null where adverts have no tag. */
  readonly advertSeal: AdvertSeal | null
  /** Of commands to its management controller. */
  readonly guard: CommandGuard
}

export class FleetHost implements AgentHost, PowerSwitch, Process {
  readonly host: Host
  readonly agent: HostAgent
  readonly controller: ManagementController
  state: FleetHostState = 'on'
  health: HostHealth = 'ok'
  private boot: QueuedEvent | null = null
  /** What is advertised, and what its power follows. */
  private readonly advertMeter: WorkMeter
  private readonly powerMeter: WorkMeter

  constructor(
    private readonly kernel: Kernel,
    private readonly parts: FleetHostParts,
    private readonly owner: FleetHostOwner,
  ) {
    const { network, controllerStack, orchestrator, scenario, advertSeal, guard } = parts
    const { cores: coreCount, ram: ramOctets } = scenario.hosts
    this.host = new Host(
      kernel,
      { name: network.stack.name, coreCount, ramOctets, costs: profiles.kvm.costs },
      network,
      owner,
    )
    this.advertMeter = new WorkMeter(kernel, this.host)
    this.powerMeter = new WorkMeter(kernel, this.host)
    const { adverts } = scenario.orchestrator
    this.agent = new HostAgent(kernel, network.stack, this, orchestrator, adverts, advertSeal)
    joinPorts(network.bridge.addPort(), controllerStack)
    this.controller = new ManagementController(controllerStack, this, guard)
  }

  get name(): string {
    return this.host.name
  }
  get stack(): HostStack {
    return this.parts.network.stack
  }
  /** Of its management controller. */
  get controllerStack(): HostStack {
    return this.parts.controllerStack
  }
  get isOn(): boolean {
    return this.state === 'on' || this.state === 'booting'
  }

  /** Agents do not all speak at the same instant. */
  start(advertDelayNs: Nanos): void {
    this.agent.start(advertDelayNs)
    this.tracePower(0)
    this.kernel.schedule(METER_NS, this, { kind: 'meter' })
  }

  handleEvent({ kind }: { readonly kind: string }): void {
    if (kind === 'meter') {
      this.meter()
      this.kernel.schedule(METER_NS, this, { kind: 'meter' })
      return
    }
    this.boot = null
    this.parts.network.connectStack()
    this.agent.start(0)
    this.enter('on')
  }

  powerUp(): void {
    if (this.isOn) return
    this.health = 'ok'
    this.boot = this.kernel.schedule(this.parts.scenario.hosts.bootTime, this, { kind: 'booted' })
    this.enter('booting')
  }

  powerDown(): void {
    this.stop('off')
  }

  commandRefused(reason: string): void {
    this.kernel.trace.add('command-refused', { host: this.name, reason })
  }

  /** It stops at once, and draws power all the same. */
  fail(): void {
    if (this.state === 'on') this.stop('failed')
  }

  changeHealth(health: HostHealth): void {
    this.health = health
    this.kernel.trace.add('host-health', { host: this.name, health })
  }

  /** As new; what was on it is gone all the same. */
  mend(): void {
    if (this.health !== 'ok') this.changeHealth('ok')
    this.powerUp()
  }

  startVm(name: string): void {
    if (this.owner.liveVmOn(this.name, name) !== undefined) return
    if (this.state !== 'on') throw new InputError(`${this.name} is ${this.state}`)
    this.owner.startVm(name, this.name)
  }

  resources(): ReturnType<AgentHost['resources']> {
    const { host, owner, name, health } = this
    const { coreCount: cores, ramOctets } = host.options
    const { busyShare, vmShares } = this.advertMeter.read()
    const vms: AdvertisedVm[] = []
    for (const [vm, share] of vmShares)
      if (owner.liveVmOn(name, vm.name) === vm) {
        const size = { name: vm.name, ramOctets: vm.options.ramOctets }
        vms.push({ ...size, busyShare: share, monitorPort: owner.monitorPortOf(vm.name) })
      }
    const freeRamOctets = Math.max(0, host.freeRamOctets())
    const controllerAddress = this.controllerStack.address
    return { host: name, health, cores, busyShare, ramOctets, freeRamOctets, controllerAddress, vms }
  }

  private stop(state: 'off' | 'failed'): void {
    if (this.state === state) return
    this.kernel.cancel(this.boot)
    this.boot = null
    this.agent.stop()
    this.parts.network.disconnectStack()
    this.enter(state)
    this.owner.hostStopped(this)
  }

  private enter(state: FleetHostState): void {
    this.state = state
    this.meter()
  }

  private meter(): void {
    this.tracePower(this.powerMeter.read().busyShare)
  }

  private tracePower(busyShare: number): void {
    const { peakWatts } = this.parts.scenario.hosts
    const watts = this.state === 'off' ? 0 : peakWatts * (IDLE_POWER_SHARE + (1 - IDLE_POWER_SHARE) * busyShare)
    this.kernel.trace.add('host-power', { host: this.name, state: this.state, busyShare, watts })
  }
}
