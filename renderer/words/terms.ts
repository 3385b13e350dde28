/** The engine's words as the window writes them, and what they mean. */
import type { GuestOptions, RunMetrics } from '../engine/contract.js'

const channelTitles: Readonly<Record<string, string>> = {
  none: 'Clear text',
  nacl: 'NaCl',
  ssh: 'SSH tunnel',
  'ssh-aes-gcm': 'SSH, AES-GCM',
  tls: 'TLS 1.3',
  'tls-psk': 'TLS 1.3, PSK',
  'vmotion-opportunistic': 'vMotion, if both can',
  'vmotion-required': 'vMotion, required',
  esp: 'IPsec ESP',
  'esp-tunnel': 'IPsec ESP tunnel',
  'aes-128-ecb': 'AES-128-ECB',
  'aes-256-cbc': 'AES-256-CBC',
  'aes-256-ctr': 'AES-256-CTR',
  'aes-256-gcm': 'AES-256-GCM',
  'chacha20-poly1305': 'ChaCha20-Poly1305',
  'des-cbc': 'DES-CBC',
  '3des-cbc': '3DES-CBC',
  'rsa-aes': 'RSA-OAEP and AES',
  'rsa-aes-textbook': 'Textbook RSA and AES',
}

export function channelTitle(channel: string): string {
  return channelTitles[channel] ?? channel
}

export function isSealed(channel: string): boolean {
  return channel !== 'none'
}

/** Of a migration: a channel that seals only if both hosts can may have sealed nothing. */
export function wasSealed({ channel, wentClear }: { readonly channel: string; readonly wentClear: boolean }): boolean {
  return isSealed(channel) && !wentClear
}

const strategyTitles: Readonly<Record<string, string>> = {
  precopy: 'Pre-copy',
  'stop-and-copy': 'Stop-and-copy',
  postcopy: 'Post-copy',
  hybrid: 'Hybrid',
  cold: 'Cold',
}

export function strategyTitle(strategy: string): string {
  return strategyTitles[strategy] ?? strategy
}

const guestTitles: Readonly<Record<string, string>> = {
  shell: 'Server with a shell',
  'shell-b': 'Server with a shell, other records',
  web: 'Web server',
  kv: 'Key-value store',
  stress: 'Memory under stress',
  tenant: 'Two tenants',
}

export function guestTitle(image: string): string {
  return guestTitles[image] ?? image
}

/** What can be set of one guest alone, with the values to choose from. */
export const guestOptionFields: {
  readonly [Name in keyof GuestOptions]: {
    readonly title: string
    readonly meaning: string
    readonly values: readonly { readonly value: GuestOptions[Name]; readonly title: string }[]
  }
} = {
  readsPerSecond: {
    title: 'Reads a second',
    meaning: 'Reads a second that the store makes of itself.',
    values: [0, 50, 200, 1000, 5000].map((value) => ({
      value,
      title: value === 0 ? 'None' : value.toLocaleString('en'),
    })),
  },
  hotPages: {
    title: 'Hot pages',
    meaning: 'The first pages of the working set, which are rewritten more often than the rest.',
    values: [0, 16, 32, 64, 256].map((value) => ({ value, title: value === 0 ? 'None' : `${value} pages` })),
  },
  hotPercent: {
    title: 'Visits to hot pages',
    meaning: 'Of a hundred rewritten pages, how many are hot ones.',
    values: [50, 80, 95, 100].map((value) => ({ value, title: `${value} %` })),
  },
  content: {
    title: 'Content',
    meaning: 'What the pages hold: random octets do not compress, zeros are not even sent, text is in between.',
    values: [
      { value: 'random', title: 'Random octets' },
      { value: 'zeros', title: 'Mostly zeros' },
      { value: 'text', title: 'Text' },
    ],
  },
  hasIsolationFault: {
    title: 'Wall between the tenants',
    meaning: 'Memory protection keeps one tenant out of the other’s memory, unless its region is one entry too wide.',
    values: [
      { value: false, title: 'Whole' },
      { value: true, title: 'With a hole' },
    ],
  },
}

/** The one to begin with first, those nobody described last. */
export function inGuestOrder(images: readonly string[]): readonly string[] {
  const order = Object.keys(guestTitles)
  const place = (image: string): number => (order.includes(image) ? order.indexOf(image) : order.length)
  return images.toSorted((a, b) => place(a) - place(b))
}

const findingTitles: Readonly<Record<string, string>> = {
  credential: 'Password',
  'password-hash': 'Password hash',
  'private-key': 'Private key',
  card: 'Card',
  contact: 'Contact',
  cookie: 'Cookie',
  setting: 'Secret setting',
  token: 'Token',
}

export function findingTitle(kind: string): string {
  return findingTitles[kind] ?? kind
}

/** What of a guest's planted secrets the attacker found: `3 of 13 secrets`, if there are any to find. */
export function foundSecrets({
  secretsFound,
  secretsPlanted,
}: Pick<RunMetrics, 'secretsFound' | 'secretsPlanted'>): string {
  return secretsPlanted === 0 ? 'no secrets planted' : `${secretsFound} of ${secretsPlanted} secrets`
}

/** QEMU's migration statuses in plain words. */
const statusTitles: Readonly<Record<string, string>> = {
  none: 'not started',
  setup: 'connecting',
  active: 'copying while the guest runs',
  device: 'guest stopped, sending the rest',
  'postcopy-active': 'guest runs there, its memory follows',
  'postcopy-paused': 'interrupted, the guest may have to wait',
  'postcopy-recover': 'connecting again',
  'pre-switchover': 'guest stopped, waiting for your word',
  completed: 'completed',
  failed: 'failed',
  cancelling: 'being cancelled',
  cancelled: 'cancelled',
}

export function statusTitle(status: string): string {
  return statusTitles[status] ?? status
}

export function isMigrating(status: string | undefined): boolean {
  return status !== undefined && !['none', 'completed', 'failed', 'cancelled'].includes(status)
}

/** What a term means and where the word comes from; shown as a tooltip beside the control it names. */
export const definitions = {
  guest: 'The program the machine runs. Another one begins the sandbox again; what was done so far is kept.',
  hypervisor:
    'What both hosts run: its ports, what it does unless told otherwise, what it cannot do, and how fast a guest runs on it. Another one begins the sandbox again.',
  strategy:
    'Pre-copy sends RAM in rounds while the guest runs, then stops it for the rest. Stop-and-copy stops it first. Post-copy moves the guest at once and its memory afterwards, hybrid after some rounds. Cold switches it off and boots it there.',
  channel: 'What the migration stream is wrapped in on the wire between the hosts.',
  bandwidth: 'Bits a second that every link carries.',
  dirtyRate: 'Dirty rate: pages a second that the guest rewrites and that must be sent again (QEMU: dirty-pages-rate).',
  storeWrites: 'Writes a second that the store makes of itself: each rewrites a value in memory.',
  workingSet: 'Working set: how many different pages the guest’s workload keeps rewriting.',
  downtime:
    'Downtime: how long the guest stood still, from the pause on the source to the resume on the destination. A guest that was paused anyway has none.',
  clientGap:
    'Client gap: the longest time between two replies a client received around the switch-over. A question lost on a TCP connection is asked again only after 200 ms.',
  virtualTime:
    'Virtual time: minutes, seconds, milliseconds and microseconds inside the lab. It stands still while paused.',
  trace: 'A checksum (SHA-256) of all that happened: the same for the same seed and the same actions.',
} as const
