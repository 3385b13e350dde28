/** The operator's shell: libvirt's `virsh`, Xen's `xl`, QEMU's human monitor, and iproute2's words. */
import { InputError } from '../base/errors.js'
import type { Kernel } from '../kernel/kernel.js'
import { ink, LineShell } from './line-shell.js'
import { networkCommand, NETWORK_WORDS } from './network-commands.js'
import { MigrationWatch, type MigrationWatchOwner } from './operator/migration-watch.js'
import type { OperatorDesk } from './operator/operator-desk.js'
import type { MigrationWatchOptions, VirshContext } from './operator/virsh-command.js'
import { virsh, virshCompletions } from './operator/virsh.js'
import { xl, xlWords } from './operator/xl.js'
import { channelNames, linkNames } from './scenario.js'

export type { OperatorDesk }

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
    `  virsh migrate --live ${guest} [qemu+ssh://${b}/system] [--channel ${channelNames.join('|')}] …\n`,
    line(`virsh migrate-setmaxdowntime ${guest} 300`, 'the longest stop to aim for, in ms'),
    line(`virsh migrate-setspeed ${guest} 128`, 'in MiB/s; 0 for no limit'),
    line(`virsh domjobinfo ${guest}`, 'how far it is'),
    line(`virsh domjobabort ${guest}`, 'give up; the guest stays where it is'),
    line('virsh help [migrate]', 'all commands; the options of one'),
    line('xl help', 'the same on hosts with Xen'),
    `${ink.strong('QEMU monitor')}\n`,
    '  info status | info migrate | info migrate_parameters | migrate_cancel | help_monitor\n',
    `${ink.strong('Network')}\n`,
    line(`tc qdisc change dev ${a} netem loss 1%`, 'delay, loss, duplicate, reorder, corrupt, limit'),
    line(`tc qdisc show dev ${a} | tc qdisc del dev ${a}`, 'what a cable does; nothing again'),
    line(`ip link set ${a} down | up`, 'cut its cable, restore it'),
    line(`ip -n ${a} addr | route | neigh`, 'what a host knows'),
    line(`ss -N ${a}`, 'its TCP connections'),
    line('bridge fdb', 'what the switch knows'),
  ].join('')
}

/** Words of the human monitor that are the operator's too: they go to the monitor of the host where the guest is. */
const MONITOR_WORDS: readonly string[] = [
  ...['info', 'migrate', 'migrate_cancel', 'migrate_continue', 'migrate_incoming', 'migrate_pause', 'migrate_recover'],
  ...['migrate_set_capability', 'migrate_set_parameter', 'migrate_start_postcopy', 'stop', 'cont'],
]
const INFO_WORDS = ['status', 'migrate', 'migrate_capabilities', 'migrate_parameters', 'name', 'version']

export class OperatorShell extends LineShell implements MigrationWatchOwner {
  /** Of the migration that was begun here, while it lasts. */
  private watch: MigrationWatch | null = null

  constructor(
    private readonly clock: Kernel,
    private readonly desk: OperatorDesk,
  ) {
    super(clock, 'operator')
  }

  /** Whatever was under way is over. */
  migrationEnded(): void {
    const { watch } = this
    this.watch = null
    watch?.migrationEnded()
  }

  watchMigration(options: MigrationWatchOptions): void {
    this.watch = new MigrationWatch(this.clock, this.desk, options, this)
  }

  watchSays(text: string): void {
    this.notify(text.startsWith('error:') ? ink.leak(text) : text)
    this.desk.operatorTold()
  }

  protected prompt(): string {
    return `${ink.operator('operator@cloud$')} `
  }

  protected completions(line: string): readonly string[] {
    const words = line.trimStart().split(/\s+/)
    const [command, ...rest] = words.slice(0, -1)
    if (command === undefined) return ['virsh', 'xl', ...MONITOR_WORDS, 'help_monitor', ...NETWORK_WORDS, 'help']
    if (NETWORK_WORDS.includes(command)) return [...networkWords, ...linkNames]
    if (command === 'info') return INFO_WORDS
    if (command === 'xl') return rest.length === 0 ? xlWords : [this.desk.guestName, ...this.desk.hostNames]
    return command === 'virsh' ? virshCompletions(this.desk, rest) : []
  }

  protected execute(words: readonly string[], line: string): void {
    const [command = '', ...rest] = words
    if (command === 'help') return this.print(help(this.desk.guestName, this.desk.hostNames))
    if (command === 'virsh') return this.print(virsh(this.context(), quoted(rest, line)))
    if (command === 'xl') return this.print(xl({ ...this.context(), hostName: null }, quoted(rest, line)))
    if (command === 'help_monitor') return this.print(this.monitor(`help ${rest.join(' ')}`))
    if (MONITOR_WORDS.includes(command)) return this.print(this.monitor(line))
    if (!NETWORK_WORDS.includes(command)) throw new InputError(`${command}: no such command. Type help.`)
    this.print(networkCommand(this.desk.network, words))
  }

  private context(): Omit<VirshContext, 'hostName'> {
    return {
      desk: this.desk,
      nowNs: this.clock.nowNs,
      watchMigration: (options) => this.watchMigration(options),
    }
  }

  private monitor(line: string): string {
    const home = this.desk.liveVm()?.hostName ?? this.desk.hostNames[0]
    return this.desk.monitors.find(({ target }) => target.hostName === home)?.humanCommand(line) ?? ''
  }
}

/** What stands between quotation marks is one word. */
function quoted(words: readonly string[], line: string): readonly string[] {
  if (!/['"]/.test(line)) return words
  const found = line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []
  return found.slice(1).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
}

const networkWords = [
  ...['qdisc', 'change', 'show', 'del', 'dev', 'netem', 'delay', 'loss', 'duplicate', 'reorder', 'corrupt', 'limit'],
  ...['link', 'set', 'up', 'down', '-n', '-N', 'addr', 'route', 'neigh', 'fdb'],
]
