/** A fleet: hosts at one switch, guests on them, and an orchestrator that moves them. One graph of objects, kept by copying. */
import { assert, InputError } from '../../base/errors.js'
import type { ByteStream } from '../../base/byte-stream.js'
import { latin1Text } from '../../base/octets.js'
import { milliseconds, type Nanos } from '../../base/units.js'
import type { VirtualMachine } from '../../hypervisor/virtual-machine.js'
import { Kernel, type Process } from '../../kernel/kernel.js'
import { joinPorts } from '../../net/frame-port.js'
import { Link } from '../../net/link.js'
import { Switch } from '../../net/switch/switch.js'
import { Tap } from '../../net/tap.js'
import type { TcpListener } from '../../net/tcp/tcp-layer.js'
import { parseIpv4 } from '../../net/wire/addresses.js'
import type { ConfiguredHost } from '../../orchestrator/known-hosts.js'
import { Orchestrator } from '../../orchestrator/orchestrator.js'
import { MIGRATION_PORT } from '../../secure/channels.js'
import { AdvertSeal } from '../../defence/advert-seal.js'
import { CommandGuard } from '../../defence/command-guard.js'
import { AttackerComputer } from '../attacker/attacker-computer.js'
import { makeCredentials } from '../channel-pair.js'
import { makeIpsec } from '../lab-hosts.js'
import type { Crossing } from '../crossing.js'
import type { GuestPlace, MigrationCounter } from '../guest-desk.js'
import { HostNetwork, hostStack, places, type Place, type StackScenario } from '../rack.js'
import { defaultScenario } from '../scenario.js'
import { FleetGuest, isLive } from './fleet-guest.js'
import { FleetHost, type FleetHostOwner } from './fleet-host.js'
import { fleetGuests, fleetHostNames, type FleetEvent, type FleetScenario } from './fleet-scenario.js'

const ORCHESTRATOR: Place = station('orchestrator', 3, 1)

/** Stations of a fleet are numbered: 10.0.0.x hosts, 10.0.1.x their management controllers, 10.0.2.x guests. */
function station(name: string, kind: number, number: number): Place {
  const hex = (value: number): string => value.toString(16).padStart(2, '0')
  return { name, address: `10.0.${kind}.${number}`, mac: `02:00:00:00:${hex(kind)}:${hex(number)}`, prefixLength: 16 }
}

const ATTACKER = { name: places.attacker.name, address: '10.0.4.66', mac: '02:00:00:00:04:66' } as const
const KEY_OCTETS = 32

function sealOf(kernel: Kernel, hosts: readonly string[]): AdvertSeal {
  const keys = new Map(hosts.map((host) => [host, kernel.random(`${host}/advert-key`).octets(KEY_OCTETS)]))
  return new AdvertSeal(keys)
}

interface FleetPlace extends GuestPlace {
  readonly fleetHost: FleetHost
}

/** What the scenario has happen at an instant. */
type Happening =
  | { readonly kind: 'load'; readonly guest: FleetGuest; readonly load: number }
  | { readonly kind: 'event'; readonly what: FleetEvent }

/** What a person may do while the fleet runs: an event of a scenario, now. */
export type FleetCommand = Omit<FleetEvent, 'at'>

export class Fleet implements FleetHostOwner, Process {
  readonly kernel: Kernel
  readonly orchestrator: Orchestrator
  readonly hosts: readonly FleetHost[]
  readonly guests: readonly FleetGuest[]
  /** What passes the orchestrator's port. */
  readonly tap: Tap
  readonly links: readonly Link[]
  /** Where a scenario has one. */
  readonly attacker: AttackerComputer | null
  /** What was done by hand: the same run again is the same scenario with these events. */
  readonly done: FleetEvent[] = []
  private readonly places: readonly FleetPlace[]
  private readonly migrations: MigrationCounter = { count: 0 }

