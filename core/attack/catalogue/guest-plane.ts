/** Attacks of guests on the cloud they run in (survey, section 3.1). */
import type { AttackDefinition } from './attack-definition.js'

export const guestPlane: readonly AttackDefinition[] = [
  {
    name: 'vm-jumping',
    title: 'A guest that reads its neighbour',
    plane: 'guest',
    testbed: 'neighbours',
    survey: '3.1, VM jumping',
    summary:
      'Reads the memory of another tenant of the same machine, through a wall that was set up once and not again.',
    preconditions:
      'a kernel that leaves one entry of the memory protection as it was when it goes from tenant to tenant',
    reach: 'the instructions of its own guest, and a console',
    gains: 'what the neighbour keeps: here, a token',
    stages: [],
    against: { isolated: 'stopped' },
    simplified:
      'two programs in user mode under a tiny kernel stand for two guests; the hole is of the kind that CVEs of hypervisors tell of, and none of them',
    references: ['RISC-V Privileged Architecture, section 3.7: Physical Memory Protection'],
  },
  {
    name: 'vm-poaching',
    title: 'A guest that takes its neighbours’ time',
    plane: 'guest',
    testbed: 'fleet',
    survey: '3.1, VM poaching',
    summary: 'Computes as much as it can, on a host that shares its cores among whoever wants them.',
    preconditions: 'a host with more guests than cores, and no limit to what one of them gets',
    reach: 'the instructions of its own guest',
    gains: 'the processor time that its neighbours have paid for; they do less in the same time',
    stages: [],
    against: { 'processor-caps': 'stopped' },
    simplified:
      'the processor alone, of which a guest of the lab has one; the orchestrator looks too rarely to move anybody away',
    references: ['Xen credit scheduler: cap', 'Linux Documentation/admin-guide/cgroup-v2.rst: cpu.max'],
  },
]
