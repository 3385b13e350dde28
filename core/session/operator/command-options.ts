/**
 * Commands with options as virsh has them (tools/vsh.c): one table a command, from which its words are read, its help is
 * written and its options are completed.
 */
import { InputError } from '../../base/errors.js'

export interface CommandOption {
  readonly name: string
  /** `data` may stand without its name; a `flag` has no value. */
  readonly kind: 'flag' | 'string' | 'number' | 'data'
  readonly help: string
  readonly isRequired?: true
  /** What completes its value. */
  readonly values?: 'domain' | 'host' | readonly string[]
}

export interface CommandTable {
  readonly name: string
  /** One line. */
  readonly help: string
  readonly description: string
  readonly options: readonly CommandOption[]
}

/** What was said, by the options' names. */
export class GivenOptions {
  private readonly values = new Map<string, string>()

  constructor(private readonly table: CommandTable) {}

  has(name: string): boolean {
    return this.values.has(name)
  }

  text(name: string): string | undefined {
    return this.values.get(name)
  }

  required(name: string): string {
    const value = this.values.get(name)
    if (value === undefined) throw new InputError(`error: command '${this.table.name}' requires <${name}> option`)
    return value
  }

  /** A whole number that is not negative. */
  number(name: string): number | undefined {
    const value = this.values.get(name)
    if (value === undefined) return undefined
    if (!/^\d{1,15}$/.test(value))
      throw new InputError(`error: Numeric value '${value}' for <${name}> option is malformed or out of range`)
    return Number(value)
  }

  set(name: string, value: string): void {
    if (this.values.has(name)) throw new InputError(`error: option --${name} already seen`)
    this.values.set(name, value)
  }
}

/** Reads `--option value`, `--option=value`, flags and data in any order. Throws `InputError` with virsh's words. */
export function readOptions(table: CommandTable, words: readonly string[]): GivenOptions {
  const given = new GivenOptions(table)
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name, value] = /^--([^=]*)(?:=(.*))?$/.exec(word) ?? []
    if (name === undefined) readData(table, given, word)
    else {
      const option = table.options.find((one) => one.name === name)
      if (option === undefined) throw new InputError(`error: command '${table.name}' doesn't support option --${name}`)
      if (option.kind === 'flag' && value !== undefined)
        throw new InputError(`error: invalid '=' after option --${name}`)
      given.set(name, option.kind === 'flag' ? '' : valueOf(option, value ?? rest.shift()))
    }
  }
  for (const { name, isRequired } of table.options) if (isRequired === true) given.required(name)
  return given
}

function valueOf({ name, kind }: CommandOption, value: string | undefined): string {
  if (value !== undefined) return value
  throw new InputError(`error: expected syntax: --${name} <${kind === 'number' ? 'number' : 'string'}>`)
}

function readData({ options }: CommandTable, given: GivenOptions, word: string): void {
  const next = options.find(({ name, kind }) => kind === 'data' && !given.has(name))
  if (next === undefined) throw new InputError(`error: unexpected data '${word}'`)
  given.set(next.name, word)
}

function synopsis({ name, kind, isRequired }: CommandOption): string {
  if (kind === 'data') return isRequired === true ? `<${name}>` : `[<${name}>]`
  return kind === 'flag' ? `[--${name}]` : `[--${name} <${kind}>]`
}

function optionTerm({ name, kind, isRequired }: CommandOption): string {
  if (kind === 'data') return `${isRequired === true ? `[--${name}]` : `--${name}`} <string>`
  return kind === 'flag' ? `--${name}` : `--${name} <${kind}>`
}

/** `virsh help COMMAND`. */
export function commandHelp(table: CommandTable): string {
  const { name, help, description, options } = table
  const lines = ['  NAME', `    ${name} - ${help}`, '', '  SYNOPSIS']
  lines.push(`    ${[name, ...options.map(synopsis)].join(' ')}`, '', '  DESCRIPTION', `    ${description}`)
  if (options.length > 0) lines.push('', '  OPTIONS')
  for (const option of options) lines.push(`    ${optionTerm(option).padEnd(30)} ${option.help}`)
  return `${lines.join('\n')}\n\n`
}

/** What may follow `words` of a command: values of the option just named, else options and data. */
export function completionsOf(
  { options }: CommandTable,
  words: readonly string[],
  names: { readonly domains: readonly string[]; readonly hosts: readonly string[] },
): readonly string[] {
  const valuesOf = ({ values = [] }: CommandOption): readonly string[] =>
    values === 'domain' ? names.domains : values === 'host' ? names.hosts : values
  const last = words.at(-1)?.replace(/^--/, '')
  const named = options.find(
    ({ name, kind }) => kind !== 'flag' && words.at(-1)?.startsWith('--') === true && name === last,
  )
  if (named !== undefined) return valuesOf(named)
  return [
    ...options.filter(({ kind }) => kind === 'data').flatMap(valuesOf),
    ...options.map(({ name }) => `--${name}`).filter((option) => !words.includes(option)),
  ]
}
