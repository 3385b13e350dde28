/**
 * Password hashes by their form: RFC 2307's `{SCHEME}` with the schemes of OpenLDAP, its pw-sha2 and Dovecot, and
 * crypt(5)'s `$id$salt$hash` as in /etc/shadow. Each form has a length that follows from the digest it holds.
 */
import type { FindingList } from './secret-finding.js'
import { isUserName } from './secret-words.js'
import { isKeyCharacter, isTextOctet, placeOf, textOf, type TextRun } from './text-run.js'

/** Longest form: SHA-512 in hexadecimal digits or crypt's alphabet with rounds and salt stays well below. */
const HASH_MAX = 160
const NAME_MAX = 32
const BRACE = 0x7b
const COLON = 0x3a

/** Octets of the digest that a scheme keeps, and whether a salt follows it. */
const ldapSchemes: Readonly<Record<string, readonly [octets: number, salted: boolean]>> = {
  MD5: [16, false],
  SMD5: [16, true],
  SHA: [20, false],
  SSHA: [20, true],
  SHA256: [32, false],
  SSHA256: [32, true],
  SHA384: [48, false],
  SSHA384: [48, true],
  SHA512: [64, false],
  SSHA512: [64, true],
}
const SALT_MIN = 4
const SALT_MAX = 32
const ldapForm = /^\{([A-Z0-9]{3,7})\}((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)/

/** crypt(5): names and lengths of what glibc and libxcrypt write. */
const cryptForms: readonly (readonly [name: string, form: RegExp])[] = [
  ['MD5', /^\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}/],
  ['bcrypt', /^\$2[abxy]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}/],
  ['SHA-256', /^\$5\$(?:rounds=\d{4,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}/],
  ['SHA-512', /^\$6\$(?:rounds=\d{4,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}/],
  ['scrypt', /^\$7\$[./A-Za-z0-9]{11,97}\$[./A-Za-z0-9]{43}/],
  ['yescrypt', /^\$y\$[./A-Za-z0-9]{3,8}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}/],
]
const isHashCharacter = (text: string, at: number): boolean => at < text.length && /[./A-Za-z0-9+=$]/.test(text[at]!)

/** A hash at the start of `text` and the words for its scheme, or null. */
function hashAtStart(text: string): { readonly value: string; readonly scheme: string } | null {
  const [value = '', scheme = '', base64 = ''] = ldapForm.exec(text) ?? []
  const digest = ldapSchemes[scheme]
  if (digest !== undefined && !isHashCharacter(text, value.length)) {
    const [octets, isSalted] = digest
    const saltOctets = (base64.length / 4) * 3 - (base64.length - base64.replace(/=+$/, '').length) - octets
    const isRight = isSalted ? saltOctets >= SALT_MIN && saltOctets <= SALT_MAX : saltOctets === 0
    return isRight ? { value, scheme: `LDAP's ${scheme}` } : null
  }
  for (const [name, form] of cryptForms) {
    const crypt = form.exec(text)?.[0]
    if (crypt !== undefined && !isHashCharacter(text, crypt.length)) return { value: crypt, scheme: `crypt's ${name}` }
  }
  return null
}

/** Words for the scheme of a text that is one password hash; '' if it is none. */
export function hashSchemeOf(text: string): string {
  const first = text.charCodeAt(0)
  if (first !== BRACE && first !== 0x24) return ''
  const hash = hashAtStart(text)
  return hash?.value === text ? hash.scheme : ''
}

export const isPasswordHash = (text: string): boolean => hashSchemeOf(text) !== ''

/** A brace or a dollar sign stands at `at`: a hash may begin there. Returns where the search goes on. */
export function findPasswordHash(run: TextRun, at: number, found: FindingList): number {
  const { octets } = run
  const second = octets[at + 1] ?? 0
  const isPossible = octets[at] === BRACE ? second === 0x4d || second === 0x53 : isCryptId(second)
  if (!isPossible) return at + 1
  let end = at + 1
  while (end - at < HASH_MAX && isTextOctet(octets[end])) end++
  const hash = hashAtStart(textOf(run, at, end))
  if (hash === null) return at + 1
  const { value, scheme } = hash
  const name = userBefore(run, at)
  if (name !== '') found.users.add(name)
  found.add(
    { kind: 'password-hash', value, name, confidence: 'high', why: `password hash, ${scheme}` },
    placeOf(run, at, at + value.length),
  )
  return at + value.length
}

/** 1, 2, 5, 6, 7 or y: crypt's method. */
const isCryptId = (octet: number): boolean =>
  octet === 0x31 || octet === 0x32 || (octet >= 0x35 && octet <= 0x37) || octet === 0x79

/** The user of a line such as shadow(5)'s, `user:hash:`, or ''. */
function userBefore(run: TextRun, at: number): string {
  if (run.octets[at - 1] !== COLON) return ''
  let start = at - 1
  while (at - start <= NAME_MAX && isKeyCharacter(run.octets[start - 1])) start--
  const name = textOf(run, start, at - 1)
  return isUserName(name) ? name : ''
}
