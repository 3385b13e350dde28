/**
 * Save energy: as few hosts as hold all machines, the others off, and one switched on again when the load returns. Bins are
 * filled first-fit decreasing (Johnson 1973: at most 11/9 of the fewest possible, and a few), as Beloglazov, Abawajy and
 * Buyya do for energy (Future Generation Computer Systems 28, 2012, section 5.1).
 */
import {
  busyShare,
  mayReceive,
  percent,
  type FleetView,
  type KnownHost,
  type KnownVm,
  type PlacementPolicy,
} from '../placement-policy.js'
import { TrialPlacement, type TrialHost } from '../trial-placement.js'

/** Hosts are filled up to this share of their cores; one that is busier than the second is relieved. */
export const FILL_SHARE = 0.8
const OVERLOAD_SHARE = 0.9
/** Of emptying played to its end. */
const ROUNDS_MAX = 100

export const consolidate: PlacementPolicy = (view) => {
  const trial = new TrialPlacement(view)
  const isRelieved = relieve(trial, view)
  // What an overloaded host would use if it could is not known, so nothing is packed closer meanwhile.
  if (isRelieved || view.hosts.some(({ standing }) => standing === 'starting')) return trial.proposals
  pack(trial, view)
  switchOff(trial)
  return trial.proposals
}

/** A machine of each overloaded host goes to the first with room; if there is none, a host is switched on. */
function relieve(trial: TrialPlacement, view: FleetView): boolean {
  const overloaded = trial.hosts.filter(({ known }) => known.standing === 'up' && busyShare(known) > OVERLOAD_SHARE)
  for (const host of overloaded) {
    if (host.isTaken || !host.known.isSettled) continue
    const found = firstFit(trial, host)
    const reason = `${host.known.name} is ${percent(busyShare(host.known))} busy`
    if (found !== null) trial.move(found.vm, host, found.to, reason)
    else if (host.vms.length > 1) switchOn(trial, view, `${reason}, and no other host has room`)
  }
  return overloaded.length > 0
}

function firstFit(trial: TrialPlacement, from: TrialHost): { vm: KnownVm; to: TrialHost } | null {
  for (const vm of byLoad(from.vms)) {
    const to = trial.hosts.find((host) => host !== from && trial.fits(vm, host, FILL_SHARE))
    // The only machine of a host has it to itself already.
    if (to !== undefined && from.vms.length > 1) return { vm, to }
  }
  return null
}

function switchOn(trial: TrialPlacement, view: FleetView, reason: string): void {
  if (view.hosts.some(({ standing }) => standing === 'starting')) return
  if (trial.proposals.some(({ kind }) => kind === 'power-on')) return
  const host = view.hosts.find(({ standing }) => standing === 'off')
  if (host !== undefined) trial.proposals.push({ kind: 'power-on', host: host.name, reason })
}

function pack(trial: TrialPlacement, view: FleetView): void {
  const target = consolidatedPlacement(view)
  if (target !== null) moveTowards(target, trial, usedHosts(usableHosts(view)))
}

/** One machine of each host, to where it should be. */
function moveTowards(target: Placement, trial: TrialPlacement, hostsBefore: number): void {
  const hostsAfter = hostsOf(target)
  const reason = `${hostsAfter === 1 ? 'one host' : `${hostsAfter} hosts`} can hold what ${hostsBefore} do`
  for (const from of trial.hosts) {
    if (!from.known.isSettled || from.isTaken) continue
    for (const vm of byLoad(from.vms)) {
      const to = trial.hosts.find(({ known }) => known.name === target.get(vm.name))
      if (to === undefined || to === from || !to.known.isSettled || !trial.fits(vm, to)) continue
      trial.move(vm, from, to, reason)
      break
    }
  }
}

/** Empty hosts go off, but for the last that is on. */
function switchOff(trial: TrialPlacement): void {
  let on = trial.hosts.filter(({ known }) => known.standing === 'up').length
  for (const { known, vms, isTaken } of trial.hosts) {
    if (known.standing !== 'up' || vms.length > 0 || isTaken || !known.isSettled || on === 1) continue
    trial.proposals.push({ kind: 'power-off', host: known.name, reason: `${known.name} holds no machine` })
    on--
  }
}

/** Hosts of machines, both by name. */
type Placement = ReadonlyMap<string, string>

/**
 * Where every machine of the healthy hosts should be; null when fewer hosts cannot be had. By emptying the idlest hosts into
 * the others, which moves least, if that comes to as few hosts as filling them anew; else by filling them anew.
 *
 * Every round plans afresh, so a plan that looks good now can look bad when half of it is done, and another takes its place,
 * and so on for ever. Filling anew cannot: where it wants each machine does not depend on where they are. Emptying can, and is
 * therefore played to its end first.
 */
