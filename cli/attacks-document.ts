/** docs/attacks.md, from the definitions. */
import {
  attackPlanes,
  expectedVerdict,
  verdicts,
  type AttackDefinition,
  type AttackPlane,
} from '../core/attack/catalogue/attack-definition.js'
import { catalogue } from '../core/attack/catalogue/catalogue.js'
import {
  configurationNamesOf,
  configurationsOf,
  testbeds,
  type Testbed,
} from '../core/attack/catalogue/configurations.js'

const signs = { succeeded: '●', stopped: '–', detected: '◉', residual: '◐', 'not applicable': ' ' } as const

export function attacksDocument(): string {
  const planes = Object.keys(attackPlanes) as AttackPlane[]
  return [
    '# Attacks',
    'Made from the definitions in `core/attack/catalogue` by `npm run -s midstream -- attack --document`; a test holds the two together, and another plays every cell of the matrix.',
    'Each is run by `npm run -s midstream -- attack NAME --against CONFIGURATION`; `--json F` keeps what proves how it ended, `--pcap F` what came in at the attacker’s cable.',
    '## How each ends against what',
    Object.entries(verdicts)
      .map(
        ([verdict, meaning]) => `- ${signs[verdict as keyof typeof signs].trim() || '(blank)'} ${verdict}: ${meaning}`,
      )
      .join('\n'),
    ...(Object.keys(testbeds) as Testbed[]).flatMap(matrix),
    ...planes.flatMap((plane) => {
      const attacks = catalogue.filter((definition) => definition.plane === plane)
      return attacks.length === 0 ? [] : [`## ${attackPlanes[plane]}`, ...attacks.map(section)]
    }),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n')
}

/** Of one testbed: an attack is not applicable to the others’ configurations. */
function matrix(testbed: Testbed): string[] {
  const attacks = catalogue.filter((definition) => definition.testbed === testbed)
  if (attacks.length === 0) return []
  const names = configurationNamesOf(testbed)
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    `### ${testbeds[testbed]}`,
    [
      row(['attack', ...names]),
      row(['---', ...names.map(() => ':-:')]),
      ...attacks.map((definition) =>
        row([definition.name, ...names.map((name) => signs[expectedVerdict(definition, name)])]),
      ),
    ].join('\n'),
    Object.entries(configurationsOf[testbed])
      .map(([name, meaning]) => `- \`${name}\`: ${meaning}`)
      .join('\n'),
  ]
}

function section(definition: AttackDefinition): string {
  const { name, title, survey, summary, preconditions, reach, gains, stages, simplified, references } = definition
  const stopping = configurationNamesOf(definition.testbed).filter(
    (each) => expectedVerdict(definition, each) === 'stopped',
  )
  return [
    `### ${title}`,
    `\`${name}\` · survey, section ${survey}. ${summary}`,
    [
      `- **Needs**: ${preconditions}`,
      `- **Reach**: ${reach}`,
      `- **Gains**: ${gains}`,
      `- **Stages**: ${stages.join(', ')}`,
      `- **Stopped by**: ${stopping.length === 0 ? 'none of the configurations' : stopping.map((each) => `\`${each}\``).join(', ')}`,
      `- **Simplified**: ${simplified}`,
      `- **References**: ${references.join('; ')}`,
    ].join('\n'),
  ].join('\n\n')
}
