/** Xen's toolstack `xl` (docs/man/xl.1.pod, tools/xl of Xen 4.17), for hosts whose profile is Xen. */
import { InputError } from '../../base/errors.js'
import type { VirtualMachine } from '../../hypervisor/virtual-machine.js'
import type { MigrationScenario } from '../scenario.js'
import type { OperatorDesk } from './operator-desk.js'
import type { VirshContext } from './virsh-command.js'

const MIB = 1024 ** 2

/** One character each: running, blocked, paused, shutdown, crashed, dying. */
function flags(vm: VirtualMachine): string {
  if (vm.state === 'running') return 'r-----'
  return vm.state === 'shutdown' ? '---s--' : '--p---'
}

const row = (cells: readonly [string, string, string, string, string, string]): string => {
  const [name, id, memory, vcpus, state, time] = cells
  return `${name.padEnd(40)} ${id.padStart(5)} ${memory.padStart(5)} ${vcpus.padStart(5)}\t${state}\t${time.padStart(7)}\n`
}

function vmSeconds(vm: VirtualMachine): string {
  return (vm.instructions / vm.options.hartHz).toFixed(1)
}

function list({ desk }: VirshContext): string {
  const host = homeOf(desk)
  const domains = desk.allVms().filter((vm) => vm.hostName === host)
  const head = 'Name                                        ID   Mem VCPUs\tState\tTime(s)\n'
  const rows = domains.map((vm, index) =>
    row([vm.name, String(index + 1), String(vm.options.ramOctets / MIB), '1', flags(vm), vmSeconds(vm)]),
  )
  const options = desk.hosts.find(({ name }) => name === host)?.options
  const control = row(['Domain-0', '0', '1024', String(options?.coreCount ?? 1), 'r-----', '0.0'])
  return head + control + rows.join('')
}

/** `xl` speaks to the host where it is typed: here, where the guest is. */
function homeOf(desk: OperatorDesk): string {
  return desk.liveVm()?.hostName ?? desk.hostNames[0] ?? ''
}

function vcpuList({ desk }: VirshContext): string {
  const head = 'Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)\n'
  const home = homeOf(desk)
  return (
    head +
    desk
      .allVms()
      .filter((vm) => vm.hostName === home)
      .map((vm, index) => {
        const state = vm.state === 'running' ? 'r--' : '--p'
        return `${vm.name.padEnd(32)} ${String(index + 1).padStart(5)} ${'0'.padStart(5)} ${'0'.padStart(5)}   ${state} ${vmSeconds(vm).padStart(9)} all / all\n`
      })
      .join('')
  )
}

function information({ desk }: VirshContext): string {
  const home = desk.hosts.find(({ name }) => name === homeOf(desk))
  if (home === undefined) return ''
  const rows: readonly (readonly [string, string])[] = [
    ['host', home.name],
    ['machine', 'riscv32'],
    ['nr_cpus', String(home.options.coreCount)],
    ['total_memory', String(home.options.ramOctets / MIB)],
    ['free_memory', String(Math.floor(home.freeRamOctets() / MIB))],
    ['xen_major', '4'],
    ['xen_minor', '17'],
    ['xen_version', '4.17'],
  ]
  return rows.map(([name, value]) => `${name.padEnd(22)} : ${value}\n`).join('')
}

function domain(desk: OperatorDesk, name: string | undefined): VirtualMachine {
  const vm = desk.liveVm()
  if (name !== undefined && vm !== undefined && !vm.hasEnded && (name === vm.name || name === '1')) return vm
  throw new InputError(`xl: "${name ?? ''}" is an invalid domain identifier (rc=-6)`)
}

