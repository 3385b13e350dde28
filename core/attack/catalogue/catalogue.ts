/** Every attack there is. */
import type { AttackDefinition } from './attack-definition.js'
import { dataPlane } from './data-plane.js'

export const catalogue: readonly AttackDefinition[] = [...dataPlane]
