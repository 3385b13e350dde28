import { describe, expect, it } from 'vitest'
import { findSecrets } from '../../../core/attack/secret-finder.js'
import { latin1Octets } from '../../../core/base/octets.js'

const of = (length: number): string => 'k7Q.x/9Zb3'.repeat(9).slice(0, length)
const base64 = (octets: number, step = 37): string =>
  Buffer.from(Array.from({ length: octets }, (_, i) => step * (i + 1))).toString('base64')

const hashes: Readonly<Record<string, string>> = {
  "LDAP's SSHA": `{SSHA}${base64(28)}`,
  "LDAP's SSHA256": `{SSHA256}${base64(40)}`,
  "LDAP's SSHA512": `{SSHA512}${base64(72)}`,
  "LDAP's SHA": `{SHA}${base64(20)}`,
  "LDAP's SMD5": `{SMD5}${base64(24)}`,
  "crypt's MD5": `$1$salt$${of(22)}`,
  "crypt's bcrypt": `$2b$12$${of(53)}`,
  "crypt's SHA-256": `$5$rounds=10000$salt$${of(43)}`,
  "crypt's SHA-512": `$6$Zk3Jx1mQ$${of(86)}`,
  "crypt's yescrypt": `$y$j9T$${of(22)}$${of(43)}`,
}

const found = (text: string): string[] =>
  findSecrets(latin1Octets(text)).map(({ kind, name, value }) => `${kind} ${name} ${value}`)

/** Records of 128 octets: a name, a role and a text, at the given places. */
function table(
  rows: readonly (readonly [name: string, role: string, text: string])[],
  places: readonly number[],
): string {
  return rows
    .map((row) => {
      const record = Array<string>(128).fill('\0')
      row.forEach((text, column) => Array.from(text).forEach((letter, i) => (record[places[column]! + i] = letter)))
      return record.join('')
    })
    .join('')
}

describe('password hashes', () => {
  it.each(Object.entries(hashes))('%s in a line of a shadow file, and alone', (scheme, hash) => {
    const line = `\0\0daemon:*:19000::::::\nmallet:${hash}:19000:0:99999:7:::\n`
    expect(found(line)).toEqual([`password-hash mallet ${hash}`])
    expect(found(`\0\0\0${hash}\0\0\0`)).toEqual([`password-hash  ${hash}`])
    expect(findSecrets(latin1Octets(line))[0]?.why).toBe(`password hash, ${scheme}`)
  })

  it('has the name from the records it stands in, whatever their layout', () => {
    const rows = [
      ['ada', 'staff', 1],
      ['grace', 'staff', 2],
      ['linus', 'admin', 3],
      ['edsger', 'staff', 4],
    ].map(([name, role, step]) => [`${name}`, `${role}`, `{SSHA256}${base64(40, Number(step))}`] as const)
    for (const places of [
      [0, 16, 32],
      [96, 4, 16],
    ])
      expect(found(`\0\0\0\0${table(rows, places)}`)).toEqual(
        rows.map(([name, , text]) => `password-hash ${name} ${text}`),
      )
  })

  it('refuses other schemes, lengths and alphabets', () => {
    for (const text of [
      `{SSHA256}${base64(32)}`,
      `{SSHA256}${base64(90)}`,
      `{SHA256}${base64(40)}`,
      `{SOMETHING}${base64(40)}`,
      `{SSHA256}${base64(40).replace('A', '*')}`,
      `{SSHA256}${base64(40)}=`,
      `$6$salt$${of(85)}`,
      `$6$salt$${of(86)}x`,
      `$5$salt$${of(86)}`,
      `$3$salt$${of(43)}`,
      `$2b$99$${of(53)}`,
      '$1 $2 $5 ${SHA} $y$ {S} {MD5} {SSHA}',
    ])
      expect(found(`\0\0\0${text}\0\0\0`), text).toEqual([])
  })

  it('passes text made of nothing but beginnings of hashes in linear time', () => {
    for (const start of ['$1$', '$6$a$', '{SSHA}', '$y$j9T$']) expect(found(`\0${start.repeat(20_000)}\0`)).toEqual([])
  })
})
