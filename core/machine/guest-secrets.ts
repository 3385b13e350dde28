/**
 * The truth about a guest: the secrets that labs/guests/shell makes from its seed (users.c, secrets.c), made again. The
 * attacker never sees this; leakage is measured against it.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatOctets, latin1Octets } from '../base/octets.js'
import type { GuestParameters } from './guest-parameters.js'

export interface GuestSecret {
  readonly kind: 'password-hash' | 'password' | 'private-key' | 'card' | 'cookie' | 'setting' | 'contact'
  /** Whose password, card or e-mail address, the key of the setting. */
  readonly name: string
  /** In plain form: a card as sixteen digits, the key as its whole PEM text. */
  readonly value: string
  /** As it stands in memory: a card with its separators, a wide setting with a NUL after each character. */
  readonly octets: Uint8Array
  /** It is in memory only from when somebody typed it: a guest keeps no plain password. */
  readonly onlyOnceTyped?: boolean
}

const WORDS = (
  'anchor birch canyon dahlia ember falcon garnet harbor indigo juniper kestrel lagoon marble nectar otter pepper ' +
  'quartz raven saffron timber umber velvet walnut xenon yarrow zephyr bramble cobalt drizzle fennel glacier hazel'
).split(' ')
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const USERS = ['root', 'alice', 'bob', 'carol', 'deploy']
const CARD_ISSUERS = ['424242', '400000', '555555', '510510', '222300', '601111']
const CARDS = 4
const SALT_OCTETS = 8
const PEOPLE = 12
const GIVEN_NAMES =
  'Amina Bruno Chiara Dmitri Elif Farid Greta Hiro Ingrid Jonas Keiko Lucia Mateus Nadia Oskar Priya'.split(' ')
const FAMILY_NAMES = (
  'Almeida Bergstrom Castellan Dimitrov Eriksen Fontaine Gruber Hayashi Ivanova Jansen Kowalski Lindqvist Moreau ' +
  'Novak Okafor Petrova'
).split(' ')
const MAIL_DOMAINS = ['example.com', 'example.net', 'example.org']

/** splitmix32: the guest's generator, one stream a secret. */
export class GuestRandom {
  private state: number
  constructor(seed: number, stream: number) {
    this.state = seed ^ Math.imul(stream, 0x9e37_79b9)
  }

  next(): number {
    this.state = (this.state + 0x9e37_79b9) | 0
    let z = this.state
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97)
    return (z ^ (z >>> 15)) >>> 0
  }

  word(): string {
    return WORDS[this.next() & 31]!
  }

  octets(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() & 0xff)
  }
}

/** Every secret that a shell started with `parameters` keeps in its memory, and the passwords that may be typed there. */
export function guestSecrets(parameters: GuestParameters): GuestSecret[] {
  if (!parameters.hasSecrets) return []
  const stream = (number: number): GuestRandom => new GuestRandom(parameters.seed, number)
  const secret = (kind: GuestSecret['kind'], name: string, value: string, stored = value): GuestSecret => ({
    kind,
    name,
    value,
    octets: latin1Octets(stored),
  })

  const passwords = USERS.map((name, index) => secret('password', name, password(stream(1 + index))))
  const hashes = passwords.map(({ name, octets }, index) =>
    secret('password-hash', name, passwordHash(octets, stream(10 + index).octets(SALT_OCTETS))),
  )
  const cards = Array.from({ length: CARDS }, (_, index) => {
    const digits = cardNumber(stream(20 + index))
    return secret('card', USERS[index + 1]!, digits, cardInMemory(digits, parameters))
  })
  const cookieStream = stream(40)
  const cookie = Array.from({ length: 4 }, () => cookieStream.next().toString(16).padStart(8, '0')).join('')
  const settings = [
    ['db.url', databaseUrl(stream(60))],
    ['api.token', apiToken(stream(61))],
  ].map(([name, value]) =>
    secret('setting', name!, value!, parameters.wideSettings ? value!.replace(/./g, '$&\0') : value),
  )
  const key = privateKey(stream(50), parameters.keyKind)
  return [
    ...hashes,
    secret('private-key', parameters.keyKind, key),
    ...cards,
    secret('cookie', 'session', cookie),
    ...settings,
    ...people(stream(70)).map(({ name, mail }) => secret('contact', name, mail)),
    ...passwords.map((typed) => ({ ...typed, onlyOnceTyped: true })),
  ]
}

/** What tenant A of `tenant` keeps (labs/guests/tenant/tenant-a.c). */
export function tenantSecrets({ seed, hasSecrets }: GuestParameters): GuestSecret[] {
  if (!hasSecrets) return []
  const value = apiToken(new GuestRandom(seed, 90))
  return [{ kind: 'setting', name: 'service.token', value, octets: latin1Octets(value) }]
}

/** The password that `user` of a guest with `seed` logs in with. */
export function guestPassword(seed: number, user: string): string | undefined {
  const index = USERS.indexOf(user)
  return index < 0 ? undefined : password(new GuestRandom(seed, 1 + index))
}

function password(random: GuestRandom): string {
  const words = `${random.word()}-${random.word()}`
  return words + '!#$%&*+='[random.next() & 7]! + String(1000 + (random.next() % 9000))
}

