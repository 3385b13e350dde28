/** What the main button will do now, in words and as a request. */
import type { HostView, Request, SessionView, VmView } from '../engine/contract.js'
import { isMigrating } from './terms.js'

export interface NextAction {
  readonly label: string
  readonly request: Request
}

/** The host whose VM counts: the one that runs it, else the one that holds it. */
export function hostOfGuest(hosts: readonly HostView[]): (HostView & { readonly vm: VmView }) | null {
  const holders = hosts.filter((host): host is HostView & { readonly vm: VmView } => host.vm !== null)
  return holders.find(({ vm }) => vm.state === 'running' || vm.state === 'paused') ?? holders[0] ?? null
}

export function nextAction({
  booted,
  guest,
  hosts,
  migration,
}: Pick<SessionView, 'booted' | 'guest' | 'hosts' | 'migration'>): NextAction {
  const holder = hostOfGuest(hosts)
  if (!booted) return { label: `Boot ${guest}`, request: { kind: 'boot' } }
  if (isMigrating(migration?.status)) return { label: 'Cancel migration', request: { kind: 'cancel-migration' } }
  const other = hosts.find((host) => host.role === 'hypervisor' && host.name !== holder?.name)
  return { label: other ? `Migrate ${guest} to ${other.title}` : `Migrate ${guest}`, request: { kind: 'migrate' } }
}
