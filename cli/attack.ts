/** `attack`: an attack of the catalogue, played against a configuration and judged by its trace. */
import { parseArgs } from 'node:util'
import { attackPlanes, expectedVerdict, type AttackDefinition } from '../core/attack/catalogue/attack-definition.js'
import { catalogue } from '../core/attack/catalogue/catalogue.js'
import {
  configurationNames,
  configurationNamesOf,
  configurationsOf,
  type ConfigurationName,
} from '../core/attack/catalogue/configurations.js'
import { InputError } from '../core/base/errors.js'
import { drills } from '../core/session/attacker/drills/drills.js'
import type { DrillRun } from '../core/session/attacker/drills/drill.js'
import { attacksDocument } from './attacks-document.js'
import { readGuestImage } from './guest-images.js'
import { expectWritable, openOutput, writeOutputFile, type Output } from './output.js'

const options = {
  against: { type: 'string', default: 'vulnerable' },
  seed: { type: 'string', default: '1' },
  list: { type: 'boolean', default: false },
  matrix: { type: 'boolean', default: false },
  document: { type: 'boolean', default: false },
  json: { type: 'string' },
  pcap: { type: 'string' },
} as const

export async function attackCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const output = openOutput(values.json)
  await expectWritable(values.json === '-' ? undefined : values.json, values.pcap)
  const configuration = configurationNames.find((name) => name === values.against)
  if (configuration === undefined)
    throw new InputError(`--against ${values.against}: choose one of ${configurationNames.join(', ')}`)
  if (values.document) {
    process.stdout.write(attacksDocument())
    return 0
  }
  const [name, more] = positionals
  if (more !== undefined) throw new InputError(`one attack at a time: ${positionals.join(' ')}`)
  if (values.matrix) return playMatrix(name === undefined ? catalogue : [named(name)], values.seed, output)
  if (name === undefined || values.list) return list(output)
  const definition = named(name)
  const meanings: Readonly<Partial<Record<ConfigurationName, string>>> = configurationsOf[definition.testbed]
  const meaning = meanings[configuration]
  if (meaning === undefined)
    throw new InputError(
      `--against ${configuration}: ${name} is tried against ${configurationNamesOf(definition.testbed).join(', ')}`,
    )
  const run = play(definition, configuration, values.seed)
  const { outcome } = run
  const expected = expectedVerdict(definition, configuration)
  output.line(`${definition.title}, against ${meaning}`)
  output.line(`${outcome.verdict}: ${outcome.summary}`)
  output.line()
  output.table(
    ['ms', 'evidence'],
    outcome.evidence.map(({ atNs, text }) => [(atNs / 1e6).toFixed(3), text]),
  )
  output.line()
  output.line(`sent: ${outcome.framesSent} frames, ${outcome.octetsSent} octets; trace ${run.trace.hash()}`)
  if (outcome.verdict !== expected) output.line(`expected was: ${expected}`)
  if (values.pcap !== undefined) await writeOutputFile(values.pcap, run.capture.toPcapng())
  await output.json({
    attack: name,
    configuration,
    seed: values.seed,
    expected,
    ...outcome,
    traceHash: run.trace.hash(),
  })
  return outcome.verdict === expected ? 0 : 1
}

function named(name: string): AttackDefinition {
  const definition = catalogue.find((each) => each.name === name)
  if (definition === undefined)
    throw new InputError(`there is no attack ${name}; there are: ${catalogue.map((each) => each.name).join(', ')}`)
  return definition
}

function play({ name }: AttackDefinition, configuration: ConfigurationName, seed: string): DrillRun {
  const drill = drills[name]
  if (drill === undefined) throw new InputError(`${name} cannot be played`)
  return drill({ configuration, seed, image: readGuestImage })
}

async function list(output: Output): Promise<number> {
  output.table(
    ['attack', 'plane', 'what it does'],
    catalogue.map(({ name, plane, summary }) => [name, attackPlanes[plane], summary]),
  )
  await output.json(catalogue)
  return 0
}

/** Each attack against each configuration of its testbed. The exit status is 0 if all ended as they must. */
async function playMatrix(attacks: readonly AttackDefinition[], seed: string, output: Output): Promise<number> {
  const cells = attacks.flatMap((definition) =>
    configurationNamesOf(definition.testbed).map((configuration) => {
      const { verdict, summary } = play(definition, configuration, seed).outcome
      const expected = expectedVerdict(definition, configuration)
      output.line(`${definition.name}  ${configuration}  ${verdict}${verdict === expected ? '' : `, not ${expected}`}`)
      return { attack: definition.name, configuration, expected, verdict, summary }
    }),
  )
  const wrong = cells.filter(({ verdict, expected }) => verdict !== expected).length
  output.line(`${cells.length} played, ${wrong === 0 ? 'all as expected' : `${wrong} not as expected`}`)
  await output.json(cells)
  return wrong === 0 ? 0 : 1
}