/** As OpenLDAP's pw-sha2 and Dovecot keep it: SHA-256 of the password and the salt, then the salt. */
function passwordHash(octets: Uint8Array, salt: Uint8Array): string {
  return `{SSHA256}${base64(concatOctets([sha256(concatOctets([octets, salt])), salt]))}`
}

export function cardNumber(random: GuestRandom): string {
  let digits = CARD_ISSUERS[random.next() % 6]!
  while (digits.length < 15) digits += String(random.next() % 10)
  let sum = 0
  for (let i = 0; i < 15; i++) {
    const digit = Number(digits[i]) * (i % 2 === 0 ? 2 : 1)
    sum += digit > 9 ? digit - 9 : digit
  }
  return digits + String((10 - (sum % 10)) % 10)
}

/** The address book (labs/guests/shell/people.c). */
function people(random: GuestRandom): { readonly name: string; readonly mail: string }[] {
  const first = random.next()
  return Array.from({ length: PEOPLE }, (_, index) => {
    const choice = random.next()
    const given = GIVEN_NAMES[(first + 5 * index) & 15]!
    const family = FAMILY_NAMES[choice & 15]!
    const mail = `${given}.${family}@${MAIL_DOMAINS[(choice >>> 8) % 3]!}`.toLowerCase()
    return { name: `${given} ${family}`, mail }
  })
}

/** Sixteen digits with the separators that the guest was told to write. */
export function cardInMemory(digits: string, { cardFormat }: Pick<GuestParameters, 'cardFormat'>): string {
  const separator = { plain: '', dashes: '-', spaces: ' ' }[cardFormat]
  return digits.replace(/(....)(?=.)/g, `$1${separator}`)
}

function databaseUrl(random: GuestRandom): string {
  return `postgres://app:${random.word()}${100 + (random.next() % 900)}@10.0.0.9:5432/main`
}

function apiToken(random: GuestRandom): string {
  return 'tok_' + Array.from({ length: 28 }, () => BASE64[random.next() % 52]!).join('')
}

function privateKey(random: GuestRandom, kind: GuestParameters['keyKind']): string {
  const octets = { RSA: rsaKey, EC: ecKey, OPENSSH: opensshKey }[kind](random)
  const lines = base64(octets).match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${kind} PRIVATE KEY-----`, ...lines, `-----END ${kind} PRIVATE KEY-----`, ''].join('\n')
}

/** RSAPrivateKey of RFC 8017, A.1.2, with random octets for numbers. */
function rsaKey(random: GuestRandom): Uint8Array {
  const integer = (length: number): Uint8Array => {
    const content = random.octets(length)
    if (length % 2 === 1) {
      content[0] = 0
      content[1]! |= 0x80
    } else content[0] = (content[0]! & 0x7f) | 0x40
    return concatOctets([Uint8Array.from(length > 127 ? [2, 0x81, length] : [2, length]), content])
  }
  const version = Uint8Array.of(0x30, 0x82, 0x02, 0x5b, 2, 1, 0)
  const publicExponent = Uint8Array.of(2, 3, 1, 0, 1)
  const modulus = integer(129)
  return concatOctets([version, modulus, publicExponent, ...[128, 65, 65, 64, 64, 64].map(integer)])
}

/** ECPrivateKey of RFC 5915 on P-256. */
function ecKey(random: GuestRandom): Uint8Array {
  const head = Uint8Array.of(0x30, 0x77, 2, 1, 1, 4, 0x20)
  const scalar = random.octets(32)
  const curve = [0xa0, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]
  return concatOctets([head, scalar, Uint8Array.of(...curve, 0xa1, 0x44, 3, 0x42, 0, 4), random.octets(64)])
}

/** OpenSSH's PROTOCOL.key: Ed25519, without a passphrase. */
function opensshKey(random: GuestRandom): Uint8Array {
  const u32 = (value: number): Uint8Array => Uint8Array.of(0, 0, 0, value)
  const string = (octets: Uint8Array): Uint8Array => concatOctets([u32(octets.length), octets])
  const text = (value: string): Uint8Array => string(latin1Octets(value))
  const publicKey = random.octets(32)
  const publicPart = concatOctets([text('ssh-ed25519'), string(publicKey)])
  const check = random.octets(4)
  const secretKey = concatOctets([random.octets(32), publicKey])
  const padding = Uint8Array.of(1, 2, 3, 4, 5)
  const privatePart = concatOctets([check, check, publicPart, string(secretKey), text(''), padding])
  const head = [latin1Octets('openssh-key-v1\0'), text('none'), text('none'), text(''), u32(1)]
  return concatOctets([...head, string(publicPart), string(privatePart)])
}

function base64(octets: Uint8Array): string {
  let text = ''
  for (let i = 0; i < octets.length; i += 3) {
    const group = ((octets[i] ?? 0) << 16) | ((octets[i + 1] ?? 0) << 8) | (octets[i + 2] ?? 0)
    for (let j = 0; j < 4; j++) text += i + j <= octets.length ? BASE64[(group >> (18 - 6 * j)) & 63]! : '='
  }
  return text
}
