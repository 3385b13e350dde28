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

/**
 * Where the attacker's cable is plugged in: the destination of a mirror of Host A's port, which takes no frames; an ordinary port
 * of the switch; the same with a hub in the switch's place; or a tap in the switch, which sees every port's frames.
 */
export const attackerPositions = ['mirror', 'access', 'hub', 'switch'] as const
export type AttackerPosition = (typeof attackerPositions)[number]

/** What a person does to see it, in the rack. */
export interface ByHand {
  readonly position: AttackerPosition
  /** The hypervisor that the hosts must have; any when left out. */
  readonly hypervisor?: 'xend'
  /** Typed at the attacker's shell. */
  readonly lines: readonly string[]
  /** What comes next, and where it shows. */
  readonly then: string
}

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
  readonly byHand?: ByHand
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
