/** The commands of QMP, each with its arguments in the names of QEMU 7.2's schema (qapi/). What is refused throws `QmpError`. */
import { InputError } from '../../base/errors.js'
import type { MigrationParameters } from '../../migration/migration.js'
import type { JsonObject, JsonOutput } from '../wire/json-value.js'
import { QEMU_VERSION, QmpError } from '../wire/qmp.js'
import { changeCapabilities, migrationCapabilities } from './migration-capabilities.js'
import { changeParameters, migrationParameters, readParameters } from './migration-parameters.js'
import { outgoingAddress, parseMigrationUri } from './migration-uri.js'
import type { Monitor } from './monitor.js'
import type { MonitorSettings } from './monitor-settings.js'
import type { MonitorTarget } from './monitor-target.js'
import { QapiArguments } from './qapi-arguments.js'

type Command = (monitor: Monitor, given: QapiArguments) => JsonOutput

const NOTHING = {}
const IN_PROGRESS = "There's a migration process in progress"

/** A command without arguments. */
const plain =
  (run: (monitor: Monitor) => JsonOutput | void): Command =>
  (monitor, given) => {
    given.close()
    return run(monitor) ?? NOTHING
  }

/** One that takes an address alone. */
const addressed =
  (run: (monitor: Monitor, uri: string) => void): Command =>
  (monitor, given) => {
    const uri = given.string('uri')
    given.close()
    run(monitor, uri)
    return NOTHING
  }

/** All of what is changed, or, when it is refused, nothing: the monitor's own settings too. */
function configure(
  { target, settings }: Monitor,
  change: (now: MigrationParameters, settings: MonitorSettings) => Partial<MigrationParameters>,
): void {
  const changed = { ...settings }
  target.configureMigration(change(target.migrationParameters(), changed))
  Object.assign(settings, changed)
}

