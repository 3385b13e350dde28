/** A grid of migrations as a YAML file: what is common to all, and what varies. Its options are those of `midstream migrate`. */
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { InputError, LabError } from '../core/base/errors.js'
import { channelNames, strategies, type Scenario } from '../core/session/scenario.js'
import { findExample } from './example-files.js'
import { scenarioFrom, scenarioOptions, type ScenarioValues } from './migrate-scenario.js'
import { YamlFile } from './yaml-file.js'

const CELLS_MAX = 10_000

type OptionName = keyof typeof scenarioOptions

const optionName = z.enum(Object.keys(scenarioOptions) as [OptionName, ...OptionName[]])
const value = z.union([z.string(), z.number(), z.boolean()])
const optionValues = z.partialRecord(optionName, z.union([value, z.array(value)]))
const cellName = z.string().regex(/^[\w.-]+$/, 'a name has letters, digits, dots and dashes')

const specSchema = z.strictObject({
  title: z.string().min(1),
  about: z.string().default(''),
  /** For every cell. */
  base: optionValues.default({}),
  channels: z.array(z.enum(channelNames)).min(1),
  strategies: z.array(z.enum(strategies)).min(1).default(['precopy']),
  /** By name: what the guest does. */
  workloads: z.record(cellName, optionValues).default({ default: {} }),
  /** Any other option, each with the values that it is to take. */
  vary: z.partialRecord(optionName, z.array(value).min(1)).default({}),
})
type SweepPlan = z.output<typeof specSchema>

/** One migration of the grid. */
export interface SweepCell {
  /** In the grid's order, from 0. */
  readonly index: number
  /** Where it is in the grid, by the axes' names; the same axes in the same order in every cell. */
  readonly place: Readonly<Record<string, string>>
  readonly values: ScenarioValues
  readonly scenario: Scenario
}

/** Where the option of a cell was written, for what is said about it. */
interface Chosen {
  readonly path: string
  readonly option: string
  readonly value: unknown
}

export interface SweepSpec {
  readonly title: string
  readonly about: string
  readonly cells: readonly SweepCell[]
}

/** The file of that path, or the example of that name in labs/sweeps. Throws `InputError` naming file, line and place. */
export function readSweep(name: string): SweepSpec {
  const path = findExample('sweeps', name)
  const file = new YamlFile(path)
  return file.naming(() => parseSweep(file.values(), dirname(path)))
}

/** `folder` is where the files that it names are. Throws `LabError` naming the first place that is wrong, and why. */
export function parseSweep(written: unknown, folder: string): SweepSpec {
  const result = specSchema.safeParse(written)
  if (!result.success) {
    const issue = result.error.issues[0]
    const isUnknown = issue?.code === 'unrecognized_keys' || issue?.code === 'invalid_key'
    const hint =
      isUnknown && issue.path.length > 0 ? '; options are those of midstream migrate --help, without dashes' : ''
    throw new LabError(pathText(issue?.path ?? []) || 'sweep', `${issue?.message ?? 'not a sweep'}${hint}`)
  }
  const plan = result.data
  const axes = axesOf(plan)
  const count = axes.reduce((product, { choices }) => product * choices.length, 1)
  if (count > CELLS_MAX) throw new LabError('sweep', `${count} migrations: at most ${CELLS_MAX} in one file`)
  const common = chosenIn('base', plan.base)
  const cells = Array.from({ length: count }, (_, index) => cellAt(index, axes, common, folder))
  return { title: plan.title, about: plan.about, cells }
}

interface Axis {
  readonly name: string
  readonly choices: readonly { readonly label: string; readonly chosen: readonly Chosen[] }[]
}

/** The last one varies fastest. */
function axesOf({ channels, strategies: names, workloads, vary }: SweepPlan): Axis[] {
  const listed = (name: string, path: string, values: readonly unknown[]): Axis => ({
    name,
    choices: values.map((each, index) => ({
      label: String(each),
      chosen: [{ path: `${path}[${index}]`, option: name, value: each }],
    })),
  })
  const workload: Axis = {
    name: 'workload',
    choices: Object.entries(workloads).map(([label, options]) => ({
      label,
      chosen: chosenIn(`workloads.${label}`, options),
    })),
  }
  const others = Object.entries(vary).map(([name, values]) => {
    if (name === 'channel' || name === 'strategy') throw new LabError(`vary.${name}`, 'has a list of its own above')
    return listed(name, `vary.${name}`, values)
  })
  return [workload, ...others, listed('strategy', 'strategies', names), listed('channel', 'channels', channels)]
}

function chosenIn(path: string, options: SweepPlan['base']): Chosen[] {
  return Object.entries(options).map(([option, each]) => ({ path: `${path}.${option}`, option, value: each }))
}

function cellAt(index: number, axes: readonly Axis[], common: readonly Chosen[], folder: string): SweepCell {
  const place: Record<string, string> = {}
  const chosen = new Map(common.map((each) => [each.option, each]))
  let rest = index
  for (const { name, choices } of axes.toReversed()) {
    const choice = choices[rest % choices.length]
    rest = Math.floor(rest / choices.length)
    if (choice === undefined) continue
    place[name] = choice.label
    for (const each of choice.chosen) chosen.set(each.option, each)
  }
  const all = [...chosen.values()]
  try {
    const args = all.flatMap((each) => argumentsOf(each, folder))
    const { values } = parseArgs({ args, options: scenarioOptions })
    return { index, place: orderedAs(axes, place), values, scenario: scenarioFrom(values) }
  } catch (error) {
    if (!isUsageError(error)) throw error
    const option = /^--([\w-]+)/.exec(error.message)?.[1]
    const culprit = all.find((each) => each.option === option)
    throw new LabError(culprit?.path ?? 'sweep', `${error.message} (${Object.values(place).reverse().join(', ')})`)
  }
}

function isUsageError(error: unknown): error is Error {
  if (error instanceof InputError) return true
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
}

function orderedAs(axes: readonly Axis[], place: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(axes.map(({ name }) => [name, place[name] ?? '']))
}

function argumentsOf({ path, option, value: given }: Chosen, folder: string): string[] {
  if (Array.isArray(given)) return given.flatMap((each) => argumentsOf({ path, option, value: each }, folder))
  const isSwitch = scenarioOptions[option as OptionName].type === 'boolean'
  if (isSwitch !== (typeof given === 'boolean'))
    throw new LabError(path, isSwitch ? 'write true or false' : 'write a value, such as migrate takes it')
  if (isSwitch) return given === true ? [`--${option}`] : []
  return [`--${option}=${option === 'costs' ? resolve(folder, String(given)) : String(given)}`]
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}
