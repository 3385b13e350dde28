/** The catalogue of attacks as the window lists it. */
import {
  attackPlanes,
  expectedVerdict,
  type AttackDefinition,
  type AttackPlane,
} from '../../core/attack/catalogue/attack-definition.js'
import { catalogue } from '../../core/attack/catalogue/catalogue.js'
import {
  configurationNamesOf,
  configurationsOf,
  type ConfigurationName,
} from '../../core/attack/catalogue/configurations.js'

export interface ListedAttack extends AttackDefinition {
  /** What it can be tried against. */
  readonly configurations: readonly { readonly name: ConfigurationName; readonly meaning: string }[]
  /** Those that stop it. */
  readonly stoppedBy: readonly string[]
}

export interface ListedPlane {
  readonly title: string
  readonly attacks: readonly ListedAttack[]
}

export const attackList: readonly ListedPlane[] = (Object.keys(attackPlanes) as AttackPlane[])
  .map((plane) => ({
    title: attackPlanes[plane],
    attacks: catalogue.filter((attack) => attack.plane === plane).map(listed),
  }))
  .filter(({ attacks }) => attacks.length > 0)

function listed(attack: AttackDefinition): ListedAttack {
  const meanings: Readonly<Record<string, string>> = configurationsOf[attack.testbed]
  const names = configurationNamesOf(attack.testbed)
  return {
    ...attack,
    configurations: names.map((name) => ({ name, meaning: meanings[name] ?? '' })),
    stoppedBy: names.filter((name) => expectedVerdict(attack, name) === 'stopped'),
  }
}