const commands: Readonly<Record<string, Command>> = {
  qmp_capabilities: () => {
    throw new QmpError('Capabilities negotiation is already complete, command ignored', 'CommandNotFound')
  },
  'query-version': plain(({ packageName }) => ({ qemu: QEMU_VERSION, package: packageName })),
  'query-commands': plain(() => Object.keys(commands).map((name) => ({ name }))),
  'query-name': plain(({ target }) => ({ name: target.vmName })),
  'query-status': plain(({ target }) => {
    const status = target.runState()
    return { status, singlestep: false, running: status === 'running' }
  }),
  cont: plain(({ target }) => {
    if (target.runState() === 'finish-migrate') throw new QmpError('Migration is not finalized yet')
    target.cont()
  }),
  stop: plain(({ target }) => target.stop()),
  system_powerdown: plain((monitor) => monitor.tell({ event: 'POWERDOWN' })),
  quit: plain((monitor) => monitor.quit()),
  migrate: (monitor, given) => {
    const uri = given.string('uri')
    const copiesDisk = given.optionalBoolean('blk') === true
    const isIncremental = given.optionalBoolean('inc') === true
    given.ignore('detach')
    const isResumed = given.optionalBoolean('resume') === true
    given.close()
    const { target } = monitor
    const { status } = target.migrationInfo()
    if (isResumed && status !== 'postcopy-paused') throw new QmpError('Cannot resume if there is no paused migration')
    if (!isResumed && target.isMigrating()) throw new QmpError(IN_PROGRESS)
    if (isResumed) target.resumeMigration(outgoingAddress(target, uri))
    else {
      if (copiesDisk || isIncremental) checkBlockOptions(target, isIncremental)
      target.migrate(outgoingAddress(target, uri), copiesDisk ? { copyStorage: true } : {})
    }
    return NOTHING
  },
  'migrate-incoming': addressed(({ target }, uri) => {
    if (target.runState() !== 'inmigrate') throw new QmpError("'-incoming' was not specified on the command line")
    target.listenForMigration(parseMigrationUri(uri))
  }),
  // Nothing to cancel is no error.
  migrate_cancel: plain(({ target }) => (target.isMigrating() ? target.cancelMigration() : undefined)),
  'migrate-continue': ({ target }, given) => {
    const state = given.choice('state', statuses)
    given.close()
    const { status = 'none' } = target.migrationInfo()
    if (status !== state || state !== 'pre-switchover') throw new QmpError(`Migration not in expected state: ${status}`)
    target.continueMigration()
    return NOTHING
  },
  'migrate-pause': plain(({ target }) => {
    if (target.migrationInfo().status !== 'postcopy-active')
      throw new QmpError('migrate-pause is currently only supported during postcopy-active state')
    target.pausePostcopy()
  }),
  'migrate-recover': addressed(({ target }, uri) => {
    if (target.migrationInfo().status !== 'postcopy-paused')
      throw new QmpError('Migrate recover can only be run when postcopy is paused.')
    target.recoverPostcopy(parseMigrationUri(uri))
  }),
  'migrate-start-postcopy': plain(({ target, settings }) => {
    const postcopy = migrationCapabilities.find(({ name }) => name === 'postcopy-ram')
    if (postcopy?.isOn(target.migrationParameters(), settings) !== true)
      throw new QmpError('Enable postcopy with migrate_set_capability before the start of migration')
    if (target.migrationInfo().status === undefined || target.migrationInfo().status === 'none')
      throw new QmpError('Postcopy must be started after migration has been started')
    target.startPostcopy()
  }),
  'migrate-set-parameters': (monitor, given) => {
    const values = readParameters(given)
    configure(monitor, (now, settings) => changeParameters(values, now, settings))
    return NOTHING
  },
  'query-migrate-parameters': plain(({ target, settings }) => {
    const now = target.migrationParameters()
    return Object.fromEntries(migrationParameters.map(({ name, value }) => [name, value(now, settings)]))
  }),
  'migrate-set-capabilities': (monitor, given) => {
    const names = migrationCapabilities.map(({ name }) => name)
    const changes = given.objects('capabilities').map((entry) => {
      const change = { capability: entry.choice('capability', names), state: entry.boolean('state') }
      entry.close()
      return change
    })
    given.close()
    if (monitor.target.isMigrating()) throw new QmpError(IN_PROGRESS)
    configure(monitor, (now, settings) => changeCapabilities(changes, now, settings))
    return NOTHING
  },
  'query-migrate-capabilities': plain(({ target, settings }) =>
    migrationCapabilities.map(({ name, isOn }) => ({
      state: isOn(target.migrationParameters(), settings),
      capability: name,
    })),
  ),
  'query-migrate': plain(({ target }) => target.migrationInfo() as JsonOutput),
  'human-monitor-command': (monitor, given) => {
    const line = given.string('command-line')
    given.optionalUint64('cpu-index')
    given.close()
    return monitor.humanCommand(line)
  },
}

const statuses = [
  ...(['none', 'setup', 'cancelling', 'cancelled', 'active', 'postcopy-active', 'postcopy-paused'] as const),
  ...(['postcopy-recover', 'completed', 'failed', 'colo', 'pre-switchover', 'device', 'wait-unplug'] as const),
]

/** Whether a disk can be asked for with the command, as the capability `block` asks for it. Throws `QmpError`. */
function checkBlockOptions(target: MonitorTarget, isIncremental: boolean): void {
  if (target.migrationParameters().copyStorage)
    throw new QmpError('Command options are incompatible with current migration capabilities')
  if (isIncremental) throw new QmpError("Parameter 'inc' cannot be had here: no disk has a base image at both hosts")
}

/** Throws `QmpError`. */
export function executeQmp(monitor: Monitor, name: string, given: JsonObject): JsonOutput {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) throw new QmpError(`The command ${name} has not been found`, 'CommandNotFound')
  try {
    return command(monitor, new QapiArguments(given))
  } catch (error) {
    throw error instanceof InputError ? new QmpError(error.message) : error
  }
}
