/**
 * The kinds of host that a migration can be given.
 *
 * Native figures: OpenSSL 3.0 on one core of a two-core x86-64 server of 2024 (AMD EPYC of the fifth generation). Medians of five
 * runs of `openssl speed -seconds 1 -evp CIPHER` with pieces of 16 KiB, processor time; what a record costs beside its octets is
 * the same with pieces of 16 octets, less their share. The host without AES instructions is the same one under
 * `OPENSSL_ia32cap="~0x200000200000000"`, which masks AES-NI and PCLMULQDQ, and with them AVX2, SHA and what else came later: so it
 * stands for a server of before 2010 with a clock of today.
 */
import type { CipherName, CostTable, OperationName, RecordFigure } from './costs.js'

export const hostCpus = ['libraries', 'aes', 'no-aes', 'measured'] as const
/** `measured` is the table that the scenario brings. */
export type HostCpu = (typeof hostCpus)[number]

/** Of the host that a migration goes to; `same` as the other's. */
export const destinationCpus = ['same', ...hostCpus] as const
export type DestinationCpu = (typeof destinationCpus)[number]

type Pair = readonly [nsPerOctet: number, nsPerRecord: number]

/** Figures of one source: AEAD ciphers by `-aead`, DES and RC4 by the legacy provider. */
function bySpeed(figures: Readonly<Record<Exclude<CipherName, 'xsalsa20-poly1305'>, Pair>>, mask: string) {
  const cipherOf = (name: string): string => (name === '3des-cbc' ? 'des-ede3-cbc' : name)
  const option = (name: string): string =>
    /gcm|poly1305/.test(name) ? ' -aead' : name === 'des-cbc' || name === 'rc4' ? ' -provider legacy' : ''
  return Object.fromEntries(
    Object.entries(figures).map(([name, [nsPerOctet, nsPerRecord]]) => [
      name,
      { nsPerOctet, nsPerRecord, source: `openssl speed${option(name)} -evp ${cipherOf(name)}, 16 KiB${mask}` },
    ]),
  ) as Record<keyof typeof figures, RecordFigure>
}

/** OpenSSL has none of these; libsodium does not use AES instructions. */
const sodium = {
  'xsalsa20-poly1305': {
    nsPerOctet: 0.65,
    nsPerRecord: 690,
    source: 'libsodium 1.0.18, crypto_secretbox_easy of 16 KiB, median of 9; same server',
  },
  'nacl-scalarmult': { ns: 29_400, source: 'libsodium 1.0.18, crypto_scalarmult, median of 9; same server' },
  'nacl-hash': { nsPerOctet: 1.43, source: 'libsodium 1.0.18, crypto_hash_sha512 of 16 KiB, median of 9; same server' },
} as const

const loopback = {
  nsPerOctet: 0.42,
  source: '2 GiB through a TCP connection over lo in writes of 64 KiB, processor time of both ends: 3.2 GB/s',
} as const

type Speeds = Readonly<Record<Exclude<OperationName, 'nacl-scalarmult'>, number>>

function operationsBySpeed(ns: Speeds, mask: string): CostTable['operations'] {
  const by = (name: keyof Speeds, speed: string) => ({ ns: ns[name], source: `openssl speed ${speed}${mask}` })
  return {
    'x25519-shared': by('x25519-shared', 'ecdhx25519'),
    'x25519-base': by('x25519-base', 'ecdhx25519: one of the base point takes as long'),
    'nacl-scalarmult': sodium['nacl-scalarmult'],
    'ed25519-sign': by('ed25519-sign', 'ed25519'),
    'ed25519-verify': by('ed25519-verify', 'ed25519'),
    'rsa-2048-public': by('rsa-2048-public', 'rsa2048'),
    'rsa-2048-private': by('rsa-2048-private', 'rsa2048'),
  }
}

const withAes: CostTable = {
  title: 'Server with AES instructions',
  ciphers: {
    'xsalsa20-poly1305': sodium['xsalsa20-poly1305'],
    ...bySpeed(
      {
        'chacha20-poly1305': [0.199, 56],
        'aes-128-gcm': [0.194, 316],
        'aes-256-gcm': [0.207, 322],
        'aes-128-ecb': [0.081, 11],
        'aes-256-cbc': [0.89, 2],
        'aes-256-ctr': [0.115, 16],
        'des-cbc': [10.5, 11],
        '3des-cbc': [27.3, 22],
        rc4: [1.25, 0],
      },
      '',
    ),
  },
  operations: operationsBySpeed(
    {
      'x25519-shared': 24_600,
      'x25519-base': 24_600,
      'ed25519-sign': 23_600,
      'ed25519-verify': 63_500,
      'rsa-2048-public': 13_700,
      'rsa-2048-private': 220_000,
    },
    '',
  ),
  streamed: {
    'sha-256': { nsPerOctet: 0.505, source: 'openssl speed -evp sha256, 16 KiB' },
    'nacl-hash': sodium['nacl-hash'],
    loopback,
  },
}

