/**
 * QEMU's human monitor: text commands (hmp-commands.hx, monitor/hmp.c). Most are a QMP command under another name, so what is
 * refused is refused with the same words after `Error: `.
 */
import type { JsonOutput } from '../wire/json-value.js'
import { QmpError } from '../wire/qmp.js'
import { infoCommands, infoText } from './hmp-info.js'
import { migrationParameters, type MigrationParameter } from './migration-parameters.js'
import type { Monitor } from './monitor.js'
import { executeQmp } from './qmp-commands.js'
import { jsonOf } from './json-of.js'

interface HumanCommand {
  /** Also known as. */
  readonly alias?: string
  readonly parameters?: string
  readonly help: string
  /** One character each, without a value, in the order in which they may be given. */
  readonly flags?: string
  /** Words it must have. */
  readonly words: number
  run(monitor: Monitor, words: readonly string[], flags: ReadonlySet<string>): string
}

/** A human command that is a QMP command with no more than one argument. */
const as =
  (name: string, argument?: string): HumanCommand['run'] =>
  (monitor, [word]) => {
    qmp(monitor, name, argument === undefined ? {} : { [argument]: word ?? '' })
    return ''
  }

function qmp(monitor: Monitor, name: string, given: Readonly<Record<string, JsonOutput>>): JsonOutput {
  return executeQmp(monitor, name, jsonOf(given))
}

const invalid = (value: string): QmpError => new QmpError(`invalid parameter value: ${value}`)

const commands: Readonly<Record<string, HumanCommand>> = {
  cont: { alias: 'c', help: 'resume emulation', words: 0, run: as('cont') },
  help: { alias: '?', parameters: '[cmd]', help: 'show the help', words: 0, run: (_, [name]) => helpText(name) },
  info: { parameters: '[subcommand]', help: 'show various information about the system state', words: 0, run: info },
  migrate: {
    parameters: '[-d] [-b] [-i] [-r] uri',
    help:
      'migrate to URI (using -d to not wait for completion)' +
      '\r\n\t\t\t -b for migration without shared storage with full copy of disk' +
      '\r\n\t\t\t -i for migration without shared storage with incremental copy of disk (base image shared between src and destination)' +
      '\r\n\t\t\t -r to resume a paused migration',
    flags: 'dbir',
    words: 1,
    run: (monitor, [uri = ''], flags) => {
      qmp(monitor, 'migrate', { uri, blk: flags.has('b'), inc: flags.has('i'), resume: flags.has('r') })
      return flags.has('d') ? '' : 'terminal does not allow synchronous migration, continuing detached\r\n'
    },
  },
  migrate_cancel: { help: 'cancel the current VM migration', words: 0, run: as('migrate_cancel') },
  migrate_continue: {
    parameters: 'state',
    help: 'Continue migration from the given paused state',
    words: 1,
    run: (monitor, [state = '']) => {
      if (!/^[a-z]+(-[a-z]+)*$/.test(state)) throw invalid(state)
      qmpOr(invalid(state), monitor, 'migrate-continue', { state })
      return ''
    },
  },
  migrate_incoming: {
    parameters: 'uri',
    help: 'Continue an incoming migration from an -incoming defer',
    words: 1,
    run: as('migrate-incoming', 'uri'),
  },
  migrate_pause: {
    help: 'Pause an ongoing migration (postcopy-only)',
    words: 0,
    run: as('migrate-pause'),
  },
  migrate_recover: {
    parameters: 'uri',
    help: 'Continue a paused incoming postcopy migration',
    words: 1,
    run: as('migrate-recover', 'uri'),
  },
  migrate_set_capability: {
    parameters: 'capability state',
    help: 'Enable/Disable the usage of a capability for migration',
    words: 2,
    run: (monitor, [capability = '', state = '']) => {
      if (state !== 'on' && state !== 'off') return `Expected 'on' or 'off'\r\n${tryHelp('migrate_set_capability')}`
      const change = { capability, state: state === 'on' }
      qmpOr(invalid(capability), monitor, 'migrate-set-capabilities', { capabilities: [change] })
      return ''
    },
  },
  migrate_set_parameter: {
    parameters: 'parameter value',
    help: 'Set the parameter for migration',
    words: 2,
    run: (monitor, [name = '', text = '']) => {
      const parameter = migrationParameters.find((one) => one.name === name)
      if (parameter === undefined) throw invalid(name)
      qmp(monitor, 'migrate-set-parameters', { [name]: parameterValue(parameter, text) })
      return ''
    },
  },
  migrate_start_postcopy: {
    help: 'Followup to a migration command to switch the migration to postcopy mode. The postcopy-ram capability must be set on both source and destination before the original migration command.',
    words: 0,
    run: as('migrate-start-postcopy'),
  },
  quit: { alias: 'q', help: 'quit the emulator', words: 0, run: as('quit') },
  stop: { alias: 's', help: 'stop emulation', words: 0, run: as('stop') },
  system_powerdown: { help: 'send system power down event', words: 0, run: as('system_powerdown') },
}

