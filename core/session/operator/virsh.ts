/** `virsh [-c URI] COMMAND …`, as libvirt 9.0 has it. */
import { InputError } from '../../base/errors.js'
import { commandHelp, completionsOf, readOptions } from './command-options.js'
import type { OperatorDesk } from './operator-desk.js'
import type { VirshCommand, VirshContext } from './virsh-command.js'
import { domainCommands } from './virsh-domain.js'
import { jobCommands } from './virsh-job.js'
import { migrationCommands } from './virsh-migrate.js'

const groups: readonly { readonly title: string; readonly commands: readonly VirshCommand[] }[] = [
  { title: 'Domain Management, Monitoring and Host', commands: domainCommands },
  { title: 'Migration', commands: [...migrationCommands, ...jobCommands] },
]
const commands: readonly VirshCommand[] = groups.flatMap((group) => group.commands)

const HELP_COLUMN = 30

function help(name: string | undefined): string {
  if (name !== undefined) return commandHelp(commandOf(name))
  const sections = groups.map(
    ({ title, commands: own }) =>
      ` ${title}:\n${own.map((one) => `    ${one.name.padEnd(HELP_COLUMN)} ${one.help}\n`).join('')}`,
  )
  return `Grouped commands:\n\n${sections.join('\n')}\n`
}

function commandOf(name: string): VirshCommand {
  const found = commands.find((command) => command.name === name)
  if (found === undefined) throw new InputError(`error: unknown command: '${name}'`)
  return found
}

/** Takes `-c URI` off the words: the host's name, or null. */
function connection(words: string[], { hostNames }: OperatorDesk): string | null {
  if (words[0] !== '-c' && words[0] !== '--connect') return null
  const [, uri = ''] = words.splice(0, 2)
  const host = uri.replace(/^(?:qemu|xen)(?:\+\w+)?:\/\/([^/]*).*$/, '$1')
  const found = hostNames.find((name) => name === host)
  if (found !== undefined) return found
  throw new InputError(
    `error: failed to connect to the hypervisor\nerror: unable to connect to server at '${host}': there are ${hostNames.join(', ')}`,
  )
}

/** Does what `words` say; returns what is printed. Throws `InputError`. */
export function virsh(context: Omit<VirshContext, 'hostName'>, words: readonly string[]): string {
  const rest = [...words]
  const hostName = connection(rest, context.desk)
  const [name, ...given] = rest
  if (name === undefined) throw new InputError('virsh what? "virsh help" lists its commands')
  if (name === 'help') return help(given[0])
  const command = commandOf(name)
  if (given.includes('--help')) return commandHelp(command)
  return command.run({ ...context, hostName }, readOptions(command, given))
}

/** What may stand after `words`, of which the last is complete. */
export function virshCompletions(desk: OperatorDesk, words: readonly string[]): readonly string[] {
  const [name, ...given] = words
  if (name === undefined || name === 'help')
    return [...commands.map((one) => one.name), ...(name === undefined ? ['help'] : [])]
  const command = commands.find((one) => one.name === name)
  const hosts = desk.hostNames.flatMap((host) => [host, `qemu+ssh://${host}/system`])
  return command === undefined ? [] : completionsOf(command, given, { domains: [desk.guestName], hosts })
}
