/** What keys, user names, passwords and tokens look like: the judgements that the finders share. */

/** Words that name something secret when they stand as a whole word in a key. */
const secretWords = new Set(
  'password passwd passphrase passcode passwort pass pwd psk token secret apikey jwt credential credentials bearer authorization'.split(
    ' ',
  ),
)
const secretParts = /password|passwd|passphrase|secret|token|credential|apikey|privatekey|accesskey/
const passwordParts = /pass|pwd|psk/

/** Words of settings that are not user names: a table with such keys is a configuration, not a list of users. */
const settingWords =
  /^(?:.*[._])?(?:host|port|url|uri|path|file|dir|mode|level|timeout|version|title|motd|note|description|format|type|size|key|value|email|date|time|zone|lang|locale|theme|color|debug|endpoint|region|address|ip|mac)$/i

const wellKnownUsers = new Set(
  'root admin administrator guest user ubuntu debian postgres mysql oracle deploy'.split(' '),
)

/** `password`: any value counts. `key`: the value must itself look made by chance. */
export type SecretKeyClass = 'password' | 'token' | 'key' | 'none'

/** Judge a setting's key such as `db.password`, `API_TOKEN`, `wifiPsk`. */
export function classOfKey(key: string): SecretKeyClass {
  const words = key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  const joined = words.join('')
  if (!secretParts.test(joined) && !words.some((word) => secretWords.has(word)))
    return words.at(-1) === 'key' ? 'key' : 'none'
  return passwordParts.test(joined) ? 'password' : 'token'
}

/**
 * Three letters of which a key must hold one to be worth judging: a table by 5 bits a letter, because text is full of
 * keys and hardly any is secret.
 */
const hints = new Uint8Array(32 * 32 * 32)
for (const hint of 'pas pwd psk tok sec cre key jwt bea aut coo'.split(' '))
  hints[Array.from(hint).reduce((code, letter) => (code << 5) | (letter.charCodeAt(0) & 31), 0)] = 1

/** Whether characters `from` to `to` may be a key that `classOfKey` finds secret, or `cookie`. Never misses one. */
export function mayBeSecretKey(octets: Uint8Array, from: number, to: number): boolean {
  let code = 0
  for (let at = from; at < to; at++) {
    const octet = octets[at]!
    if (octet < 0x41) continue // digits and punctuation may divide a word: API-KEY, pass.word
    code = ((code << 5) | (octet & 31)) & 0x7fff
    if (hints[code] === 1) return true
  }
  return false
}

export const isUserName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_@.-]{1,31}$/.test(text)
export const isWellKnownUser = (text: string): boolean => wellKnownUsers.has(text.toLowerCase())
export const isSettingName = (text: string): boolean =>
  settingWords.test(text) || (/[./]/.test(text) && !text.includes('@')) || classOfKey(text) !== 'none'

/** How many of lower case, upper case, digits and symbols a text uses. */
export function varietyOf(text: string): number {
  let kinds = 0
  if (/[a-z]/.test(text)) kinds++
  if (/[A-Z]/.test(text)) kinds++
  if (/[0-9]/.test(text)) kinds++
  if (/[^A-Za-z0-9\s]/.test(text)) kinds++
  return kinds
}

