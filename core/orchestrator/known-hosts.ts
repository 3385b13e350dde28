/**
 * What an orchestrator has heard of its hosts. Whoever advertises is a host. One that is not heard for some intervals is not
 * forgotten, because its machines are not, but nothing is placed on it any more; nor is one that was set up with machines and was
 * never heard at all.
 */
import { seconds, type Nanos } from '../base/units.js'
import type { Advert, AdvertisedVm, HostHealth } from '../hypervisor/wire/adverts.js'
import type { Ipv4Address } from '../net/wire/addresses.js'
import type { FleetView, HostStanding } from './placement-policy.js'

/** Adverts that may be lost before a host counts as silent. */
const SILENT_AFTER_INTERVALS = 3
/** Anybody can advertise: more hosts than this are not remembered. */
const HOSTS_MAX = 1024
/** A host that failed to take a machine is not asked to again for so long. */
const REFUSAL_NS: Nanos = seconds(30)
/** Adverts after which what a move changed is certainly in them. */
const SETTLED_AFTER_ADVERTS = 2

/** A host that is to be there from the start, and what runs on it. */
export interface ConfiguredHost extends Pick<Advert, 'host' | 'cores' | 'ramOctets' | 'controllerAddress'> {
  readonly address: Ipv4Address
  readonly vms: readonly Omit<AdvertisedVm, 'busyShare'>[]
}

/** The record of one host: the orchestrator's, and nobody else's to change. */
export class HostRecord {
  standing: HostStanding = 'up'
  isHeard = false
  /** 0 while it was not heard. */
  heardAtNs: Nanos = 0
  advertsSinceChange = 0
  changedAtNs: Nanos = 0
  moves = 0
  vms: AdvertisedVm[] = []
  health: HostHealth = 'ok'

  constructor(
    public advert: Advert,
    public address: Ipv4Address,
  ) {}

  get name(): string {
    return this.advert.host
  }

  /** Something was done to it: what is known of it is old until it has said more. */
  changed(nowNs: Nanos): void {
    this.advertsSinceChange = 0
    this.changedAtNs = nowNs
  }
}

export type AdvertVerdict = 'new' | 'heard' | 'back' | 'stale'

export class KnownHosts {
  private readonly records = new Map<string, HostRecord>()
  /** Hosts that failed to take a machine, by machine, and until when that counts. */
  private readonly refusals = new Map<string, Map<string, Nanos>>()

  constructor(private readonly intervalNs: Nanos) {}

  /** It is waited for from the beginning of time on. */
  expect({ address, vms, ...configured }: ConfiguredHost): void {
    const freeRamOctets = configured.ramOctets - vms.reduce((sum, { ramOctets }) => sum + ramOctets, 0)
    const machines = vms.map((vm) => ({ ...vm, busyShare: 0 }))
    const fresh = { sequence: 0, health: 'ok', power: 'on', busyShare: 0 } as const
    const record = new HostRecord({ ...configured, ...fresh, freeRamOctets, vms: machines }, address)
    record.vms = machines
    this.insert(record)
  }

  /** `stale`: it is no newer than what is known, or of one host too many, and was passed over. */
  take(advert: Advert, address: Ipv4Address, nowNs: Nanos): AdvertVerdict {
    const known = this.records.get(advert.host)
    if (known?.isHeard === true && ((advert.sequence - known.advert.sequence) | 0) <= 0) return 'stale'
    if (known === undefined && this.records.size >= HOSTS_MAX) return 'stale'
    const record = known ?? new HostRecord(advert, address)
    if (known === undefined) this.insert(record)
    const { standing } = record
    // Its machines are looked for elsewhere, and it has not been switched on by us.
    if (standing === 'dead' && record.vms.length > 0) return 'stale'
    const isExpected = standing === 'up' || standing === 'off'
    const verdict = !isExpected ? 'back' : record.isHeard ? 'heard' : 'new'
    record.isHeard = true
    record.advert = advert
    record.address = address
    record.heardAtNs = nowNs
    record.vms = [...advert.vms]
    record.health = advert.health
    if (advert.power === 'off') record.standing = 'off'
    else if (standing !== 'off') record.standing = 'up'
    if (verdict === 'back') record.changed(nowNs)
    else record.advertsSinceChange++
    return verdict
  }

