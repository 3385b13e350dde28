/** Attacks of guests on the cloud they run in (survey, section 3.1). */
import type { AttackDefinition } from './attack-definition.js'

export const guestPlane: readonly AttackDefinition[] = []
