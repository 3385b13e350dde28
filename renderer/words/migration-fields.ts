/** Every parameter of a migration that can be set, in groups as the settings show them: its words and usual values. */
import type { MigrationSettings } from '../engine/contract.js'
import { formatCount, formatOctets, formatSpan } from './quantities.js'

type Value = number | boolean | string

export interface MigrationField {
  readonly name: keyof MigrationSettings
  readonly title: string
  readonly meaning: string
  readonly usual: readonly Value[]
  readonly format: (value: Value) => string
  /** It can be changed while a migration runs. */
  readonly isLive?: true
  /** Not shown while another setting makes it say nothing. */
  readonly isShown?: (settings: MigrationSettings) => boolean
}

export interface MigrationFieldGroup {
  readonly title: string
  readonly fields: readonly MigrationField[]
}

const MIB = 2 ** 20
const onOff = (value: Value): string => (value === true ? 'On' : 'Off')
const percent = (value: Value): string => `${value} %`
const rate =
  (zero: string) =>
  (value: Value): string =>
    value === 0 ? zero : `${formatOctets(Number(value))}/s`
const count =
  (one: string, many: string, zero: string) =>
  (value: Value): string =>
    value === 0 ? zero : `${formatCount(Number(value))} ${value === 1 ? one : many}`
const among =
  (titles: Readonly<Record<string, string>>) =>
  (value: Value): string =>
    titles[String(value)] ?? String(value)

const isRound = ({ strategy }: MigrationSettings): boolean => strategy === 'precopy' || strategy === 'hybrid'
const isPostcopy = ({ strategy }: MigrationSettings): boolean => strategy === 'postcopy' || strategy === 'hybrid'

