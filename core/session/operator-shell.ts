/** The operator's shell: libvirt's `virsh` words, and QEMU's human monitor. */
import { InputError } from '../base/errors.js'
import { parseDuration, parseOctetRate } from '../base/units.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import type { Kernel } from '../kernel/kernel.js'
import type { RunMetrics } from '../metrics/run-metrics.js'
import { ink, LineShell } from './line-shell.js'
import { networkCommand, NETWORK_WORDS, type NetworkDesk } from './network-commands.js'
import {
  channelNames,
  linkNames,
  strategies,
  type ChannelName,
  type MigrationScenario,
  type MigrationStrategy,
} from './scenario.js'

/** What an operator can see and do. */
export interface OperatorDesk extends NetworkDesk {
  readonly guestName: string
  readonly hostNames: readonly string[]
  readonly migrationSettings: MigrationScenario
  allVms(): readonly VirtualMachine[]
  /** The copy of the guest that runs, or would go on. */
  liveVm(): VirtualMachine | undefined
  boot(): void
  /** `destination` may be left out where there is only one other host. */
  migrate(destination?: string): void
  cancelMigration(): void
  configureMigration(settings: Partial<MigrationScenario>): void
  suspend(vm: string): void
  resumeVm(vm: string): void
  lastRun(): RunMetrics | undefined
}

const HELP_COLUMN = 40

function help(guest: string, [a = '', b = '']: readonly string[]): string {
  const line = (command: string, meaning: string): string => `  ${command.padEnd(HELP_COLUMN - 1)} ${meaning}\n`
  return [
    `${ink.strong('Machines')}\n`,
    line('virsh list --all', 'what runs where'),
    line(`virsh start ${guest}`, `boot the guest on ${a}`),
    line(`virsh suspend ${guest} | virsh resume ${guest}`, 'stop it, let it go on'),
    line(`virsh dominfo ${guest}`, 'what it is'),
    `${ink.strong('Migration')}\n`,
    `  virsh migrate --live ${guest} [${b}] [--channel ${channelNames.join('|')}] [--offline]\n`,
    line(`virsh migrate-setmaxdowntime ${guest} 300ms`, 'the longest stop to aim for'),
    line(`virsh migrate-setspeed ${guest} 128MiB/s`, '0 for no limit'),
    line(`virsh domjobinfo ${guest}`, 'how far it is'),
    line(`virsh domjobabort ${guest}`, 'give up; the guest stays where it is'),
    `${ink.strong('QEMU monitor')}\n`,
    '  info status | info migrate | migrate_cancel\n',
    `${ink.strong('Network')}\n`,
    line(`tc qdisc change dev ${a} netem loss 1%`, 'delay, loss, duplicate, reorder, corrupt, limit'),
    line(`tc qdisc show dev ${a} | tc qdisc del dev ${a}`, 'what a cable does; nothing again'),
    line(`ip link set ${a} down | up`, 'cut its cable, restore it'),
    line(`ip -n ${a} addr | route | neigh`, 'what a host knows'),
    line(`ss -N ${a}`, 'its TCP connections'),
    line('bridge fdb', 'what the switch knows'),
  ].join('')
}

export class OperatorShell extends LineShell {
  constructor(
    kernel: Kernel,
    private readonly desk: OperatorDesk,
  ) {
    super(kernel, 'operator')
  }

  protected prompt(): string {
    return `${ink.operator('operator@cloud$')} `
  }

  protected completions(line: string): readonly string[] {
    const words = line.trimStart().split(/\s+/)
    if (words.length <= 1) return ['virsh', 'info', 'migrate_cancel', ...NETWORK_WORDS, 'help']
    if (NETWORK_WORDS.includes(words[0] ?? '')) return [...networkWords, ...linkNames]
    if (words[0] === 'info') return ['status', 'migrate']
    if (words.length === 2) return virshCommands
    const { guestName, hostNames } = this.desk
    return [guestName, ...hostNames, '--live', '--channel', '--offline', '--all', ...channelNames]
  }

  protected execute(words: readonly string[]): void {
    const [command, ...rest] = words
    switch (command) {
      case 'help':
        return this.print(help(this.desk.guestName, this.desk.hostNames))
      case 'virsh':
        return this.virsh(rest)
      case 'info':
        if (rest[0] === 'status') return this.list()
        if (rest[0] === 'migrate') return this.jobInfo()
        throw new InputError('info what? "info status" or "info migrate"')
      case 'migrate_cancel':
        return this.desk.cancelMigration()
      default:
        if (!NETWORK_WORDS.includes(command ?? '')) throw new InputError(`${command}: no such command. Type help.`)
        this.print(networkCommand(this.desk, words))
    }
  }

