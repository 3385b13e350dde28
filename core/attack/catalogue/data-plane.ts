/** Attacks on what crosses the network (survey, section 3.2.2). */
import { hexOf, latin1Octets } from '../../base/octets.js'
import type { AttackDefinition } from './attack-definition.js'
import { all, OBERHEIDE, sealed } from './common.js'
import { configurationNamesOf, type ConfigurationName } from './configurations.js'

const PLUMMER = 'RFC 826: An Ethernet Address Resolution Protocol'

const configurationNames = configurationNamesOf('rack')

/** Of these, those under which every change is noticed. */
const authenticated = sealed.filter((name) => name !== 'aes-128-ecb' && name !== 'aes-256-ctr')
/** Nothing is offered that somebody could decline. */
const withoutOffer = configurationNames.filter((name) => !name.startsWith('vmotion'))
/** What keeps two stations from believing a third. */
const sure = ['arp-inspection', 'static-arp'] as const satisfies readonly ConfigurationName[]

/** The section of QEMU's goldfish_rtc: its name, instance and version, 32 octets of other fields, and `tick_offset` (core/machine/rtc.ts). */
const CLOCK_NAME = hexOf(latin1Octets('goldfish_rtc'))
const CLOCK_NOW = CLOCK_NAME + '??'.repeat(4 + 4 + 32 + 8)
/** Ten years less, in nanoseconds. */
const TEN_YEARS_NS = 315_576_000_000_000_000n
const CLOCK_THEN = CLOCK_NAME + '??'.repeat(4 + 4 + 32) + (2n ** 64n - TEN_YEARS_NS).toString(16).padStart(16, '0')
/**
 * The branch behind the call of the password check, in the guest's program (labs/guests/shell/shell.c, `login_password`): `beqz`
 * becomes `nop`. The instructions after it tell the place from others.
 */
export const LOGIN_BRANCH = 'e30605fc130600089305000013850400'
export const LOGIN_PATCH = '13000000130600089305000013850400'

/** Two stations are told of an address that was another one's before, and the cable says so. */
const seen = { 'intruder-watch': 'detected' } as const

const snooping = {
  plane: 'data',
  testbed: 'rack',
  survey: '3.2.2, passive snooping',
  preconditions: 'a migration crosses where the attacker listens',
  gains: 'memory, disk and device state of the guest: files, keys, cards, cookies, password hashes',
  stages: ['listen', 'rebuild memory', 'search it'],
  // Under any cipher, lengths and times still tell size, rounds, dirty rate and when the guest stopped.
  against: all(sealed, 'residual' as const),
} as const

const middle = {
  plane: 'data',
  testbed: 'rack',
  survey: '3.2.2, active manipulation',
  preconditions: 'hosts that learn each other’s MAC address by ARP on a segment that the attacker is on too',
  reach: 'an ordinary port of the segment',
  against: { ...all([...sealed, ...sure], 'stopped' as const), ...seen },
} as const

