import type { FrameSink } from '../../base/frame-sink.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../../kernel/kernel.js'
import { recycleFrame } from '../frame-pool.js'
import type { FramePort } from '../frame-port.js'
import { tellWitnesses, withoutWitness, withWitness, type FrameWitness } from '../frame-witness.js'
import { macText } from '../wire/addresses.js'
import { MAC_TYPES } from './mac-table.js'
import { type PortOptions, type PortSettings } from './port-options.js'
import { PortSecurity } from './port-security.js'
import type { Switch } from './switch.js'
import { TrunkNegotiation } from './trunk-negotiation.js'
import { parseVlans, type VlanSet } from './vlan-set.js'

/** Why a port dropped a frame that came into it (the last two: that was to leave by it). */
export const DROP_REASONS = [
  'runt',
  'port-disabled',
  'mirror-destination',
  'loop',
  'vlan',
  'untagged',
  'port-security',
  'arp-inspection',
  'reserved-address',
  'own-segment',
  'egress-vlan',
  'not-connected',
] as const
export type DropReason = (typeof DROP_REASONS)[number]

export type ErrDisableReason = 'port-security' | 'arp-rate'

/** State of a port for displays: plain data. */
export interface PortState {
  readonly index: number
  readonly status: 'connected' | 'not-connected' | 'shut' | 'err-disabled' | 'mirror-destination'
  readonly errDisabled: ErrDisableReason | null
  readonly settings: PortSettings
  readonly operationalMode: 'access' | 'trunk'
  /** What the other side says of itself by DTP. */
  readonly neighbour: { readonly mac: string; readonly isTrunk: boolean; readonly administrativeStatus: string } | null
  readonly secureAddresses: number
  readonly violations: number
  readonly lastViolator: string | null
  readonly framesIn: number
  readonly framesOut: number
  readonly octetsIn: number
  readonly octetsOut: number
  readonly dropped: Readonly<Record<DropReason, number>>
}

const RECOVER: KernelEvent = Object.freeze({ kind: 'port-recovers' })
const STICKY = MAC_TYPES.indexOf('sticky')
const STATIC = MAC_TYPES.indexOf('static')

export class SwitchPort implements FramePort, Process {
  output: FrameSink | null = null
  framesIn = 0
  framesOut = 0
  octetsIn = 0
  octetsOut = 0
  readonly dropped: Record<DropReason, number>
  /** Null while the port takes and gives frames. */
  closed: DropReason | null = null
  errDisabled: ErrDisableReason | null = null
  settings: PortSettings
  security: PortSecurity | null = null
  operationalMode: 'access' | 'trunk' = 'access'
  /** The VLAN of frames that come without a tag; -1 when they are refused, 0 in a switch that knows no VLANs. */
  ingressVlan = 0
  /** The VLAN that leaves without tags; -2 (which no frame is in) when there is none, 0 in a switch that knows no VLANs. */
  untaggedVlan = 0
  /** VLANs that leave with tags (but for `untaggedVlan`); null on an access port. */
  taggedVlans: VlanSet | null = null
  /** Where the table had the last frame's source and destination: tried first. */
  sourceHint = 0
  destinationHint = 0
  private isMirror = false
  private ownVlan = 0
  private negotiation: TrunkNegotiation | null = null
  private ingressWitnesses: readonly FrameWitness[] | null = null
  private egressWitnesses: readonly FrameWitness[] | null = null
  private recovery: QueuedEvent
  private arpSecondNs = -1
  private arpCount = 0

  /** Throws `InputError` on options that make no sense. */
  constructor(
    private readonly kernel: Kernel,
    private readonly device: Switch,
    readonly index: number,
    private options: PortOptions,
  ) {
    this.dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>
    this.recovery = kernel.idleEvent(this, RECOVER)
    this.settings = device.checkedSettings(options, index)
    this.applySettings(null, this.settings.security !== null)
  }

