import { describe, expect, it } from 'vitest'
import { findSecrets } from '../../../core/attack/secret-finder.js'
import { latin1Octets } from '../../../core/base/octets.js'

const found = (...fields: readonly string[]): string[] =>
  findSecrets(latin1Octets(`\0\0${fields.map((field) => field.padEnd(40, '\0')).join('')}\0`)).map(
    ({ kind, name, value }) => `${kind} ${name}: ${value}`,
  )

const NAME = 'Ada Lovelace'
const MAIL = 'ada.lovelace@example.com'
const PHONE = '+1 212 555 0123'

describe('contacts', () => {
  it('takes an address between a name and a telephone number, either way round, in one octet a character or two', () => {
    expect(found(NAME, MAIL, PHONE)).toEqual([`contact ${NAME}: ${MAIL}`])
    expect(found(PHONE, MAIL, NAME)).toEqual([`contact ${NAME}: ${MAIL}`])
    expect(found('J. R. Hartley', 'jr@mail.example.co.uk', '(020) 7946-0123')).toHaveLength(1)
    const wide = [NAME, MAIL, PHONE].map((field) => field.replace(/./g, '$&\0').padEnd(80, '\0'))
    expect(findSecrets(latin1Octets(`\0\0${wide.join('')}\0\0`)).map(({ value }) => value)).toEqual([MAIL])
  })

  it('takes nothing where one of the three is missing or is something else', () => {
    for (const fields of [
      [MAIL],
      [NAME, MAIL],
      [MAIL, PHONE],
      [NAME, PHONE],
      [NAME, PHONE, MAIL],
      [NAME, MAIL, '10.0.0.9'],
      [NAME, MAIL, '2029-01-31'],
      [NAME, MAIL, '12345'],
      [NAME, MAIL, '1234567890123456'],
      ['usage: mail to', MAIL, PHONE],
      ['root', MAIL, PHONE],
      [NAME, 'user@host', PHONE],
      [NAME, 'git@example.com:a.git', PHONE],
      [NAME, `mailto:${MAIL}`, PHONE],
    ])
      expect(found(...fields), fields.join(' | ')).toEqual([])
  })
})
