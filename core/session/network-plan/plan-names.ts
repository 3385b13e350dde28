/** What the names in a plan stand for. */
import { LabError } from '../../base/errors.js'
import type { NetworkPlan } from '../network-plan.js'
import type { HostPlan } from './device-plan.js'

/** Hosts and routers, by name. */
export function allHosts(plan: NetworkPlan): Map<string, HostPlan> {
  return new Map<string, HostPlan>([...Object.entries(plan.hosts), ...Object.entries(plan.routers)])
}

export function checkLinkName(plan: NetworkPlan, name: string, path: string): void {
  if (plan.links.some((link) => link.name === name)) return
  throw new LabError(path, `there is no link ${name}; there are: ${plan.links.map((link) => link.name).join(', ')}`)
}

export function checkPort(plan: NetworkPlan, device: string, port: string, path: string): void {
  if (!Object.hasOwn(plan.switches, device)) throw new LabError(path, `there is no switch ${device}`)
  const cables = plan.links.filter(({ from, to }) => from.device === device || to.device === device)
  if (cables.some(({ name }) => name === port)) return
  throw new LabError(
    path,
    `no cable ${port} ends at ${device}; there are: ${cables.map(({ name }) => name).join(', ') || 'none'}`,
  )
}

export function unknown(plan: NetworkPlan, name: string): string {
  const names = [...allHosts(plan).keys(), ...Object.keys(plan.switches)]
  return `there is no ${name}; there are: ${names.join(', ')}`
}