export function consolidatedPlacement(view: FleetView): Placement | null {
  const usable = usableHosts(view)
  const anew = firstFitDecreasing(usable)
  const hostsMax = anew === null ? usable.length : hostsOf(anew)
  const placement = emptyingEnds(view, hostsMax) ? emptyIdlest(usable) : anew
  return placement === null || hostsOf(placement) >= usedHosts(usable) ? null : placement
}

/** Whether emptying the idlest hosts, planned afresh each round, comes to an end and never means to use more than `hostsMax`. */
function emptyingEnds(view: FleetView, hostsMax: number): boolean {
  // What is under way or yet unknown will be over by then.
  let state: FleetView = { hosts: view.hosts.map((host) => ({ ...host, isMoving: false, isSettled: true })) }
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const usable = usableHosts(state)
    const target = emptyIdlest(usable)
    if (hostsOf(target) > hostsMax) return false
    if (hostsOf(target) >= usedHosts(usable)) return true
    const trial = new TrialPlacement(state)
    moveTowards(target, trial, usedHosts(usable))
    if (trial.proposals.length === 0) return false
    state = trial.afterwards()
  }
  return false
}

const usableHosts = ({ hosts }: FleetView): KnownHost[] =>
  hosts.filter((host) => host.standing === 'up' && host.health === 'ok')
const usedHosts = (hosts: readonly KnownHost[]): number => hosts.filter(({ vms }) => vms.length > 0).length
const hostsOf = (placement: Placement): number => new Set(placement.values()).size

interface Bin {
  readonly host: KnownHost
  freeRamOctets: number
  busyCores: number
}

const hasRoom = (bin: Bin, vm: KnownVm): boolean =>
  mayReceive({ ...bin.host, isMoving: false }) &&
  bin.freeRamOctets >= vm.ramOctets &&
  bin.busyCores + vm.busyCores <= FILL_SHARE * bin.host.cores &&
  !vm.refusedBy.includes(bin.host.name)

/** Every machine taken out and put where it fits first, the greediest first. Null when one fits nowhere. */
export function firstFitDecreasing(hosts: readonly KnownHost[]): Placement | null {
  const bins = hosts.map((host): Bin => {
    const held = host.vms.reduce((sum, { ramOctets }) => sum + ramOctets, 0)
    return { host, freeRamOctets: host.freeRamOctets + held, busyCores: 0 }
  })
  const placement = new Map<string, string>()
  for (const vm of byLoad(hosts.flatMap(({ vms }) => vms))) {
    const bin = bins.find((one) => hasRoom(one, vm))
    if (bin === undefined) return null
    put(vm, bin, placement)
  }
  return placement
}

function emptyIdlest(hosts: readonly KnownHost[]): Placement {
  const placement = new Map(hosts.flatMap(({ name, vms }) => vms.map((vm) => [vm.name, name] as const)))
  let bins = byBusiest(hosts)
    .filter(({ vms }) => vms.length > 0)
    .map((host): Bin => ({ host, freeRamOctets: host.freeRamOctets, busyCores: host.busyCores }))
  const receivers = new Set<string>()
  for (const left of bins.map(({ host }) => host).reverse()) {
    // What it has taken over would have to move twice.
    if (receivers.has(left.name)) continue
    const others = bins.filter(({ host }) => host !== left).map((bin) => ({ ...bin }))
    const moved = new Map<string, string>()
    for (const vm of byLoad(left.vms)) {
      const bin = others.find((one) => hasRoom(one, vm))
      if (bin !== undefined) put(vm, bin, moved)
    }
    if (moved.size < left.vms.length) continue
    for (const [vm, host] of moved) placement.set(vm, host)
    for (const host of moved.values()) receivers.add(host)
    bins = others
  }
  return placement
}

function put(vm: KnownVm, bin: Bin, placement: Map<string, string>): void {
  bin.freeRamOctets -= vm.ramOctets
  bin.busyCores += vm.busyCores
  placement.set(vm.name, bin.host.name)
}

const byBusiest = (hosts: readonly KnownHost[]): KnownHost[] =>
  [...hosts].sort((a, b) => b.busyCores - a.busyCores || b.vms.length - a.vms.length || order(a.name, b.name))

const byLoad = (vms: readonly KnownVm[]): KnownVm[] =>
  [...vms].sort((a, b) => b.busyCores - a.busyCores || b.ramOctets - a.ramOctets || order(a.name, b.name))

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