/** What every command of `xl migrate` prints, in which the sender speaks and the receiver. */
function migrate({ desk, watchMigration }: VirshContext, words: readonly string[]): string {
  const names: string[] = []
  const once: { strategy: 'precopy'; channel: MigrationScenario['channel']; autostart: boolean } = {
    strategy: 'precopy',
    channel: 'ssh',
    autostart: true,
  }
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '-s') {
      // The command that makes the connection; an empty one means the address is connected to as it is.
      const command = rest.shift() ?? ''
      if (command !== '' && command !== '""' && command !== 'ssh')
        throw new InputError(`xl: cannot execute ${command}: there is ssh, or "" for a connection in clear`)
      once.channel = command === 'ssh' ? 'ssh' : 'none'
    } else if (word === '-C') rest.shift()
    else if (word === '-p') once.autostart = false
    else if (!['--live', '-e', '--debug'].includes(word)) {
      if (word.startsWith('-')) throw new InputError(`xl: invalid option -- '${word.replace(/^-+/, '')}'\n${USAGE}`)
      names.push(word)
    }
  }
  const [name, host] = names
  if (host === undefined || names.length > 2)
    throw new InputError(`'xl migrate' requires at least 2 arguments.\n\n${USAGE}`)
  const vm = domain(desk, name)
  if (!desk.hostNames.includes(host))
    throw new InputError(
      `ssh: Could not resolve hostname ${host}: Name or service not known\nmigration target process [1234] exited with error status 255`,
    )
  desk.guestDesk.migrate(host, once)
  watchMigration({ isVerbose: false, timeoutSeconds: null, afterTimeout: 'suspend' })
  return `migration target: Ready to receive domain.\nSaving to migration stream new xl format (info 0x3/0x0/${vm.options.ramOctets})\n`
}

const USAGE = `Usage: xl [-vfN] migrate [options] <Domain> <host>

Migrate a domain to another host.

Options:

-C <config>     Send <config> instead of config file from creation.
-s <sshcommand> Use <sshcommand> instead of ssh.  String will be passed
                to sh. If empty, run <host> instead of ssh <host> xl
                migrate-receive [-d -e]
-e              Do not wait in the background (on <host>) for the death
                of the domain.
--debug         Verify transferred domain page data.
-p              Do not unpause domain after migrating it.
`

const COMMANDS: Readonly<
  Record<string, readonly [help: string, run: (context: VirshContext, words: readonly string[]) => string]>
> = {
  list: ['List information about all/some domains', list],
  info: ['Get information about Xen host', information],
  'vcpu-list': ['List the VCPUs for all/some domains', vcpuList],
  migrate: ['Migrate a domain to another host', migrate],
  pause: [
    'Pause execution of a domain',
    ({ desk }, [name]) => done(() => desk.guestDesk.suspend(domain(desk, name).name)),
  ],
  unpause: [
    'Unpause a paused domain',
    ({ desk }, [name]) => done(() => desk.guestDesk.resumeVm(domain(desk, name).name)),
  ],
  destroy: [
    'Terminate a domain immediately',
    ({ desk }, [name]) => done(() => desk.guestDesk.destroy(domain(desk, name).name)),
  ],
}

function done(act: () => void): string {
  act()
  return ''
}

export const xlWords: readonly string[] = [...Object.keys(COMMANDS), 'help']

/** Does what `words` say; returns what is printed. Throws `InputError`. */
export function xl(context: VirshContext, [name, ...words]: readonly string[]): string {
  if (context.desk.profile.toolstack !== 'xl')
    throw new InputError(
      `xl: xencall error: Could not obtain handle on privileged command interface: these hosts run ${context.desk.profile.title}`,
    )
  if (name === undefined || (name === 'help' && words.length === 0))
    return `Usage xl [-vfN] <subcommand> [args]\n\nxl full list of subcommands:\n\n${Object.entries(COMMANDS)
      .map(([command, [help]]) => ` ${command.padEnd(19)} ${help}\n`)
      .join('')}`
  if (name === 'help')
    return words[0] === 'migrate' ? USAGE : `${COMMANDS[words[0] ?? '']?.[0] ?? `xl: ${words[0] ?? ''}: unknown`}\n`
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined)
    throw new InputError(`command not implemented\nxl: "${name}" is none of ${xlWords.join(', ')}`)
  return command[1](context, words)
}
