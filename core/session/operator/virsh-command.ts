/** One command of virsh: its table, and what it does with what was said. */
import { InputError } from '../../base/errors.js'
import type { Nanos } from '../../base/units.js'
import type { VirtualMachine } from '../../hypervisor/virtual-machine.js'
import type { CommandOption, CommandTable, GivenOptions } from './command-options.js'
import type { OperatorDesk } from './operator-desk.js'

export interface VirshContext {
  readonly desk: OperatorDesk
  readonly nowNs: Nanos
  /** The host of `virsh -c URI`; null: the whole rack. */
  readonly hostName: string | null
  /** Watch the migration that has just begun, for as long as it lasts. */
  readonly watchMigration: (options: MigrationWatchOptions) => void
}

export interface MigrationWatchOptions {
  readonly isVerbose: boolean
  /** Seconds until something is done about a migration that takes too long; null: never. */
  readonly timeoutSeconds: number | null
  readonly afterTimeout: 'suspend' | 'postcopy'
}

export interface VirshCommand extends CommandTable {
  /** Returns what is printed. Throws `InputError` in libvirt's words. */
  readonly run: (context: VirshContext, given: GivenOptions) => string
}

export const DOMAIN: CommandOption = {
  name: 'domain',
  kind: 'data',
  isRequired: true,
  help: 'domain name, id or uuid',
  values: 'domain',
}

/** The guest of that name, or undefined when it is shut off. */
export function domainOf({ desk }: VirshContext, given: GivenOptions): VirtualMachine | undefined {
  const name = given.required('domain')
  if (name !== desk.guestName) throw new InputError(`error: failed to get domain '${name}'`)
  return desk.liveVm()
}

export const notValid = (reason: string): InputError =>
  new InputError(`error: Requested operation is not valid: ${reason}`)

export function runningDomain(context: VirshContext, given: GivenOptions): VirtualMachine {
  const vm = domainOf(context, given)
  if (vm === undefined || vm.hasEnded) throw notValid('domain is not running')
  return vm
}

/** Does it; what is refused follows the line that says what was wanted. */
export function orFailed(what: string, act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const reason = error.message.replace(/^error: /, '')
    throw new InputError(`error: ${what}\nerror: ${reason}`)
  }
}

/** libvirt's word for how a domain is. */
export function domainState(vm: VirtualMachine | undefined): string {
  switch (vm?.state) {
    case undefined:
    case 'shutdown':
      return 'shut off'
    case 'running':
      return 'running'
    case 'internal-error':
      return 'crashed'
    default:
      return 'paused'
  }
}