export const dataPlane: readonly AttackDefinition[] = [
  {
    ...snooping,
    name: 'snoop-mirror',
    title: 'Snooping at a mirror port',
    summary: 'Listens to copies of every frame at the source host’s port.',
    reach: 'a mirror port: copies of frames, and nothing can be sent',
    byHand: {
      position: 'mirror',
      lines: ['search'],
      then: 'Migrate the guest, then search again: the findings stand in the tab of that name, too.',
    },
    simplified: 'the switch copies without loss, as long as the mirror’s cable is fast enough',
    references: [OBERHEIDE],
  },
  {
    ...snooping,
    name: 'snoop-hub',
    title: 'Snooping on a shared segment',
    summary: 'Listens where every station hears every frame.',
    reach: 'a port of a hub, or of a switch that knows no addresses',
    byHand: { position: 'hub', lines: ['search'], then: 'Migrate the guest, then search again.' },
    simplified: 'a hub of today’s speed without collisions',
    references: [OBERHEIDE],
  },
  {
    ...snooping,
    name: 'snoop-flood',
    title: 'Snooping behind a flood of addresses',
    summary: 'Fills the switch’s table with stations that are not there, so that frames to real ones go to every port.',
    preconditions: 'the hosts are not in the table yet, or have been silent until it forgot them (300 s)',
    reach: 'an ordinary port of the segment',
    stages: ['flood', 'listen', 'rebuild memory', 'search it'],
    against: { ...all(sealed, 'residual' as const), 'port-security': 'stopped', ...seen },
    byHand: {
      position: 'access',
      lines: ['macof'],
      then: 'Migrate the guest for the first time, then search: the frames between the hosts come to every port.',
    },
    simplified: 'the table has no room kept for each port, and real ones put addresses in buckets that fill unevenly',
    references: ['IEEE 802.1Q, section 8.8: the filtering database', OBERHEIDE],
  },
  {
    ...snooping,
    name: 'snoop-switch',
    title: 'Snooping in a compromised switch',
    summary: 'Listens to all ports of a switch that it has the administration of.',
    reach: 'the switch: copies of frames at every port',
    byHand: { position: 'switch', lines: ['search'], then: 'Migrate the guest, then search again.' },
    simplified: 'how the switch was taken over is left out',
    references: [OBERHEIDE],
  },
  {
    name: 'traffic-identify',
    title: 'Which guest was it, and when did it stop?',
    plane: 'guest',
    testbed: 'rack',
    survey: '3.1, traffic analysis of encrypted migration',
    summary: 'Holds lengths and times of a migration that it cannot read against those of guests that it knows.',
    preconditions: 'guests that the attacker has, or has had, the like of at home',
    reach: 'a mirror port: copies of frames, and nothing can be sent',
    gains: 'which of them moved, and the instant at which it stood still; a co-resident of it has moved on, too',
    stages: [],
    against: { 'tls-shaped': 'residual' },
    byHand: {
      position: 'mirror',
      lines: [],
      then: 'Migrate the guest over a sealed channel: what lengths and times tell stands under Findings.',
    },
    simplified: 'three guests to choose from, of one size; a cloud has more, and they change',
    references: [
      'Achleitner, La Porta, McDaniel et al.: Stealth Migration: Hiding Virtual Machines on the Network, INFOCOM 2017',
    ],
  },
  {
    ...middle,
    name: 'middle-text',
    title: 'A text changed in flight',
    summary: 'Poisons both hosts, relays their traffic, and edits a text in every copy of its page that passes.',
    gains: 'the guest shows what the attacker wrote',
    stages: ['poison', 'intercept', 'edit'],
    byHand: {
      position: 'access',
      lines: ['filter replace "Login incorrect" "All yours, Eve!"', 'ettercap host-a host-b'],
      then: 'Migrate the guest, then log in with a wrong password at its console.',
    },
    simplified:
      'pages are edited where they are sent as they are: not as XBZRLE differences, nor on channels of multifd',
    references: [OBERHEIDE, PLUMMER],
  },
  {
    ...middle,
    name: 'middle-login',
    title: 'A login check patched in flight',
    summary: 'Edits one instruction of the guest’s login check in every copy of its page that passes.',
    gains: 'any password enters at the destination, which the source’s copy refused',
    stages: ['poison', 'intercept', 'edit'],
    byHand: {
      position: 'access',
      lines: [`filter replace ${LOGIN_BRANCH} ${LOGIN_PATCH}`, 'ettercap host-a host-b'],
      then: 'Migrate the guest, then log in as root with any password.',
    },
    simplified:
      'the guest’s program is public, so the attacker knows the octets around the branch; the paper patched OpenSSH',
    references: [OBERHEIDE, PLUMMER],
  },
  {
    ...middle,
    name: 'middle-rollback',
    title: 'Pages rolled back to an old round',
    summary: 'Gives the destination, of every page, the copy that was sent first.',
    gains: 'a guest whose memory is of different instants: it fails, or goes on with what was revoked',
    stages: ['poison', 'intercept', 'edit'],
    byHand: {
      position: 'access',
      lines: ['filter rollback', 'ettercap host-a host-b'],
      then: 'Migrate the guest; the events say in how many octets the copies differ.',
    },
    simplified: 'all pages alike; a careful attacker would choose',
    references: [OBERHEIDE],
  },
  {
    ...middle,
    name: 'middle-swap',
    title: 'Two pages swapped in flight',
    summary: 'Changes the addresses of two pages’ records for each other’s.',
    gains: 'octets of the guest’s own, where the guest expects others: here, two pages of its texts',
    stages: ['poison', 'intercept', 'edit'],
    byHand: {
      position: 'access',
      lines: ['filter swap 0x80008000 0x80009000', 'ettercap host-a host-b'],
      then: 'Migrate the guest; the events say in how many octets the copies differ.',
    },
    simplified: 'only records that name no block are changed, which all but the first of a block are',
    references: [OBERHEIDE],
  },
  {
    ...middle,
    name: 'middle-device',
    title: 'The state of a device changed in flight',
    summary: 'Changes a field of the clock’s state, which crosses behind memory when the guest stands still.',
    gains: 'the guest’s clock has gone back ten years: certificates and licences that had expired are valid again',
    stages: ['poison', 'intercept', 'edit'],
    byHand: {
      position: 'access',
      lines: [`filter device ${CLOCK_NOW} ${CLOCK_THEN}`, 'ettercap host-a host-b'],
      then: 'Log in at the guest’s console, type date, migrate the guest, and type date again.',
    },
    simplified: 'the field is found by the name of its section and QEMU’s published layout',
    references: ['QEMU docs/devel/migration/main.rst: an incoming stream is hostile', OBERHEIDE],
  },
  {
    ...middle,
    name: 'middle-truncate',
    title: 'The stream cut short',
    summary: 'Cuts the connection in the middle of the transfer.',
    gains: 'no move: the guest stays where it is, as often as it is tried',
    stages: ['poison', 'intercept', 'edit'],
    // A cipher does not keep a connection alive.
    against: { ...all([...sure, 'esp'], 'stopped' as const), ...seen },
    byHand: {
      position: 'access',
      lines: ['filter truncate 256KiB', 'ettercap host-a host-b'],
      then: 'Migrate the guest: it stays where it is.',
    },
    simplified: 'cut once',
    references: [OBERHEIDE],
  },
  {
    ...middle,
    name: 'middle-flip',
    title: 'Bits flipped through a cipher',
    summary: 'Changes known octets of a sealed page into wanted ones, by place alone, without the key.',
    preconditions: 'the guest’s program is public, so the attacker knows what must be where in the stream',
    gains: 'any password enters at the destination, though nothing was ever read',
    stages: ['poison', 'intercept', 'edit'],
    against: {
      ...all([...authenticated, ...sure], 'stopped' as const),
      ...seen,
      // A changed block comes out as another one, whatever that is.
      'aes-128-ecb': 'residual',
    },
    simplified:
      'the place is learnt from a migration of the same machine at home; the memory before it must have the same zero pages',
    references: ['NIST SP 800-38A, section 6.5: counter mode', OBERHEIDE],
  },
  {
    ...middle,
    name: 'middle-paste',
    title: 'Blocks moved under ECB',
    summary: 'Puts a cipher block that passed before in the place of another one, without the key.',
    preconditions: 'the guest’s program is public, so the attacker knows what must be where in the stream',
    gains: 'a piece of the guest’s memory stands where the attacker wants it',
    stages: ['poison', 'intercept', 'edit'],
    against: {
      ...all([...authenticated, ...sure], 'stopped' as const),
      ...seen,
      // The key stream is another one there.
      'aes-256-ctr': 'residual',
    },
    simplified: 'a text of the guest is overwritten; what an attacker would gain depends on what lies where',
    references: ['NIST SP 800-38A, section 6.1: the electronic codebook mode', OBERHEIDE],
  },
  {
    ...middle,
    name: 'middle-downgrade',
    title: 'Opportunistic encryption declined for both',
    summary: 'Changes one octet of the offer to seal, so that each host believes that the other cannot.',
    preconditions: 'hosts that seal if both can, and else do not',
    gains: 'the migration crosses in clear, and can be read and edited',
    stages: ['poison', 'intercept', 'edit'],
    against: {
      ...all(withoutOffer, 'not applicable' as const),
      'vmotion-required': 'stopped',
    },
    byHand: {
      position: 'access',
      lines: ['filter strip', 'ettercap host-a host-b'],
      then: 'Choose the channel vMotion, opportunistic, and migrate the guest.',
    },
    simplified: 'how vMotion negotiates is not published; this is the least that shows what opportunism is worth',
    references: ['VMware vSphere Security: Encrypted vSphere vMotion', 'RFC 7435: Opportunistic Security'],
  },
  {
    ...middle,
    name: 'impostor-ssh',
    title: 'An impostor at first contact over SSH',
    summary: 'Answers the SSH connection of a migration with a host key of its own, and takes any user.',
    preconditions: 'whoever opens the tunnel takes host keys that it does not know',
    gains: 'all memory that the source sends; the move fails',
    stages: ['poison', 'intercept', 'read'],
    against: {
      ...all(
        configurationNames.filter((name) => !name.startsWith('ssh')),
        'not applicable' as const,
      ),
      ssh: 'stopped',
    },
    byHand: {
      position: 'access',
      lines: ['ssh-mitm host-a host-b'],
      then: 'Choose the channel SSH with any host key taken, and migrate the guest.',
    },
    simplified:
      'it does not go on to the destination, whose check of the user’s key it cannot pass: SSH binds that to the session',
    references: ['RFC 4251, section 4.1: Host Keys', 'RFC 4252, section 7: Public Key Authentication Method'],
  },
  {
    ...middle,
    name: 'impostor-tls',
    title: 'An impostor with a certificate of its own',
    summary: 'Answers the TLS connection of a migration with a certificate that it has signed itself.',
    preconditions: 'the source takes any certificate',
    gains: 'all memory that the source sends; the move fails',
    stages: ['poison', 'intercept', 'read'],
    against: {
      ...all(
        configurationNames.filter((name) => !name.startsWith('tls')),
        'not applicable' as const,
      ),
      tls: 'stopped',
      'tls-shaped': 'stopped',
    },
    byHand: {
      position: 'access',
      lines: ['sslsplit host-a host-b'],
      then: 'Choose the channel TLS with any certificate taken, and migrate the guest.',
    },
    simplified: 'it does not go on to the destination, which asks for the source’s certificate',
    references: ['RFC 8446, section 4.4.2: Certificate', 'libvirt: migrate_tls_x509_verify'],
  },
]
