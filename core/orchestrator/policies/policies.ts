/** The policies by their names. */
import type { PlacementPolicy } from '../placement-policy.js'
import { balance } from './balance.js'
import { consolidate } from './consolidate.js'
import { evacuate } from './evacuate.js'

export const policyNames = ['balance', 'consolidate', 'evacuate'] as const
export type PolicyName = (typeof policyNames)[number]

export const policies: Readonly<Record<PolicyName, PlacementPolicy>> = { balance, consolidate, evacuate }