const MASKED = ', AES-NI and PCLMULQDQ masked'

const withoutAes: CostTable = {
  title: 'Server without AES instructions',
  ciphers: {
    'xsalsa20-poly1305': sodium['xsalsa20-poly1305'],
    ...bySpeed(
      {
        'chacha20-poly1305': [0.779, 46],
        'aes-128-gcm': [3.04, 486],
        'aes-256-gcm': [3.64, 544],
        'aes-128-ecb': [3.1, 19],
        'aes-256-cbc': [5.78, 3],
        'aes-256-ctr': [2.25, 62],
        'des-cbc': [10.7, 12],
        '3des-cbc': [28, 4],
        rc4: [1.26, 0],
      },
      MASKED,
    ),
  },
  operations: operationsBySpeed(
    {
      'x25519-shared': 25_700,
      'x25519-base': 25_700,
      'ed25519-sign': 23_700,
      'ed25519-verify': 63_900,
      'rsa-2048-public': 16_100,
      'rsa-2048-private': 558_000,
    },
    MASKED,
  ),
  streamed: {
    'sha-256': { nsPerOctet: 1.76, source: `openssl speed -evp sha256, 16 KiB${MASKED}` },
    'nacl-hash': sodium['nacl-hash'],
    loopback,
  },
}

const noble = (what: string): string => `noble, ${what}; Node 20, median, two-core x86-64 server`
const tweet = (what: string): string => `tweetnacl 1.0.3, ${what}; Node 20, median, two-core x86-64 server`
/** Measured later, on a faster machine: brought to the server of the others by what ChaCha20-Poly1305 takes on both. */
const scaled = (what: string): string =>
  `${what}; Node 20, median, 1.6 times as measured where chacha20poly1305 is faster`

/** What this program really seals with: JavaScript. */
const libraries: CostTable = {
  title: "This program's own libraries",
  ciphers: {
    'xsalsa20-poly1305': {
      nsPerOctet: 11.8,
      nsPerRecord: 5_300,
      source: tweet('nacl.secretbox of 4 KiB, 85 MB/s; of a record, the sealed header: nacl.secretbox of 4 octets'),
    },
    'chacha20-poly1305': {
      nsPerOctet: 11.4,
      nsPerRecord: 5_000,
      source: noble('chacha20poly1305 of 4 KiB, 88 MB/s; of a record, the key stream for its length: chacha20orig'),
    },
    'aes-128-gcm': {
      nsPerOctet: 17.5,
      nsPerRecord: 9_100,
      source: scaled('core/secure/aes-gcm.ts, 16 KiB and 16 octets'),
    },
    'aes-256-gcm': {
      nsPerOctet: 21.2,
      nsPerRecord: 10_300,
      source: scaled('core/secure/aes-gcm.ts, 16 KiB and 16 octets'),
    },
    'aes-128-ecb': { nsPerOctet: 5.7, nsPerRecord: 1_700, source: scaled('noble ecb of 16 KiB and of 16 octets') },
    'aes-256-cbc': { nsPerOctet: 10.6, nsPerRecord: 2_600, source: noble('cbc of 16 KiB, 94 MB/s, and of 16 octets') },
    'aes-256-ctr': { nsPerOctet: 9.3, nsPerRecord: 3_300, source: noble('ctr of 16 KiB, 108 MB/s, and of 16 octets') },
    'des-cbc': { nsPerOctet: 20.4, nsPerRecord: 5_100, source: scaled('DES of node-forge, 16 KiB and 16 octets') },
    '3des-cbc': { nsPerOctet: 52.8, nsPerRecord: 7_300, source: scaled('DES of node-forge, 16 KiB and 16 octets') },
    rc4: { nsPerOctet: 3.3, nsPerRecord: 1_200, source: scaled('RC4 in plain JavaScript, 16 KiB and 16 octets') },
  },
  operations: {
    'x25519-shared': { ns: 840_000, source: noble('x25519.getSharedSecret') },
    'x25519-base': { ns: 290_000, source: noble('x25519.getPublicKey') },
    'nacl-scalarmult': { ns: 460_000, source: tweet('nacl.scalarMult') },
    'ed25519-sign': { ns: 410_000, source: noble('ed25519.sign of 32 octets') },
    'ed25519-verify': { ns: 1_020_000, source: noble('ed25519.verify of 32 octets') },
    'rsa-2048-public': { ns: 105_000, source: scaled('pow of noble curves, exponent 65537, modulus of 2048 bits') },
    'rsa-2048-private': { ns: 15_400_000, source: scaled('pow of noble curves, exponent and modulus of 2048 bits') },
  },
  streamed: {
    'sha-256': { nsPerOctet: 7.1, source: noble('sha256') },
    'nacl-hash': { nsPerOctet: 12.7, source: tweet('nacl.hash, which is SHA-512') },
    loopback,
  },
}

export const costTables: Readonly<Record<Exclude<HostCpu, 'measured'>, CostTable>> = {
  libraries,
  aes: withAes,
  'no-aes': withoutAes,
}
