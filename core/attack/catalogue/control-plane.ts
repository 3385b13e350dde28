/** Attacks on who moves what where (survey, section 3.2.1). */
import type { AttackDefinition } from './attack-definition.js'

export const controlPlane: readonly AttackDefinition[] = [
  {
    name: 'migration-flood',
    title: 'A flood of migrations that never come',
    plane: 'control',
    testbed: 'rack',
    survey: '3.2.1, denial of service by false migration requests',
    summary: 'Opens connections to the ports at which a host lets migrations in, and leaves them half open.',
    preconditions: 'the ports for migrations can be reached from where the attacker is',
    reach: 'an ordinary port of the segment; frames in any station’s name',
    gains: 'no guest can be moved there while it lasts: not for balance, and not away from a host that fails',
    stages: ['flood'],
    against: { 'syn-cookies': 'stopped' },
    simplified:
      'the half-open connections fill TCP’s backlog; real products have slots and memory of their own to fill too',
    references: ['RFC 4987: TCP SYN Flooding Attacks and Common Mitigations'],
  },
]
