/** Attacks on the program that receives a migration (survey, section 3.2.3). */
import type { AttackDefinition } from './attack-definition.js'
import type { ConfigurationName } from './configurations.js'

const OBERHEIDE =
  'Oberheide, Cooke, Jahanian: Empirical Exploitation of Live Virtual Machine Migration, Black Hat DC 2008'
const XEN = 'Xen 3.1, tools/libxc/xc_domain_restore.c'
const HOSTILE = 'QEMU docs/devel/migration/main.rst: an incoming stream is hostile'

const receiver = {
  plane: 'module',
  testbed: 'receiver',
  preconditions: 'the port for migrations takes connections from anybody; the program is one that the attacker has too',
  reach: 'an ordinary port of the segment; one TCP connection',
} as const
const control = {
  ...receiver,
  gains: 'the host’s management, and with it the memory of all its guests',
  stages: ['connect', 'send', 'control', 'read'],
} as const

/** Where the guest of the rack has its texts (labs/guests/shell); its secrets lie elsewhere with every seed. */
const TEXTS_PAGE = 9

/** The receiver of the rack's hosts, where they have xend. */
const byHand = (exploit: string, page = TEXTS_PAGE): Pick<AttackDefinition, 'byHand'> => ({
  byHand: {
    position: 'access',
    hypervisor: 'xend',
    lines: [`xensploit ${exploit} host-a${page === 0 ? '' : ` -page ${page}`}`],
    then: 'The attacker’s terminal tells what it reads of the guest on Host A.',
  },
})

/** What keeps any of them out, and what makes its addresses wrong: the process crashes. */
function against(
  fix: ConfigurationName,
  more: AttackDefinition['against'] = {},
): Readonly<Pick<AttackDefinition, 'against'>> {
  const names = { [fix]: 'stopped', 'all-fixes': 'stopped', sealed: 'stopped', 'random-addresses': 'residual' } as const
  return { against: { ...names, ...more } }
}

export const migrationModule: readonly AttackDefinition[] = [
  {
    ...control,
    ...against('batch-check', { 'stack-canary': 'residual' }),
    ...byHand('batch'),
    name: 'receiver-batch',
    title: 'A batch of a negative number of pages',
    survey: '3.2.3, stack overflow',
    summary:
      'Announces INT_MIN + n pages, which is less than the maximum, and sends 4n octets to a buffer on the stack and past it.',
    simplified:
      'the program is ours, on emulated memory of 32 bits without page protection; control goes to a routine of it that is there for this, where a real attack brings or finds code',
    references: [OBERHEIDE, `${XEN}; mended by commit 5a07d757fb (2007)`],
  },
  {
    ...control,
    ...against('free-list-check'),
    ...byHand('free-list'),
    name: 'receiver-free-list',
    title: 'A free list whose size wraps around',
    survey: '3.2.3, heap overflow by an integer overflow',
    summary:
      'Announces 2^30 + 16 entries, for which 64 octets are set aside; the loop over them copies words of its choice over a function pointer.',
    simplified:
      'the report of progress that is called in the loop, and its record in the next block of the heap, are ours: the original would likely have crashed before it called anything',
    references: [OBERHEIDE, `${XEN}; mended by commit 284d8c4881 (2007)`],
  },
  {
    ...receiver,
    ...against('index-check'),
    ...byHand('device-index', 0),
    name: 'receiver-device-index',
    title: 'A keyboard queue that begins in another guest',
    survey: '3.2.3, memory of the module read beyond its end',
    summary:
      'Sends a keyboard whose read index lies far beyond its queue; the guest, which is the attacker’s, reads on from there.',
    gains: 'a page of another guest that the receiver has mapped',
    stages: ['connect', 'send', 'read'],
    simplified:
      'the guest that was sent is no machine: what it takes from its keyboard goes to its console, which is the connection',
    references: ['CVE-2017-16845: QEMU, hw/input/ps2.c, rptr and count on load', HOSTILE],
  },
  {
    ...control,
    ...against('length-check'),
    ...byHand('device-length'),
    name: 'receiver-device-length',
    title: 'A device configuration longer than the device’s own',
    survey: '3.2.3, heap overflow',
    summary:
      'Sends a network card whose configuration goes on into the next block of the heap, where a function pointer lies.',
    simplified: 'the two blocks lie side by side because the program asks for them one after the other',
    references: ['CVE-2014-0182: QEMU, virtio, config_len on load', HOSTILE],
  },
]