export const migrationFieldGroups: readonly MigrationFieldGroup[] = [
  {
    title: 'Rounds and the stop',
    fields: [
      {
        name: 'downtimeLimitNs',
        title: 'Downtime limit',
        meaning: 'The longest stop the source aims for (QEMU: downtime-limit).',
        usual: [1, 5, 10, 30, 100, 300, 1000].map((ms) => ms * 1e6),
        format: (value) => formatSpan(Number(value)),
        isLive: true,
      },
      {
        name: 'maxBandwidth',
        title: 'Migration bandwidth',
        meaning: 'Octets a second the migration may use, by windows of 100 ms (QEMU: max-bandwidth).',
        usual: [0, 8 * MIB, 32 * MIB, 128 * MIB],
        format: rate('No limit'),
        isLive: true,
      },
      {
        name: 'roundsMin',
        title: 'Rounds at least',
        meaning:
          'Before so many rounds the guest is not stopped. With as many at least as at most, a listener learns nothing from their number.',
        usual: [0, 3, 5, 10],
        format: count('round', 'rounds', 'As needed'),
        isShown: isRound,
      },
      {
        name: 'roundsMax',
        title: 'Rounds at most',
        meaning: 'After so many rounds the guest is stopped whatever is left. QEMU has no such limit, Xen has 5 or 30.',
        usual: [0, 3, 5, 10, 30],
        format: count('round', 'rounds', 'No end'),
        isLive: true,
        isShown: isRound,
      },
      {
        name: 'stopRule',
        title: 'When to stop the guest',
        meaning:
          'QEMU stops it when what is left fits the downtime limit, which it looks at within a round too. Xen counts rounds and pages: few pages left, or three times the memory sent.',
        usual: ['qemu', 'whole-rounds', 'xen', 'xen-legacy'],
        format: among({ qemu: 'As QEMU', 'whole-rounds': 'Between rounds', xen: 'As Xen', 'xen-legacy': 'As Xen 3.1' }),
        isShown: isRound,
      },
      {
        name: 'pauseBeforeSwitchover',
        title: 'Wait before the guest leaves',
        meaning: 'With the guest stopped, wait until you say go on (QEMU: pause-before-switchover).',
        usual: [false, true],
        format: onOff,
        isShown: ({ strategy }) => strategy !== 'cold',
      },
    ],
  },
  {
    title: 'What is sent of a page',
    fields: [
      {
        name: 'zeroPageDetection',
        title: 'Zero pages',
        meaning: 'A page of zeros is sent as one octet when it is looked for (QEMU: zero-page-detection).',
        usual: ['legacy', 'none'],
        format: among({ legacy: 'One octet', none: 'Whole', multifd: 'By the channels' }),
      },
      {
        name: 'xbzrle',
        title: 'Differences only (XBZRLE)',
        meaning: 'A page that was sent before is sent as what changed in it, from a cache of pages sent.',
        usual: [false, true],
        format: onOff,
        isShown: isRound,
      },
      {
        name: 'xbzrleCacheOctets',
        title: 'XBZRLE cache',
        meaning: 'Pages beyond it push each other out and are sent whole (QEMU: xbzrle-cache-size).',
        usual: [1, 4, 16, 64].map((size) => size * MIB),
        format: (value) => formatOctets(Number(value)),
        isShown: (settings) => isRound(settings) && settings.xbzrle,
      },
      {
        name: 'compression',
        title: 'Compression',
        meaning: 'Each page as a zlib stream of its own: fewer octets for more processor time (QEMU: compress).',
        usual: ['none', 'zlib'],
        format: among({ none: 'Off', zlib: 'zlib' }),
      },
      {
        name: 'multifdChannels',
        title: 'Extra channels (multifd)',
        meaning: 'Connections beside the main one that carry the pages (QEMU: multifd-channels).',
        usual: [0, 2, 4, 8],
        format: count('channel', 'channels', 'None'),
      },
    ],
  },
  {
    title: 'Sealing',
    fields: [
      {
        name: 'hostCpu',
        title: 'Hosts seal with',
        meaning:
          'What a channel costs both hosts in processor time. AES instructions make AES nearly free; without them, or in a slow library, the cipher is slower than the cable.',
        usual: ['libraries', 'aes', 'no-aes'],
        format: among({
          libraries: 'This program’s libraries',
          aes: 'AES instructions',
          'no-aes': 'No AES instructions',
          measured: 'As measured',
        }),
        isShown: ({ channel }) => channel !== 'none',
      },
      {
        name: 'peerCheck',
        title: 'Who answers',
        meaning:
          'Whether the source holds the other end’s host key (SSH) or certificate (TLS) against what it knows. Skipping that is the mistake that lets somebody in between.',
        usual: ['strict', 'skip'],
        format: among({ strict: 'Is checked', skip: 'Is taken at his word' }),
        isShown: ({ channel }) => channel === 'tls' || channel.startsWith('ssh'),
      },
      {
        name: 'destinationCpu',
        title: 'The destination with',
        meaning:
          'Where the host that the machine moves to differs. vMotion seals only if both hosts have AES instructions.',
        usual: ['same', 'aes', 'no-aes'],
        format: among({
          same: 'The same',
          libraries: 'This program’s libraries',
          aes: 'AES instructions',
          'no-aes': 'No AES instructions',
          measured: 'As measured',
        }),
        isShown: ({ channel }) => channel !== 'none',
      },
    ],
  },
  {
    title: 'Slowing the guest down',
    fields: [
      {
        name: 'autoConverge',
        title: 'Auto-converge',
        meaning:
          'When the guest dirties memory faster than it can be sent, its processor is held back, more each time.',
        usual: [false, true],
        format: onOff,
        isShown: isRound,
      },
      {
        name: 'throttleTriggerThreshold',
        title: 'Hold back from',
        meaning:
          'Dirtied octets as a share of those sent meanwhile, twice in a row (QEMU: throttle-trigger-threshold).',
        usual: [20, 50, 80],
        format: percent,
        isShown: (settings) => isRound(settings) && settings.autoConverge,
      },
      {
        name: 'cpuThrottleInitial',
        title: 'Held back at first',
        meaning: 'Share of its time that the processor does not run (QEMU: cpu-throttle-initial).',
        usual: [10, 20, 40, 60],
        format: percent,
        isShown: (settings) => isRound(settings) && settings.autoConverge,
      },
      {
        name: 'cpuThrottleIncrement',
        title: 'More each time',
        meaning: 'Added when that was not enough (QEMU: cpu-throttle-increment).',
        usual: [5, 10, 20],
        format: percent,
        isShown: (settings) => isRound(settings) && settings.autoConverge,
      },
      {
        name: 'cpuThrottleMax',
        title: 'At most',
        meaning: 'QEMU: max-cpu-throttle.',
        usual: [50, 80, 99],
        format: percent,
        isShown: (settings) => isRound(settings) && settings.autoConverge,
      },
      {
        name: 'vcpuDirtyLimit',
        title: 'Dirty-rate limit',
        meaning: 'The guest is held back to so many octets a second (QEMU: vcpu-dirty-limit).',
        usual: [0, 1, 4, 16].map((size) => size * MIB),
        format: rate('No limit'),
        isLive: true,
        isShown: isRound,
      },
    ],
  },
  {
    title: 'Disguise',
    fields: [
      {
        name: 'shaping',
        title: 'Lengths and pace',
        meaning:
          'A seal hides octets, not how many there are and when. Padding adds records that carry nothing; a constant rate sends one in every interval. Both cost octets and time.',
        usual: ['none', 'padding', 'constant-rate'],
        format: among({ none: 'As they come', padding: 'Padding', 'constant-rate': 'Constant rate' }),
        isShown: ({ channel }) => channel !== 'none',
      },
      {
        name: 'shapingRate',
        title: 'Constant rate',
        meaning: 'Octets a second, those that carry nothing included.',
        usual: [16 * MIB, 64 * MIB, 100 * MIB],
        format: rate('No limit'),
        isShown: ({ shaping }) => shaping === 'constant-rate',
      },
    ],
  },
  {
    title: 'Post-copy',
    fields: [
      {
        name: 'postcopyAfterRounds',
        title: 'Go over after',
        meaning:
          'A hybrid goes over to post-copy by itself after so many rounds that did not converge, or when you say so.',
        usual: [0, 1, 2, 3, 5],
        format: count('round', 'rounds', 'When I say so'),
        isShown: ({ strategy }) => strategy === 'hybrid',
      },
      {
        name: 'postcopyPrepagingPages',
        title: 'Pages along with one asked for',
        meaning: 'A guest that needs a page soon needs its neighbours: they are sent with it.',
        usual: [0, 4, 16, 64],
        format: count('page', 'pages', 'None'),
        isShown: isPostcopy,
      },
      {
        name: 'maxPostcopyBandwidth',
        title: 'Bandwidth of what follows',
        meaning: 'Pages asked for are not limited (QEMU: max-postcopy-bandwidth).',
        usual: [0, 8 * MIB, 32 * MIB, 128 * MIB],
        format: rate('No limit'),
        isLive: true,
        isShown: isPostcopy,
      },
    ],
  },
  {
    title: 'Storage',
    fields: [
      {
        name: 'copyStorage',
        title: 'Copy the disk',
        meaning:
          'The disk goes before the memory, in the same stream (virsh: --copy-storage-all); otherwise both hosts share it.',
        usual: [false, true],
        format: onOff,
      },
      {
        name: 'zeroBlocks',
        title: 'Shorten zeros of the disk',
        meaning: 'A MiB of nothing but zeros is named, not sent (QEMU: zero-blocks).',
        usual: [false, true],
        format: onOff,
        isShown: ({ copyStorage }) => copyStorage,
      },
    ],
  },
]