const INTEGER = /^(?:0[xX][0-9a-fA-F]+|-?\d+)$/
const SIZE = /^(0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)([bBkKmMgGtTpPeE]?)$/
const SIZE_SUFFIXES = 'bkmgtpe'
const MIB = 2 ** 20
const UINT64 = 2 ** 64
const NO_SIZE =
  'a non-negative number below 2^64\r\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-' +
  '\r\nand exabytes, respectively.'

/** As QEMU reads it: 64 bits are sizes, but for a time in milliseconds; `max-bandwidth` counts in MiB unless it says otherwise. */
function parameterValue({ name, kind }: MigrationParameter, text: string): JsonOutput {
  const expects = (what: string): QmpError => new QmpError(`Parameter '${name}' expects ${what}`)
  if (kind === 'string' || kind === 'compression') return text
  if (kind === 'boolean') {
    if (text !== 'on' && text !== 'off') throw expects("'on' or 'off'")
    return text === 'on'
  }
  if (kind === 'uint8' || name === 'x-checkpoint-delay') {
    if (!INTEGER.test(text)) throw expects('uint64')
    return BigInt(text)
  }
  const octets = sizeOf(text, name === 'max-bandwidth' ? MIB : 1)
  if (name === 'max-bandwidth' && !(octets < UINT64)) throw new QmpError(`Invalid size ${text}`)
  if (Number.isNaN(octets)) throw expects(NO_SIZE)
  if (octets >= UINT64) throw new QmpError(`Value '${text}' is out of range for parameter '${name}'`)
  return BigInt(octets)
}

/** NaN when it is none. */
function sizeOf(text: string, unitOctets: number): number {
  const [, digits, suffix = ''] = SIZE.exec(text) ?? []
  const unit = suffix === '' ? unitOctets : 1024 ** SIZE_SUFFIXES.indexOf(suffix.toLowerCase())
  return Math.floor(Number(digits) * unit)
}

/** As `qmp`; a value that is none of those that can be is `refusal` here. */
function qmpOr(refusal: QmpError, monitor: Monitor, name: string, given: Readonly<Record<string, JsonOutput>>): void {
  try {
    qmp(monitor, name, given)
  } catch (error) {
    throw error instanceof QmpError && error.message.includes('does not accept value') ? refusal : error
  }
}

function info(monitor: Monitor, [name, ...rest]: readonly string[]): string {
  if (name === undefined) return infoHelp()
  const found = Object.hasOwn(infoCommands, name) ? infoCommands[name] : undefined
  if (found === undefined) return `unknown command: 'info ${[name, ...rest].join(' ')}'\r\n`
  if (rest.length > 0) return `${name}: extraneous characters at the end of line\r\n${tryHelp(`info ${name}`)}`
  return infoText(monitor, found)
}

const infoHelp = (): string =>
  Object.entries(infoCommands)
    .map(([name, { help }]) => `info ${name}  -- ${help}\r\n`)
    .join('')

function namesOf(name: string, { alias }: HumanCommand): string {
  return alias === undefined ? name : `${name}|${alias}`
}

function helpText(wanted: string | undefined): string {
  if (wanted === 'info') return infoHelp()
  return Object.entries(commands)
    .filter(([name, { alias }]) => wanted === undefined || wanted === name || wanted === alias)
    .map(([name, command]) => `${namesOf(name, command)} ${command.parameters ?? ''} -- ${command.help}\r\n`)
    .join('')
}

const tryHelp = (names: string): string => `Try "help ${names}" for more information\r\n`

/** Does what `line` says; returns what is printed. */
export function executeHmp(monitor: Monitor, line: string): string {
  const [wanted, ...given] = line.split(/\s+/).filter((word) => word !== '')
  if (wanted === undefined) return ''
  const [name, command] = Object.entries(commands).find(([key, { alias }]) => key === wanted || alias === wanted) ?? []
  if (name === undefined || command === undefined) return `unknown command: '${wanted}'\r\n`
  const flags = new Set<string>()
  const words = [...given]
  let allowed = command.flags ?? ''
  for (const option of given) {
    if (allowed === '' || !option.startsWith('-')) break
    const flag = option.slice(1)
    if (flag.length !== 1 || !allowed.includes(flag))
      return `${name}: unsupported option -${flag.slice(0, 1)}\r\n${tryHelp(name)}`
    flags.add(flag)
    allowed = allowed.slice(allowed.indexOf(flag) + 1)
    words.shift()
  }
  const names = namesOf(name, command)
  if (words.length < command.words) return `${name}: string expected\r\n${tryHelp(name)}`
  const wordsMax = name === 'help' || name === 'info' ? Infinity : command.words
  if (words.length > wordsMax) return `${names}: extraneous characters at the end of line\r\n${tryHelp(name)}`
  try {
    return command.run(monitor, words, flags)
  } catch (error) {
    if (!(error instanceof QmpError)) throw error
    return `Error: ${error.message}\r\n`
  }
}
