/** A guest of a fleet: started, moved, lost and started anew, with what it wrote on its console. */
import { InputError } from '../../base/errors.js'
import { octetsOfHex } from '../../base/octets.js'
import { Monitor } from '../../hypervisor/monitor/monitor.js'
import { MonitorPort } from '../../hypervisor/monitor/monitor-ports.js'
import type { HostMonitor } from '../host-monitor.js'
import type { VirtualMachine } from '../../hypervisor/virtual-machine.js'
import type { Kernel } from '../../kernel/kernel.js'
import { STRESS_DEFAULTS, writeGuestParameters, type GuestParameters } from '../../machine/guest-parameters.js'
import { TPM_SEED_OCTETS } from '../../machine/tpm/tpm-state.js'
import type { ByteStream } from '../../base/byte-stream.js'
import type { TcpListener } from '../../net/tcp/tcp-layer.js'
import { ConsoleLog } from '../console-log.js'
import type { CrossingOwner } from '../crossing.js'
import { GuestDesk, type GuestPlace, type MigrationCounter } from '../guest-desk.js'
import { defaultScenario } from '../scenario.js'
import type { FleetGuestPlan } from './fleet-scenario.js'

/**
 * Of a fleet's guests: slow processors, so that many of them can be computed. A guest in this lab is loaded by making it rewrite
 * memory; at one visit of a page it executes about so many instructions (measured; the guest's settings are below).
 */
const HART_HZ = 2e6
const INSTRUCTIONS_PER_VISIT = 1430
const WORKING_SET_PAGES = 32
const OCTETS_PER_VISIT = 1024

/** The monitors of the first guest's processes listen at this port of every host, the second's at the next. */
const MONITOR_PORT_FIRST = 4500

export interface FleetGuestParts {
  readonly index: number
  readonly plan: FleetGuestPlan
  readonly places: readonly GuestPlace[]
  readonly migrations: MigrationCounter
  readonly image: Uint8Array
}

export class FleetGuest implements CrossingOwner {
  readonly desk: GuestDesk
  readonly console = new ConsoleLog()
  /** The share of its processor that it is to keep busy. */
  load: number
  /** Its load changed while it could not be told. */
  private isUntold = false
  private readonly seed: number

  constructor(
    private readonly kernel: Kernel,
    private readonly parts: FleetGuestParts,
    private readonly owner: Pick<CrossingOwner, 'crossingEnded'>,
  ) {
    const { plan, places, migrations } = parts
    this.load = plan.load
    this.seed = kernel.random(`guest/${plan.name}`).u32()
    const { migration } = defaultScenario
    this.desk = new GuestDesk(kernel, { guestName: plan.name, profileName: 'kvm', places, migrations, migration }, this)
    places.forEach(({ stack }, index) => {
      const target = this.desk.monitoredHosts[index]
      if (target !== undefined) stack.listen(this.monitorPort, new MonitorDoor(kernel, target))
    })
  }

  get plan(): FleetGuestPlan {
    return this.parts.plan
  }
  get name(): string {
    return this.plan.name
  }
  get monitorPort(): number {
    return MONITOR_PORT_FIRST + this.parts.index
  }

  /** Throws `InputError` when it lives already, or the host has no room. */
  start(hostName: string): void {
    const { plan, places, index } = this.parts
    const known = this.desk.liveVm()
    // QEMU locks the image of a machine's disk (block/file-posix.c), so that no second one starts from it.
    if (known?.hasEnded === false || this.desk.crossingUnderWay !== null)
      throw new InputError(`${this.name}: Failed to get "write" lock: is another process using the image?`)
    const place = places.find(({ host }) => host.name === hostName)
    if (place === undefined) throw new InputError(`there is no host ${hostName}`)
    const { host } = place
    // What is left of a machine that ended is in nobody's way.
    if (known !== undefined) places.find((one) => one.host.name === known.hostName)?.host.remove(known)
    const mac = octetsOfHex(`5254000002${index.toString(16).padStart(2, '0')}`)
    const tpmSeed = this.kernel.random(`tpm/${this.name}`).octets(TPM_SEED_OCTETS)
    const vm = host.create({
      name: this.name,
      mac,
      ramOctets: plan.ramOctets,
      hartHz: HART_HZ,
      tpmSeed,
      coreCap: plan.cap,
    })
    this.prepareBoot(vm)
    host.plug(vm)
    vm.resume()
  }

  prepareBoot(vm: VirtualMachine): void {
    vm.machine.loadElf(this.parts.image)
    writeGuestParameters(vm.machine.ram, this.parameters())
  }

  /** From now on, or from when it can be told. */
  changeLoad(load: number): void {
    this.load = load
    this.tell()
  }

  crossingEnded(...[crossing]: Parameters<CrossingOwner['crossingEnded']>): void {
    if (this.isUntold) this.tell()
    this.owner.crossingEnded(crossing)
  }

  private tell(): void {
    const vm = this.desk.liveVm()
    if (vm === undefined || vm.hasEnded) return
    // The page it reads them from may be on its way.
    this.isUntold = vm.state !== 'running' || vm.missingPages > 0
    if (!this.isUntold) writeGuestParameters(vm.machine.ram, this.parameters())
  }

  private parameters(): GuestParameters {
    return {
      ...STRESS_DEFAULTS,
      seed: this.seed,
      ip: 0x0a00_0200 + this.parts.index + 1,
      tick: 'always',
      workingSetPages: WORKING_SET_PAGES,
      hotPages: 8,
      content: 'random',
      octetsPerPage: OCTETS_PER_VISIT,
      pagesPerSecond: Math.round((this.load * HART_HZ) / INSTRUCTIONS_PER_VISIT),
    }
  }
}

/** A QEMU process that nobody asks anything needs no monitor yet. */
class MonitorDoor implements TcpListener {
  private port: MonitorPort | null = null

  constructor(
    private readonly kernel: Kernel,
    private readonly target: HostMonitor,
  ) {}

  connectionAccepted(stream: ByteStream): void {
    this.port ??= new MonitorPort(this.kernel, new Monitor(this.kernel, this.target), 'qmp')
    this.port.connectionAccepted(stream)
  }
}

/** Whether it is one that lives here: neither filled by a migration nor left behind by one. */
export function isLive(vm: VirtualMachine | undefined): vm is VirtualMachine {
  return vm !== undefined && !vm.hasEnded
}