  constructor(
    readonly scenario: FleetScenario,
    readonly image: Uint8Array,
    seed: string = scenario.seed,
  ) {
    this.kernel = new Kernel(seed)
    const { kernel } = this
    const { bandwidth: bandwidthBps, latency: latencyNs } = scenario.network
    const wires: StackScenario = { bandwidthBps, latencyNs, tcp: defaultScenario.tcp }
    const rackSwitch = new Switch(kernel, 's1')
    const cable = (name: string): Link => {
      const link = new Link(kernel, name, { rateBps: bandwidthBps, delayNs: Math.floor(latencyNs / 2) })
      joinPorts(link.b, rackSwitch.addPort())
      return link
    }
    const own = cable(ORCHESTRATOR.name)
    const stack = hostStack(kernel, ORCHESTRATOR, own, wires)
    joinPorts(stack, own.a)
    this.tap = new Tap(kernel, `port of ${ORCHESTRATOR.name}`)
    own.watch(this.tap)
    const names = fleetHostNames(scenario)
    const advertSeal = scenario.orchestrator.signedAdverts ? sealOf(kernel, names) : null
    const { commands: scheme } = scenario.orchestrator
    const key = scheme === 'none' ? new Uint8Array(0) : kernel.random('commands/key').octets(KEY_OCTETS)
    const guardOf = (name: string): CommandGuard =>
      new CommandGuard({ scheme, key, clock: kernel, random: kernel.random(`${name}/challenges`) })
    const credentials = makeCredentials(kernel, names)
    this.places = names.map((name, index): FleetPlace => {
      const link = cable(name)
      const network = new HostNetwork(kernel, station(name, 0, index + 1), link, wires)
      const controllerStack = hostStack(kernel, station(`${name}-controller`, 1, index + 1), link, wires)
      const parts = {
        network,
        controllerStack,
        orchestrator: parseIpv4(ORCHESTRATOR.address),
        scenario,
        advertSeal,
        guard: guardOf(name),
      }
      const fleetHost = new FleetHost(kernel, parts, this)
      const keys = credentials[index]
      assert(keys !== undefined, 'every host has credentials')
      const { host } = fleetHost
      const ipsec = makeIpsec(kernel, host, network.stack, keys)
      return { fleetHost, host, stack: network.stack, link, credentials: keys, ipsec }
    })
    this.hosts = this.places.map(({ fleetHost }) => fleetHost)
    this.links = [own, ...this.places.map(({ link }) => link)]
    this.attacker =
      scenario.attacker === 'none' ? null : new AttackerComputer(kernel, { ...ATTACKER, prefixLength: 16 })
    if (this.attacker !== null) {
      const link = cable(ATTACKER.name)
      joinPorts(this.attacker, link.a)
      this.links = [...this.links, link]
      rackSwitch.floodsAll = scenario.attacker === 'hub'
    }
    const { migrations, places } = this
    this.guests = fleetGuests(scenario).map(
      (plan, index) => new FleetGuest(kernel, { index, plan, places, migrations, image }, this),
    )
    for (const place of places) place.stack.listen(MIGRATION_PORT, new MigrationDoor(this, place))
    this.orchestrator = new Orchestrator(kernel, stack, {
      policy: scenario.policy,
      advertIntervalNs: scenario.orchestrator.adverts,
      decisionIntervalNs: scenario.orchestrator.decisions,
      hosts: this.places.map((place) => this.configured(place)),
      guard: guardOf(ORCHESTRATOR.name),
    })
    this.orchestrator.verifier = advertSeal
    this.begin()
  }

  get nowNs(): Nanos {
    return this.kernel.nowNs
  }

  runUntil(untilNs: Nanos): void {
    this.kernel.runUntil(untilNs)
  }

  /**
   * Do something now, or rather a nanosecond later, at an instant that nothing else has: there its place among other events is the
   * same when it is one of the scenario's. Throws `InputError`, having changed nothing, when it cannot be done.
   */
  do(command: FleetCommand): void {
    const host = this.hosts.find(({ name }) => name === command.host)
    if (host === undefined) throw new InputError(`there is no ${command.host}`)
    if (command.mended === undefined && host.state !== 'on') throw new InputError(`${host.name} is ${host.state}`)
    const { kernel } = this
    let isTaken = true
    while (isTaken) {
      isTaken = kernel.nextEventNs() === this.nowNs + 1
      kernel.runUntil(this.nowNs + 1)
    }
    const event = { ...command, at: this.nowNs }
    this.done.push(event)
    this.happen(event)
  }

  get isMigrating(): boolean {
    return this.guests.some(({ desk }) => desk.crossingUnderWay !== null)
  }

  /** The guest's host at present, or null when no copy of it is alive. */
  hostOf(guest: FleetGuest): string | null {
    const vm = guest.desk.liveVm()
    return isLive(vm) ? vm.hostName : null
  }