  receiveFrame(frame: Uint8Array): void {
    this.framesIn++
    this.octetsIn += frame.length
    if (this.ingressWitnesses !== null) tellWitnesses(this.ingressWitnesses, frame)
    this.device.forward(frame, this)
  }

  /** Called by the switch. */
  send(frame: Uint8Array): void {
    if (this.output === null) {
      this.drop(frame, 'not-connected')
      return
    }
    this.framesOut++
    this.octetsOut += frame.length
    if (this.egressWitnesses !== null) tellWitnesses(this.egressWitnesses, frame)
    this.output.receiveFrame(frame)
  }

  /** Called by the switch. */
  drop(frame: Uint8Array, reason: DropReason): void {
    this.dropped[reason]++
    recycleFrame(frame)
  }

  /** Change what is named and keep the rest. Throws `InputError`, and then nothing has changed. */
  configure(changes: PortOptions): void {
    const options = { ...this.options, ...changes }
    const previous = this.settings
    this.settings = this.device.checkedSettings(options, this.index)
    this.options = options
    // Shut and no shut is how a port is brought back by hand.
    if (this.settings.isShut) this.recover()
    this.applySettings(previous, 'security' in changes)
  }

  /** Let frames through again after an error has disabled the port: what an administrator does by shut and no shut. */
  recover(): void {
    this.kernel.cancel(this.recovery)
    if (this.errDisabled === null) return
    this.errDisabled = null
    this.updateClosed()
  }

  handleEvent(): void {
    this.recover()
  }

  /** See what comes in, what goes out or both, as it is on the cable. */
  watch(witness: FrameWitness, direction: 'in' | 'out' | 'both' = 'both'): void {
    if (direction !== 'out') this.ingressWitnesses = withWitness(this.ingressWitnesses, witness)
    if (direction !== 'in') this.egressWitnesses = withWitness(this.egressWitnesses, witness)
  }

  unwatch(witness: FrameWitness): void {
    this.ingressWitnesses = withoutWitness(this.ingressWitnesses, witness)
    this.egressWitnesses = withoutWitness(this.egressWitnesses, witness)
  }

  /** Whether the port belongs to the VLAN, with or without tags. */
  carries(vlan: number): boolean {
    return vlan === this.untaggedVlan || (this.taggedVlans?.has(vlan) ?? false)
  }

  /** Called by the switch, which gives the frame away. */
  receiveDtp(frame: Uint8Array): void {
    this.negotiation?.receive(frame)
    recycleFrame(frame)
  }

  sendControl(frame: Uint8Array): void {
    if (this.closed === null && this.output !== null) this.device.sendControl(frame, this)
    else recycleFrame(frame)
  }

  trunkNegotiated(cause: string): void {
    this.updateVlans(cause)
  }

  /** Called by the switch: a mirror's destination gets copies only. */
  setMirror(isMirror: boolean): void {
    this.isMirror = isMirror
    this.updateClosed()
  }

  /** Called by the switch. `recoverNs` is null when an administrator has to do it. */
  errDisable(reason: ErrDisableReason, recoverNs: number | null): void {
    this.errDisabled = reason
    this.updateClosed()
    if (recoverNs !== null) this.recovery = this.kernel.rearm(this.recovery, this.kernel.nowNs + recoverNs)
  }

  /** Called by the switch for each ARP message in an inspected VLAN: false when this second has had too many. */
  countArp(): boolean {
    const { arpRateMax } = this.settings
    if (arpRateMax === null) return true
    const secondNs = this.kernel.nowNs - (this.kernel.nowNs % 1e9)
    if (secondNs !== this.arpSecondNs) {
      this.arpSecondNs = secondNs
      this.arpCount = 0
    }
    this.arpCount++
    return this.arpCount <= arpRateMax
  }