/** Paths, addresses, host and file names, formats, numbers, dates, markup: varied, yet nothing anyone would choose. */
const notChosen =
  /^[\d.,:/+ -]+$|^[/.~<[{(]|:\/\/|^[\w.+-]+@[\w-]+\.[\w.-]+$|^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$|%[-+#0-9.]*[a-z]|[:,]$|^[0-9a-f]{8}-[0-9a-f]{4}-|^0x[0-9a-f]+$|\(\)|^[\w,-]+@[0-9a-f]+$|^[a-z][a-z0-9]+,[a-z0-9._-]+$|^\w*_\w*$|^[a-z0-9]+(?:-[a-z0-9]+){3,}$/i

/** A text that a person or a generator could have chosen as a password: no spaces, 6 to 64 characters, some variety. */
export function looksChosen(text: string): boolean {
  if (text.length < 6 || text.length > 64 || /\s/.test(text) || notChosen.test(text)) return false
  const variety = varietyOf(text)
  return variety >= 3 || (variety === 2 && text.length >= 8 && /[A-Za-z]/.test(text) && /\d.*\d/.test(text))
}

/**
 * Strong evidence even when it stands alone: eight characters of three kinds, and either a symbol that names do not
 * have, or both cases and digits in one word.
 */
export const looksStrong = (text: string): boolean =>
  looksChosen(text) &&
  varietyOf(text) >= 3 &&
  text.length >= 8 &&
  (!/^[\w.:/-]*$/.test(text) || /^[A-Za-z0-9]*$/.test(text))

/** Pairs of letters that make up most of English and of names in programs. */
const commonPairs = new Set(
  (
    'th he in er an re nd on en at ou ed ha to or it is hi es ng st nt ti se as al te ar ne le ve co me de ea ro io ' +
    'ic ri ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un ' +
    'lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld'
  ).split(' '),
)

/** Whether two in five pairs of letters are common ones: of letters by chance it is one in six. */
function readsLikeWords(text: string): boolean {
  let pairs = 0
  let common = 0
  for (let i = 1; i < text.length; i++) {
    const pair = text.slice(i - 1, i + 1).toLowerCase()
    if (!/^[a-z]{2}$/.test(pair)) continue
    pairs++
    if (commonPairs.has(pair)) common++
  }
  return common * 5 >= pairs * 2 && pairs > 0
}

/** A string of letters and digits that no one spelt: hexadecimal, or case and digits changing without rhythm. */
export function looksRandom(text: string): boolean {
  if (text.length < 16 || !/^[A-Za-z0-9+/_=.-]+$/.test(text)) return false
  if (new Set(text).size < 6 || text.split(/[_.-]/).every((part) => part.length <= 12)) return false
  if (/^[0-9a-f]+$/.test(text) || /^[0-9A-F]+$/.test(text)) return /[0-9]/.test(text) && /[a-f]/i.test(text)
  // Names in camel case have neither digits nor two capitals together, as a rule.
  if (!/[0-9]|[A-Z]{2}/.test(text) || readsLikeWords(text) || isCamelCase(text)) return false
  let changes = 0
  for (let i = 1; i < text.length; i++) if (classAt(text, i) !== classAt(text, i - 1)) changes++
  return changes * 4 >= text.length
}

/** Seven in ten characters belong to a capital with three small letters or more after it. */
function isCamelCase(text: string): boolean {
  let inWords = 0
  for (const word of text.match(/[A-Z][a-z]{3,}/g) ?? []) inWords += word.length
  return inWords * 10 >= text.length * 7
}

function classAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 0x61 && code < 0x7b) return 0
  if (code >= 0x41 && code < 0x5b) return 1
  return code >= 0x30 && code < 0x3a ? 2 : 3
}

const placeholder =
  /^(?:true|false|null|none|nil|undefined|yes|no|required|optional|string|invalid|missing|expired|incorrect|changed|file|prompt|failed|error|denied|unknown|example|enabled|disabled|password|passwd|username|secret|token|credentials|value|hidden|include)[^\w]*$/i

/** What stands after a key in the text of a program: formats, calls, members, regular expressions, names in camel case. */
const programText =
  /^%[-+#0-9.]*[a-z]|^\$?[{(<[]|^[/!+:]|[([]|^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$|^[a-z]+(?:[A-Z][a-z]+)+$|^[a-z]+(?:-[a-z]+)+$/

/**
 * Whether what follows a secret key can be its value, rather than a placeholder or a piece of program. `isQuoted`: marks
 * of quotation around it, or a field of its own, show that it is data.
 */
export function isSecretValue(value: string, keyClass: SecretKeyClass, isQuoted: boolean): boolean {
  if (value.length < 6 || placeholder.test(value) || /^(.)\1*$/.test(value) || /^%[-+#0-9.]*[a-z]/.test(value))
    return false
  if (keyClass === 'key') return looksRandom(value)
  return isQuoted || !programText.test(value)
}
