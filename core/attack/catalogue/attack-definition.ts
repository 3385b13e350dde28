/** What is to be known of an attack before one tries it. The table in docs/attacks.md is made from this. */
import { configurationNamesOf, type ConfigurationName, type Testbed } from './configurations.js'

export const attackPlanes = {
  control: 'Control plane',
  data: 'Data plane',
  module: 'Migration module',
  guest: 'Guests against the cloud',
} as const
export type AttackPlane = keyof typeof attackPlanes

/** How an attack ends. */
export const verdicts = {
  succeeded: 'the attacker got what it wanted',
  stopped: 'a defence kept it from that',
  detected: 'it got what it wanted, and was seen doing so',
  residual: 'it got less than it wanted, and more than nothing',
  'not applicable': 'what it attacks is not there',
} as const
export type Verdict = keyof typeof verdicts

export interface AttackDefinition {
  readonly name: string
  readonly title: string
  readonly plane: AttackPlane
  readonly testbed: Testbed
  /** The section of the survey of attacks on live migration that it belongs to. */
  readonly survey: string
  /** What it does, in a sentence. */
  readonly summary: string
  readonly preconditions: string
  /** What the attacker has to hold. */
  readonly reach: string
  readonly gains: string
  /** In their order; the attacker tells of them. */
  readonly stages: readonly string[]
  /** How it ends against each configuration of its testbed that changes anything; else it succeeds. */
  readonly against: Readonly<Partial<Record<ConfigurationName, Exclude<Verdict, 'succeeded'>>>>
  /** Against the real incident. */
  readonly simplified: string
  /** Papers and CVE numbers. */
  readonly references: readonly string[]
}

/** How it must end. */
export function expectedVerdict({ testbed, against }: AttackDefinition, configuration: ConfigurationName): Verdict {
  if (!configurationNamesOf(testbed).includes(configuration)) return 'not applicable'
  return against[configuration] ?? 'succeeded'
}
