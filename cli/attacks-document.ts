/** docs/attacks.md, from the definitions. */
import {
  attackPlanes,
  expectedVerdict,
  verdicts,
  type AttackDefinition,
  type AttackPlane,
} from '../core/attack/catalogue/attack-definition.js'
import { catalogue } from '../core/attack/catalogue/catalogue.js'
import { configurationNames, configurations } from '../core/attack/catalogue/configurations.js'

const signs = { succeeded: '●', stopped: '–', detected: '◉', residual: '◐', 'not applicable': ' ' } as const

export function attacksDocument(): string {
  const planes = Object.keys(attackPlanes) as AttackPlane[]
  return [
    '# Attacks',
    'Made from the definitions in `core/attack/catalogue` by `npm run -s midstream -- attack --document`; a test holds the two together, and another plays every cell of the matrix.',
    'Each is run by `npm run -s midstream -- attack NAME --against CONFIGURATION`; `--json F` keeps what proves how it ended, `--pcap F` what came in at the attacker’s cable.',
    '## How each ends against what',
    matrix(),
    Object.entries(verdicts)
      .map(
        ([verdict, meaning]) => `- ${signs[verdict as keyof typeof signs].trim() || '(blank)'} ${verdict}: ${meaning}`,
      )
      .join('\n'),
    '### Configurations',
    Object.entries(configurations)
      .map(([name, meaning]) => `- \`${name}\`: ${meaning}`)
      .join('\n'),
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

function matrix(): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    row(['attack', ...configurationNames]),
    row(['---', ...configurationNames.map(() => ':-:')]),
    ...catalogue.map((definition) =>
      row([definition.name, ...configurationNames.map((name) => signs[expectedVerdict(definition, name)])]),
    ),
  ].join('\n')
}

function section(definition: AttackDefinition): string {
  const { name, title, survey, summary, preconditions, reach, gains, stages, simplified, references } = definition
  const stopping = configurationNames.filter((each) => expectedVerdict(definition, each) === 'stopped')
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
