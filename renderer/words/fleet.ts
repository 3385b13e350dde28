/** What a fleet is, in words. */
import type { FleetGuestView, FleetHostView, FleetMoveView, FleetView, PolicyName } from '../engine/fleet-contract.js'
import { formatShare } from './quantities.js'

export const policyTitles: Readonly<Record<PolicyName, string>> = {
  balance: 'Balance load',
  consolidate: 'Save energy',
  evacuate: 'Tolerate faults',
}

export const policyMeanings: Readonly<Record<PolicyName, string>> = {
  balance: 'Moves guests from the busiest hosts to the idlest until no gap is worth a move.',
  consolidate: 'Packs guests on few hosts and switches the others off; on again when they are needed.',
  evacuate: 'Moves guests away from a host that warns, and starts those of a dead host anew.',
}

/** The most important thing about a host, and how it is to be coloured; empty when all is well. */
export function hostMark({ state, health, standing, isSending }: FleetHostView): {
  readonly word: string
  readonly tone: 'idle' | 'warning' | 'failed'
} {
  if (state === 'failed') return { word: 'failed', tone: 'failed' }
  if (state === 'off') return { word: standing === 'dead' ? 'dead, off' : 'off', tone: 'idle' }
  if (state === 'booting') return { word: 'starting', tone: 'warning' }
  if (health !== 'ok') return { word: health === 'warning' ? 'warns' : 'failing', tone: 'warning' }
  if (!isSending || standing === 'silent') return { word: 'silent', tone: 'warning' }
  return { word: '', tone: 'idle' }
}

export const formatWatts = (watts: number): string =>
  watts >= 1000 ? `${(watts / 1000).toFixed(2)} kW` : `${Math.round(watts)} W`

export function formatEnergy(joules: number): string {
  const wattHours = joules / 3600
  return wattHours >= 1000 ? `${(wattHours / 1000).toFixed(2)} kWh` : `${wattHours.toFixed(wattHours < 10 ? 2 : 1)} Wh`
}

/** What all hosts together draw. */
export const formatPower = (hosts: readonly FleetHostView[]): string =>
  formatWatts(hosts.reduce((sum, { watts }) => sum + watts, 0))

/** Of what the same hosts would have drawn, had none been switched off. */
export function savedShare({ joules, joulesAllOn }: Pick<FleetView, 'joules' | 'joulesAllOn'>): string {
  return formatShare(joulesAllOn - joules, joulesAllOn)
}

/** A guest on a host, for a tooltip or a screen reader. */
export function guestWords({ name, host, state, load, destination, cameFrom }: FleetGuestView): string {
  const is =
    state === 'lost'
      ? `lost with ${host}`
      : destination !== null
        ? `on its way from ${host} to ${destination}${state === 'stopped' ? ', stopped for the last of it' : ''}`
        : cameFrom !== null
          ? `came from ${cameFrom}`
          : 'running'
  return `${name}: ${is}, keeps ${formatShare(load, 1)} of its processor busy`
}

export function hostWords(host: FleetHostView, guests: readonly FleetGuestView[]): string {
  const { name, state, busyShare, watts } = host
  const { word } = hostMark(host)
  const load = state === 'on' ? `, ${formatShare(busyShare, 1)} busy` : ''
  const names = guests.map((guest) => (guest.state === 'lost' ? `${guest.name} (lost)` : guest.name))
  const holds = names.length === 0 ? 'no guests' : `guests ${names.join(', ')}`
  return `${name}: ${word === '' ? 'on' : word}${load}, ${formatWatts(watts)}, ${holds}`
}

/** What a move came to. */
export function outcomeWords({ outcome, isRestart }: FleetMoveView): string {
  if (isRestart) return outcome === 'started' ? 'started anew, memory lost' : `not started: ${outcome}`
  return outcome === 'completed' ? 'moved' : outcome
}

export const isGood = ({ outcome, isRestart }: FleetMoveView): boolean => !isRestart && outcome === 'completed'

/** The whole fleet, for who cannot see it. */
export function fleetSummary({ hosts, guests, policy, nowNs }: FleetView): string {
  const on = hosts.filter(({ state }) => state === 'on').length
  const marked = hosts.flatMap((host) => {
    const { word, tone } = hostMark(host)
    return tone === 'idle' ? [] : [`${host.name} ${word}`]
  })
  const moving = guests.filter(({ destination }) => destination !== null)
  const lost = guests.filter(({ state }) => state === 'lost')
  const parts = [
    `${Math.floor(nowNs / 1e9)} seconds: ${on} of ${hosts.length} hosts on, policy ${policyTitles[policy].toLowerCase()}`,
    ...marked,
    ...moving.map(({ name, destination }) => `${name} moves to ${destination}`),
    ...lost.map(({ name }) => `${name} is lost`),
  ]
  return `${parts.join('; ')}.`
}
