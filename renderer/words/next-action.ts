/** What the main button will do now, and what else can be told to a migration, in words and as requests. */
import type { HostView, MigrationView, Request, SessionView, VmView } from '../engine/contract.js'
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

/** It will not run again unless it is booted anew. */
const endedStates: readonly string[] = ['shutdown', 'internal-error']

export function nextAction({
  booted,
  guest,
  hosts,
  migration,
}: Pick<SessionView, 'booted' | 'guest' | 'hosts' | 'migration'>): NextAction {
  if (migration !== null && isMigrating(migration.status)) return mainControl(migration.status)
  const holder = hostOfGuest(hosts)
  const hasEnded = holder !== null && endedStates.includes(holder.vm.state)
  if (!booted || hasEnded) return { label: `Boot ${guest}`, request: { kind: 'boot' } }
  const other = hosts.find((host) => host.role === 'hypervisor' && host.name !== holder?.name)
  return { label: other ? `Migrate ${guest} to ${other.title}` : `Migrate ${guest}`, request: { kind: 'migrate' } }
}

const cancel: NextAction = { label: 'Cancel migration', request: { kind: 'cancel-migration' } }

function mainControl(status: string): NextAction {
  switch (status) {
    case 'pre-switchover':
      return { label: 'Send the rest', request: { kind: 'continue-migration' } }
    case 'postcopy-active':
    case 'postcopy-recover':
      return { label: 'Interrupt migration', request: { kind: 'pause-migration' } }
    case 'postcopy-paused':
      return { label: 'Recover migration', request: { kind: 'recover-migration' } }
    default:
      return cancel
  }
}

/** What else can be told to a migration now, besides what the main button does. */
export function otherControls({
  status,
  strategy,
}: Pick<MigrationView, 'status' | 'strategy'>): readonly (NextAction & { readonly meaning: string })[] {
  switch (status) {
    case 'active':
      return [
        ...(strategy === 'hybrid'
          ? [
              {
                label: 'Go over to post-copy',
                meaning: 'Let the guest run at the destination now; the rest of its memory follows.',
                request: { kind: 'start-postcopy' } as const,
              },
            ]
          : []),
        ...(strategy === 'precopy' || strategy === 'hybrid'
          ? [
              {
                label: 'Stop the guest now',
                meaning: 'Make this the last round, whatever is left to send.',
                request: { kind: 'switch-over' } as const,
              },
            ]
          : []),
      ]
    case 'pre-switchover':
      return [{ ...cancel, meaning: 'The guest goes on where it is.' }]
    case 'postcopy-paused':
      return [
        {
          label: 'Give the guest up',
          meaning: 'Part of its memory is at the source alone: the guest is lost.',
          request: { kind: 'abandon-postcopy' },
        },
      ]
    default:
      return []
  }
}