  state(): PortState {
    const { index, errDisabled, settings, operationalMode, framesIn, framesOut, octetsIn, octetsOut } = this
    const neighbour = this.negotiation?.neighbour ?? null
    const lastViolator = this.security?.lastViolator ?? null
    return {
      ...{ index, status: this.status(), errDisabled, settings, operationalMode },
      neighbour:
        neighbour === null
          ? null
          : {
              mac: macText(neighbour.sender),
              isTrunk: neighbour.isTrunk,
              administrativeStatus: neighbour.administrativeStatus,
            },
      secureAddresses: this.security?.addressCount() ?? 0,
      violations: this.security?.violations ?? 0,
      lastViolator: lastViolator === null ? null : macText(lastViolator),
      ...{ framesIn, framesOut, octetsIn, octetsOut, dropped: { ...this.dropped } },
    }
  }

  private status(): PortState['status'] {
    if (this.settings.isShut) return 'shut'
    if (this.errDisabled !== null) return 'err-disabled'
    if (this.isMirror) return 'mirror-destination'
    return this.output === null ? 'not-connected' : 'connected'
  }

  /** Bring everything that follows from the settings in line with them. `previous` is null for a new port. */
  private applySettings(previous: PortSettings | null, isSecurityNew: boolean): void {
    const { settings, kernel, device } = this
    const previousVlan = this.ownVlan
    if (settings.mode !== previous?.mode) {
      this.negotiation?.stop()
      this.negotiation = null
      const { mode } = settings
      if (mode !== 'access' && mode !== 'nonegotiate') {
        const mac = device.mac + this.index + 1
        this.negotiation = new TrunkNegotiation(kernel, this, { mode, domain: device.domain, mac })
      }
    }
    this.updateVlans('configured')
    this.ownVlan = this.currentVlan()
    if (isSecurityNew || (this.security !== null && this.ownVlan !== previousVlan))
      this.applySecurity(previous?.security?.sticky === true && this.ownVlan === previousVlan)
    this.updateClosed()
  }

  private applySecurity(wasSticky: boolean): void {
    const { settings, device } = this
    const keepsSticky = wasSticky && settings.security?.sticky === true
    device.forgetPort(this, (type) => keepsSticky && type === STICKY)
    this.security =
      settings.security === null ? null : new PortSecurity(settings.security, device.addresses, this.index)
    this.security?.addConfigured(this.ownVlan, this.kernel.nowNs)
  }

  /** The VLAN of what comes without a tag, whether it is let in or not. */
  private currentVlan(): number {
    if (!this.device.isVlanAware) return 0
    return this.operationalMode === 'trunk' ? this.settings.nativeVlan : this.settings.accessVlan
  }

  private updateVlans(cause: string): void {
    const { settings, device, negotiation, operationalMode, untaggedVlan, taggedVlans } = this
    if (!device.isVlanAware) return
    const isTrunk = settings.mode === 'nonegotiate' || (negotiation?.isTrunk ?? false)
    this.operationalMode = isTrunk ? 'trunk' : 'access'
    if (isTrunk) {
      const allowed = parseVlans(settings.allowedVlans)
      const sendsNative = allowed.has(settings.nativeVlan) && !settings.tagsNative
      this.ingressVlan = settings.tagsNative ? -1 : settings.nativeVlan
      this.untaggedVlan = sendsNative ? settings.nativeVlan : -2
      this.taggedVlans = allowed
    } else {
      this.ingressVlan = this.untaggedVlan = settings.accessVlan
      this.taggedVlans = null
    }
    const isSame = untaggedVlan === this.untaggedVlan && taggedVlans?.text() === this.taggedVlans?.text()
    if (!isSame) device.forgetPort(this, (type) => type >= STICKY)
    if (this.operationalMode !== operationalMode) device.tracePortMode(this, cause)
  }

  private updateClosed(): void {
    const isDisabled = this.settings.isShut || this.errDisabled !== null
    const closed = isDisabled ? 'port-disabled' : this.isMirror ? 'mirror-destination' : null
    if (closed === this.closed) return
    this.closed = closed
    if (closed !== null) this.device.forgetPort(this, (type) => type === STICKY || type === STATIC)
  }
}