  private virsh(words: readonly string[]): void {
    const [command, ...rest] = words
    switch (command) {
      case 'list':
        return this.list()
      case 'start':
        this.named(rest)
        this.desk.boot()
        return this.print(`Domain '${rest[0]}' started\n`)
      case 'suspend':
        this.desk.suspend(this.named(rest).name)
        return this.print(`Domain '${rest[0]}' suspended\n`)
      case 'resume':
        this.desk.resumeVm(this.named(rest).name)
        return this.print(`Domain '${rest[0]}' resumed\n`)
      case 'dominfo':
        return this.info(this.named(rest))
      case 'migrate':
        return this.migrate(rest)
      case 'migrate-setmaxdowntime':
        this.desk.configureMigration({ downtimeLimitNs: parseDuration(rest[1] ?? '') })
        return
      case 'migrate-setspeed':
        this.desk.configureMigration({ maxBandwidth: rest[1] === '0' ? 0 : parseOctetRate(rest[1] ?? '') })
        return
      case 'domjobinfo':
        return this.jobInfo()
      case 'domjobabort':
        return this.desk.cancelMigration()
      default:
        throw new InputError(`virsh ${command ?? ''}: no such command. Type help.`)
    }
  }

  private named(words: readonly string[]): VirtualMachine | { readonly name: string } {
    const [name] = words
    const { guestName } = this.desk
    if (name === undefined) throw new InputError(`name the machine: ${guestName}`)
    if (name !== guestName) throw new InputError(`there is no machine named ${name}; there is: ${guestName}`)
    return this.desk.liveVm() ?? { name }
  }

  private list(): void {
    this.print(' Id   Name   Host     State\n')
    this.print('---------------------------------\n')
    const vms = this.desk.allVms()
    if (vms.length === 0) this.print(` -    ${this.desk.guestName.padEnd(6)} -        shut off\n`)
    vms.forEach((vm, index) =>
      this.print(` ${String(index + 1).padEnd(4)} ${vm.name.padEnd(6)} ${vm.hostName.padEnd(8)} ${vm.state}\n`),
    )
  }

  private info(vm: VirtualMachine | { readonly name: string }): void {
    if (!('machine' in vm)) throw new InputError(`${vm.name} is shut off: "virsh start ${vm.name}"`)
    this.print(`Name:           ${vm.name}
Host:           ${vm.hostName}
State:          ${vm.state}
CPU(s):         1 (RV32IM, ${vm.options.hartHz / 1e6} MHz)
Memory:         ${vm.options.ramOctets / 1024} KiB
Instructions:   ${vm.instructions} on this host
`)
  }

  private migrate(words: readonly string[]): void {
    const settings: { channel?: ChannelName; strategy?: MigrationStrategy } = { strategy: 'precopy' }
    const names: string[] = []
    for (let index = 0; index < words.length; index++) {
      const word = words[index] ?? ''
      if (word === '--live') settings.strategy = 'precopy'
      else if (word === '--offline') settings.strategy = 'stop-and-copy'
      else if (word === '--channel') settings.channel = oneOf(channelNames, words[++index], 'channel')
      else if (word === '--strategy') settings.strategy = oneOf(strategies, words[++index], 'strategy')
      else if (word.startsWith('--')) throw new InputError(`${word}: not an option here. Type help.`)
      else names.push(word)
    }
    this.named(names)
    this.desk.configureMigration(settings)
    this.desk.migrate(names[1]?.replace(/^qemu\+(?:tcp|ssh|tls):\/\//, '').replace(/\/system$/, ''))
  }

  private jobInfo(): void {
    const run = this.desk.lastRun()
    if (run === undefined) return this.print('No migration yet.\n')
    const sent = run.rounds.reduce((sum, round) => sum + round.octets, 0)
    this
      .print(`Migration ${run.migration}:    ${run.source} to ${run.destination}, ${run.strategy}, channel ${run.channel}
Status:         ${run.status}${run.cause === '' ? '' : ` (${run.cause})`}
Total time:     ${run.totalTimeMs.toFixed(1)} ms
Downtime:       ${run.downtimeMs === null ? '-' : `${run.downtimeMs.toFixed(1)} ms`}
Rounds:         ${run.rounds.length}
Transferred:    ${sent} octets of stream
`)
    if (run.forced)
      this.print(
        ink.leak(`Did not converge: ${run.pendingAtStopOctets} octets were left after the last round allowed.\n`),
      )
    for (const { round, zeroPages, normalPages, startNs, endNs, paused } of run.rounds)
      this.print(
        `  round ${round}${paused ? ' (stopped)' : ''}: ${normalPages} pages, ${zeroPages} zero, ${((endNs - startNs) / 1e6).toFixed(1)} ms\n`,
      )
  }
}

const networkWords = [
  ...['qdisc', 'change', 'show', 'del', 'dev', 'netem', 'delay', 'loss', 'duplicate', 'reorder', 'corrupt', 'limit'],
  ...['link', 'set', 'up', 'down', '-n', '-N', 'addr', 'route', 'neigh', 'fdb'],
]

const virshCommands = [
  'list',
  'start',
  'suspend',
  'resume',
  'dominfo',
  'migrate',
  'migrate-setmaxdowntime',
  'migrate-setspeed',
  'domjobinfo',
  'domjobabort',
] as const

function oneOf<T extends string>(names: readonly T[], name: string | undefined, what: string): T {
  const found = names.find((candidate) => candidate === name)
  if (found === undefined) throw new InputError(`${name ?? 'nothing'} is not a ${what}: ${names.join(', ')}`)
  return found
}
