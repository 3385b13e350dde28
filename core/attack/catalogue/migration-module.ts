/** Attacks on the program that receives a migration (survey, section 3.2.3). */
import type { AttackDefinition } from './attack-definition.js'

export const migrationModule: readonly AttackDefinition[] = []