  handleEvent(event: Happening): void {
    if (event.kind === 'load') event.guest.changeLoad(event.load)
    else this.happen(event.what)
  }

  liveVmOn(host: string, vm: string): VirtualMachine | undefined {
    const live = this.guest(vm).desk.liveVm()
    return isLive(live) && live.hostName === host ? live : undefined
  }

  monitorPortOf(vm: string): number {
    return this.guest(vm).monitorPort
  }

  startVm(vm: string, host: string): void {
    this.guest(vm).start(host)
  }

  hostStopped({ host }: FleetHost): void {
    for (const vm of host.allVms()) {
      const { desk } = this.guest(vm.name)
      const crossing = desk.crossingUnderWay
      if (crossing === null) {
        if (!vm.hasEnded) vm.powerOff()
        host.remove(vm)
      } else if (crossing.liveVm === vm) {
        vm.powerOff()
      } else if (crossing.incoming === vm) crossing.cancel()
      // What was left behind, of a guest that lives elsewhere, is about to go anyway.
    }
  }

  consoleWrote(vm: VirtualMachine, octets: Uint8Array): void {
    this.guest(vm.name).console.append(latin1Text(octets))
  }

  vmStateChanged(vm: VirtualMachine): void {
    const crossing = this.guest(vm.name).desk.crossingUnderWay
    if (vm.state === 'shutdown' && vm === crossing?.liveVm) crossing.guestShutDown()
  }

  /** A host that stopped meanwhile keeps nothing. */
  crossingEnded({ parts, incoming }: Crossing): void {
    for (const [{ host }, vm] of [
      [parts.from, parts.vm],
      [parts.to, incoming],
    ] as const) {
      const isOn = this.hosts.find(({ name }) => name === host.name)?.state === 'on'
      if (isOn || host.vm(vm.name) !== vm) continue
      if (!vm.hasEnded && vm.state !== 'postmigrate') vm.powerOff()
      host.remove(vm)
    }
  }

  connectionArrived(place: GuestPlace, stream: ByteStream): void {
    if (!this.guests.some(({ desk }) => desk.admit(place, MIGRATION_PORT, stream))) stream.abort()
  }

  private begin(): void {
    const { kernel, hosts, guests, scenario } = this
    const random = kernel.random('adverts')
    for (const host of hosts) host.start(random.below(scenario.orchestrator.adverts))
    fleetGuests(scenario).forEach((plan, index) => {
      const guest = guests[index]
      assert(guest !== undefined, 'every plan has its guest')
      guest.start(plan.host)
      for (const { at, load } of plan.loads) this.schedule(at, { kind: 'load', guest, load })
    })
    for (const what of scenario.events) this.schedule(what.at, { kind: 'event', what })
  }

  /** What the orchestrator knows of a host beforehand. */
  private configured({ fleetHost: { name, host, controllerStack }, stack: { address } }: FleetPlace): ConfiguredHost {
    const { coreCount: cores, ramOctets } = host.options
    const vms = this.guests
      .filter(({ plan }) => plan.host === name)
      .map((guest) => ({ name: guest.name, ramOctets: guest.plan.ramOctets, monitorPort: guest.monitorPort }))
    return { host: name, address, controllerAddress: controllerStack.address, cores, ramOctets, vms }
  }

  private schedule(atNs: Nanos, event: Happening): void {
    this.kernel.scheduleAt(atNs, this, event)
  }

  private happen({ host: name, health, fails, adverts, mended }: FleetEvent): void {
    const host = this.hosts.find((one) => one.name === name)
    assert(host !== undefined, 'events name hosts that are there')
    if (health !== undefined) host.changeHealth(health)
    if (fails === true) host.fail()
    if (mended === true) host.mend()
    if (adverts === 'lost') host.agent.stop()
    else if (adverts === 'sent' && host.state === 'on') host.agent.start(milliseconds(1))
  }

  private guest(name: string): FleetGuest {
    const found = this.guests.find((guest) => guest.name === name)
    assert(found !== undefined, `${name} is a guest of this fleet`)
    return found
  }
}

/** Stands at a host's migration port and shows connections in. */
class MigrationDoor implements TcpListener {
  constructor(
    private readonly fleet: Fleet,
    private readonly place: GuestPlace,
  ) {}

  connectionAccepted(stream: ByteStream): void {
    this.fleet.connectionArrived(this.place, stream)
  }
}