  get(name: string): HostRecord | undefined {
    return this.records.get(name)
  }

  all(): readonly HostRecord[] {
    return [...this.records.values()]
  }

  /** Those that were up and have not been heard for too long; they are silent from now on. */
  sweep(nowNs: Nanos): readonly HostRecord[] {
    const patienceNs = (SILENT_AFTER_INTERVALS + 0.5) * this.intervalNs
    const silent = this.all().filter(({ standing, heardAtNs }) => standing === 'up' && nowNs - heardAtNs > patienceNs)
    for (const record of silent) record.standing = 'silent'
    return silent
  }

  /** A machine is at a second host now, or perhaps: `isSure` takes it away from the first. */
  place(vm: string, from: string, to: string, isSure: boolean): void {
    const [source, destination] = [this.get(from), this.get(to)]
    const found = source?.vms.find(({ name }) => name === vm)
    if (found === undefined || source === undefined) return
    if (isSure) source.vms = source.vms.filter((one) => one !== found)
    if (destination?.vms.some(({ name }) => name === vm) === false) destination.vms.push(found)
  }

  /** What is over is forgotten: names come from adverts, so there may be ever new ones. */
  refuse(vm: string, host: string, nowNs: Nanos): void {
    for (const [name, hosts] of this.refusals) {
      for (const [refused, untilNs] of hosts) if (untilNs <= nowNs) hosts.delete(refused)
      if (hosts.size === 0) this.refusals.delete(name)
    }
    const known = this.refusals.get(vm) ?? new Map<string, Nanos>()
    this.refusals.set(vm, known.set(host, nowNs + REFUSAL_NS))
  }

  /** A machine that two hosts name is where it was said last; a host that is up is believed before one that is not. */
  view(nowNs: Nanos): FleetView {
    const places = new Map<string, HostRecord>()
    // Of one that still may be heard for the first time nothing is known.
    const records = this.all().filter(({ isHeard, standing }) => isHeard || standing !== 'up')
    for (const record of records)
      for (const { name } of record.vms) {
        const other = places.get(name)
        if (other === undefined || credit(record) > credit(other)) places.set(name, record)
      }
    const hosts = records.map((record) => {
      const { advert, standing, health, moves } = record
      const { cores, ramOctets, freeRamOctets } = advert
      const vms = record.vms
        .filter(({ name }) => places.get(name) === record)
        .map((vm) => ({
          name: vm.name,
          ramOctets: vm.ramOctets,
          busyCores: vm.busyShare * cores,
          refusedBy: this.refusedBy(vm.name, nowNs),
        }))
      const isSettled =
        standing === 'up'
          ? record.advertsSinceChange >= SETTLED_AFTER_ADVERTS
          : nowNs - record.changedAtNs > (SETTLED_AFTER_ADVERTS + 0.5) * this.intervalNs
      // The machines' share and no more: what a migration costs the host is over soon.
      const busyCores = vms.reduce((sum, vm) => sum + vm.busyCores, 0)
      const known = { name: advert.host, standing, health, cores, busyCores, ramOctets }
      return { ...known, freeRamOctets, isMoving: moves > 0, isSettled, vms }
    })
    return { hosts }
  }

  private refusedBy(vm: string, nowNs: Nanos): string[] {
    return [...(this.refusals.get(vm) ?? [])].filter(([, untilNs]) => untilNs > nowNs).map(([host]) => host)
  }

  /** Kept in the order of names, so that nothing depends on whose advert came first. */
  private insert(record: HostRecord): void {
    const sorted = [...this.records.values(), record].sort((a, b) => (a.name < b.name ? -1 : 1))
    this.records.clear()
    for (const one of sorted) this.records.set(one.name, one)
  }
}

const standingCredit: Readonly<Record<HostStanding, number>> = { up: 4, starting: 3, silent: 2, off: 1, dead: 0 }

const credit = ({ standing, heardAtNs }: HostRecord): number => standingCredit[standing] * 1e18 + heardAtNs
