/** virsh's commands about domains and hosts (tools/virsh-domain.c, virsh-domain-monitor.c, virsh-host.c of libvirt 9.0). */
import { InputError } from '../../base/errors.js'
import type { VirtualMachine } from '../../hypervisor/virtual-machine.js'
import type { GivenOptions } from './command-options.js'
import {
  DOMAIN,
  domainOf,
  domainState,
  notValid,
  orFailed,
  runningDomain,
  type VirshCommand,
  type VirshContext,
} from './virsh-command.js'

const KIB = 1024

/** In the order in which they came. */
function idOf({ desk }: VirshContext, vm: VirtualMachine): string {
  return String(desk.allVms().indexOf(vm) + 1)
}

function list(context: VirshContext, given: GivenOptions): string {
  const { desk, hostName } = context
  const here = desk.allVms().filter((vm) => hostName === null || vm.hostName === hostName)
  const isActive = (vm: VirtualMachine): boolean => !vm.hasEnded
  const rows = here
    .filter((vm) => (given.has('all') || isActive(vm)) && (!given.has('inactive') || !isActive(vm)))
    .map((vm) => [isActive(vm) ? idOf(context, vm) : '-', vm.name, vm.hostName, domainState(vm)])
  const isNowhere = desk.allVms().length === 0 && (given.has('all') || given.has('inactive'))
  const all = isNowhere ? [['-', desk.guestName, '-', 'shut off']] : rows
  const table = [['Id', 'Name', 'Host', 'State'], ...all]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]): string =>
    ` ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd()
  const [head = '', ...body] = table.map(line)
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 3, 1))
  return `${[head, rule, ...body].join('\n')}\n`
}

function information(context: VirshContext, given: GivenOptions): string {
  const vm = domainOf(context, given)
  const { desk } = context
  const kib = `${(vm?.options.ramOctets ?? desk.guestRamOctets) / KIB} KiB`
  const isOn = vm !== undefined && !vm.hasEnded
  return pairs([
    ['Id:', isOn ? idOf(context, vm) : '-'],
    ['Name:', desk.guestName],
    ['OS Type:', 'hvm'],
    ['State:', domainState(vm)],
    ['CPU(s):', '1'],
    ...(isOn ? [['CPU time:', `${(vm.instructions / vm.options.hartHz).toFixed(1)}s`] as const] : []),
    ['Max memory:', kib],
    ['Used memory:', kib],
    ['Persistent:', 'yes'],
    ['Autostart:', 'disable'],
    ['Managed save:', 'no'],
    // Not libvirt's: in a rack of hosts it is what is asked first.
    ['Host:', vm?.hostName ?? '-'],
  ])
}

const pairs = (rows: readonly (readonly [string, string])[], width = 15): string =>
  `${rows.map(([name, value]) => `${name.padEnd(width)} ${value}\n`).join('')}\n`

/** Of the rack's host that is connected to. */
function hostOf({ desk, hostName }: VirshContext): OperatorHost {
  const host = desk.hosts.find(({ name }) => name === (hostName ?? desk.liveVm()?.hostName ?? desk.hostNames[0]))
  if (host === undefined) throw new InputError('error: failed to connect to the hypervisor')
  return host
}
type OperatorHost = VirshContext['desk']['hosts'][number]

function nodeInformation(context: VirshContext): string {
  const { options } = hostOf(context)
  return pairs(
    [
      ['CPU model:', 'riscv32'],
      ['CPU(s):', String(options.coreCount)],
      ['CPU socket(s):', '1'],
      ['Core(s) per socket:', String(options.coreCount)],
      ['Thread(s) per core:', '1'],
      ['NUMA cell(s):', '1'],
      ['Memory size:', `${options.ramOctets / KIB} KiB`],
    ],
    20,
  )
}

/** A command about one domain that says what it has done. */
function deed(
  [name, help, description]: readonly [string, string, string],
  [verb, past]: readonly [string, string],
  act: (context: VirshContext, given: GivenOptions) => void,
): VirshCommand {
  const run: VirshCommand['run'] = (context, given) => {
    domainOf(context, given)
    const domain = given.required('domain')
    orFailed(`Failed to ${verb} domain '${domain}'`, () => act(context, given))
    return `Domain '${domain}' ${past}\n`
  }
  return { name, help, description, options: [DOMAIN], run }
}

export const domainCommands: readonly VirshCommand[] = [
  {
    name: 'list',
    help: 'list domains',
    description: 'Returns list of domains.',
    options: [
      { name: 'all', kind: 'flag', help: 'list inactive & active domains' },
      { name: 'inactive', kind: 'flag', help: 'list inactive domains' },
    ],
    run: list,
  },
  {
    name: 'start',
    help: 'start a (previously defined) inactive domain',
    description: 'Start a domain, from scratch.',
    options: [DOMAIN],
    run: (context, given) => {
      const vm = domainOf(context, given)
      if (vm !== undefined && !vm.hasEnded) throw new InputError('error: Domain is already active')
      context.desk.boot()
      return `Domain '${given.required('domain')}' started\n`
    },
  },
  {
    name: 'shutdown',
    help: 'gracefully shutdown a domain',
    description: 'Press the power button of the target domain: a guest that does not look at it goes on.',
    options: [DOMAIN],
    run: (context, given) => {
      const vm = runningDomain(context, given)
      context.desk.monitors
        .find(({ target }) => target.hostName === vm.hostName)
        ?.execute('system_powerdown', new Map())
      return `Domain '${vm.name}' is being shutdown\n`
    },
  },
  deed(
    ['destroy', 'destroy (stop) a domain', 'Forcefully stop a given domain.'],
    ['destroy', 'destroyed'],
    (context, given) => {
      context.desk.guestDesk.destroy(runningDomain(context, given).name)
    },
  ),
  deed(['suspend', 'suspend a domain', 'Suspend a running domain.'], ['suspend', 'suspended'], (context, given) => {
    const vm = runningDomain(context, given)
    if (vm.state === 'running') context.desk.guestDesk.suspend(vm.name)
    else if (vm.state !== 'paused') throw notValid(`domain is ${vm.state}`)
  }),
  deed(
    ['resume', 'resume a domain', 'Resume a previously suspended domain.'],
    ['resume', 'resumed'],
    (context, given) => {
      const vm = runningDomain(context, given)
      if (vm.state === 'running') throw notValid('domain is already running')
      context.desk.guestDesk.resumeVm(vm.name)
    },
  ),
  {
    name: 'dominfo',
    help: 'domain information',
    description: 'Returns basic information about the domain.',
    options: [DOMAIN],
    run: information,
  },
  {
    name: 'domstate',
    help: 'domain state',
    description: 'Returns state about a domain.',
    options: [DOMAIN],
    run: (context, given) => `${domainState(domainOf(context, given))}\n\n`,
  },
  {
    name: 'qemu-monitor-command',
    help: 'QEMU Monitor Command',
    description: 'Send an arbitrary command to the QEMU monitor of the domain.',
    options: [
      DOMAIN,
      { name: 'hmp', kind: 'flag', help: 'command is in human monitor protocol' },
      { name: 'cmd', kind: 'data', isRequired: true, help: 'command' },
    ],
    run: (context, given) => {
      const vm = runningDomain(context, given)
      if (!given.has('hmp'))
        throw new InputError("error: internal error: JSON goes to the monitor's TCP port; here: --hmp")
      const monitor = context.desk.monitors.find(({ target }) => target.hostName === vm.hostName)
      return `${monitor?.humanCommand(given.required('cmd')) ?? ''}\n`
    },
  },
  {
    name: 'nodeinfo',
    help: 'node information',
    description: 'Returns basic information about the node.',
    options: [],
    run: nodeInformation,
  },
  {
    name: 'hostname',
    help: 'print the hypervisor hostname',
    description: 'Print the hypervisor hostname.',
    options: [],
    run: (context) => `${hostOf(context).name}\n\n`,
  },
]
