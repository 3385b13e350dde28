/** Every attack there is. */
import type { AttackDefinition } from './attack-definition.js'
import { controlPlane } from './control-plane.js'
import { dataPlane } from './data-plane.js'
import { guestPlane } from './guest-plane.js'
import { migrationModule } from './migration-module.js'

export const catalogue: readonly AttackDefinition[] = [...controlPlane, ...dataPlane, ...migrationModule, ...guestPlane]
