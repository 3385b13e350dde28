/**
 * Places the machines of a fleet: it hears the hosts' adverts, asks its policy every few seconds what to do, and does it, by
 * messages over the network alone. It is a machine of that network like others, and believes what it is told.
 */
import { assert, WireError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import type { CommandGuard } from '../defence/command-guard.js'
import { ADVERT_PORT, decodeAdvert, type ReceivedAdvert } from '../hypervisor/wire/adverts.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import type { HostStack } from '../net/host-stack.js'
import type { ReceivedDatagram, UdpListener } from '../net/udp.js'
import { ipv4Text } from '../net/wire/addresses.js'
import { Fence, type FenceOutcome, type FenceOwner } from './fence.js'
import { KnownHosts, type ConfiguredHost, type HostRecord } from './known-hosts.js'
import { Move, type MoveEnd, type MoveOwner } from './move.js'
import type { FleetView, HostStanding, Proposal } from './placement-policy.js'
import { policies, type PolicyName } from './policies/policies.js'
import { PowerOrder, type PowerOrderOwner } from './power-order.js'
import { Restart, type RestartOwner } from './restart.js'

export interface OrchestratorOptions {
  readonly policy: PolicyName
  /** Between two adverts of a host, and between two decisions. */
  readonly advertIntervalNs: Nanos
  readonly decisionIntervalNs: Nanos
  readonly hosts: readonly ConfiguredHost[]
  /** Of commands to management controllers. */
  readonly guard: CommandGuard
}

/** Looks at the MAC of an advert, where adverts have one. */
export interface AdvertVerifier {
  accepts(received: ReceivedAdvert): boolean
}

/** Every so many adverts of a host, one is traced. */
const TRACE_EVERY = 5

const DECIDE: KernelEvent = Object.freeze({ kind: 'decide' })
const DECIDE_ONCE: KernelEvent = Object.freeze({ kind: 'decide-once' })

export class Orchestrator implements UdpListener, Process, MoveOwner, FenceOwner, RestartOwner, PowerOrderOwner {
  /** Adverts that did not decode, were refused, or were no newer than what is known; all were dropped. */
  readonly dropped = { malformed: 0, unverified: 0, stale: 0 }
  verifier: AdvertVerifier | null = null
  private readonly hosts: KnownHosts
  private readonly moves = new Map<string, Move>()
  private readonly restarts = new Map<string, Restart>()
  private readonly fences = new Set<string>()
  private decisions = 0
  private isDecisionDue = false

  constructor(
    private readonly kernel: Kernel,
    private readonly stack: HostStack,
    private readonly options: OrchestratorOptions,
  ) {
    this.hosts = new KnownHosts(options.advertIntervalNs)
    for (const host of options.hosts) this.hosts.expect(host)
    stack.udp.listen(ADVERT_PORT, this)
    kernel.schedule(options.decisionIntervalNs, this, DECIDE)
  }

  view(): FleetView {
    return this.hosts.view(this.kernel.nowNs)
  }

  datagramReceived({ source, payload }: ReceivedDatagram): void {
    let received: ReceivedAdvert
    try {
      received = decodeAdvert(payload)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.dropped.malformed++
      return
    }
    const { advert } = received
    if (typeof source !== 'number' || this.verifier?.accepts(received) === false) {
      this.dropped.unverified++
      if (typeof source === 'number')
        this.kernel.trace.add('advert-refused', { host: advert.host, source: ipv4Text(source) })
      return
    }
    const healthBefore = this.hosts.get(advert.host)?.health ?? 'ok'
    const verdict = this.hosts.take(advert, source, this.kernel.nowNs)
    if (verdict === 'stale') this.dropped.stale++
    else {
      const { host, sequence, busyShare, freeRamOctets, health, vms } = advert
      if (verdict !== 'heard')
        this.traceStanding(host, 'up', verdict === 'new' ? 'heard for the first time' : 'heard again')
      if (verdict !== 'heard' || health !== healthBefore || sequence % TRACE_EVERY === 0)
        this.kernel.trace.add('host-advert', { host, sequence, busyShare, freeRamOctets, vms: vms.length, health })
      // A warning does not wait for the next round.
      if (health !== healthBefore) this.decideSoon()
    }
  }

  handleEvent(event: KernelEvent): void {
    if (event === DECIDE) this.kernel.schedule(this.options.decisionIntervalNs, this, DECIDE)
    else this.isDecisionDue = false
    for (const { name, isHeard } of this.hosts.sweep(this.kernel.nowNs))
      this.traceStanding(name, 'silent', isHeard ? 'its adverts stopped' : 'its adverts never came')
    for (const proposal of policies[this.options.policy](this.view())) this.carryOut(proposal)
  }

  moveEnded(move: Move): void {
    const { decision, vm, from, to } = move.order
    const { outcome, reason, startNs, downtimeNs } = move
    assert(outcome !== null, 'a move that ended has an outcome')
    const { nowNs } = this.kernel
    this.moves.delete(vm)
    for (const { host } of [from, to]) {
      const record = this.record(host)
      record.moves--
      record.changed(nowNs)
    }
    if (outcome === 'completed' || outcome === 'unknown')
      this.hosts.place(vm, from.host, to.host, outcome === 'completed')
    else this.hosts.refuse(vm, to.host, nowNs)
    const ends = { source: from.host, destination: to.host }
    this.kernel.trace.add('fleet-move', { decision, vm, ...ends, outcome, reason, startNs, downtimeNs })
    this.decideSoon()
  }

  fenceEnded({ fenced: { host } }: Fence, outcome: FenceOutcome): void {
    this.fences.delete(host)
    const record = this.record(host)
    record.changed(this.kernel.nowNs)
    if (outcome !== 'dead' || record.standing !== 'silent') return
    record.standing = 'dead'
    this.traceStanding(host, 'dead', 'its management controller says that it is off')
  }

  restartEnded({ order: { vm, from, to }, outcome, reason }: Restart): void {
    assert(outcome !== null, 'a restart that ended has an outcome')
    this.restarts.delete(vm)
    if (outcome === 'refused') this.hosts.refuse(vm, to.host, this.kernel.nowNs)
    else this.hosts.place(vm, from, to.host, outcome === 'started')
    this.record(to.host).changed(this.kernel.nowNs)
    this.kernel.trace.add('fleet-restart', { vm, source: from, destination: to.host, outcome, reason })
    this.decideSoon()
  }

  powerOrderEnded({ host, wanted }: PowerOrder, isDone: boolean): void {
    if (isDone) return
    // It is as it was before, as far as anybody knows.
    const record = this.record(host)
    record.standing = wanted === 'on' ? 'off' : 'up'
    this.traceStanding(host, record.standing, 'its management controller does not answer')
  }

  private carryOut(proposal: Proposal): void {
    switch (proposal.kind) {
      case 'move':
        if (this.moves.has(proposal.vm)) return
        return this.beginMove(proposal.vm, this.record(proposal.from), this.record(proposal.to), this.decided(proposal))
      case 'restart': {
        if (this.restarts.has(proposal.vm) || this.moves.has(proposal.vm)) return
        this.decided(proposal)
        const order = { vm: proposal.vm, from: proposal.from, to: endOf(this.record(proposal.to)) }
        this.restarts.set(proposal.vm, new Restart(this.kernel, this.stack, order, this))
        return
      }
      case 'fence':
        if (this.fences.has(proposal.host)) return
        this.decided(proposal)
        return this.beginFence(this.record(proposal.host))
      case 'power-on':
      case 'power-off':
        this.decided(proposal)
        this.switchPower(this.record(proposal.host), proposal.kind === 'power-on' ? 'on' : 'off')
    }
  }

  private beginMove(vm: string, source: HostRecord, destination: HostRecord, decision: number): void {
    const monitorPort = source.vms.find(({ name }) => name === vm)?.monitorPort
    assert(monitorPort !== undefined, 'a machine that is moved was advertised')
    source.moves++
    destination.moves++
    const order = { decision, vm, from: endOf(source), to: endOf(destination), monitorPort }
    this.moves.set(vm, new Move(this.kernel, this.stack, order, this))
  }

  private beginFence({ name: host, address, advert, vms }: HostRecord): void {
    const [first] = vms
    assert(first !== undefined, 'only a host with machines is fenced')
    const { controllerAddress: controller } = advert
    this.fences.add(host)
    new Fence(
      this.kernel,
      this.stack,
      { host, address, controller, monitorPort: first.monitorPort },
      this.options.guard,
      this,
    )
  }

  private switchPower(record: HostRecord, wanted: 'on' | 'off'): void {
    record.standing = wanted === 'on' ? 'starting' : 'off'
    record.changed(this.kernel.nowNs)
    this.traceStanding(record.name, record.standing, 'switched by the orchestrator')
    new PowerOrder(
      this.kernel,
      this.stack,
      record.name,
      record.advert.controllerAddress,
      wanted,
      this.options.guard,
      this,
    )
  }

  /** Writes the decision down; returns its number. */
  private decided(proposal: Proposal): number {
    const { kind, reason } = proposal
    const decision = ++this.decisions
    const subject =
      'vm' in proposal
        ? { vm: proposal.vm, source: proposal.from, destination: proposal.to }
        : { vm: '', source: proposal.host, destination: '' }
    this.kernel.trace.add('fleet-decision', { decision, policy: this.options.policy, kind, ...subject, reason })
    return decision
  }

  private decideSoon(): void {
    if (this.isDecisionDue) return
    this.isDecisionDue = true
    this.kernel.schedule(0, this, DECIDE_ONCE)
  }

  private traceStanding(host: string, standing: HostStanding, reason: string): void {
    this.kernel.trace.add('host-standing', { host, standing, reason })
  }

  private record(name: string): HostRecord {
    const record = this.hosts.get(name)
    assert(record !== undefined, `${name} was heard of`)
    return record
  }
}

const endOf = ({ name, address }: HostRecord): MoveEnd => ({ host: name, address })
