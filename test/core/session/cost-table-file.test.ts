import { describe, expect, it } from 'vitest'
import { LabError } from '../../../core/base/errors.js'
import { costTables } from '../../../core/secure/cost-tables.js'
import { parseCostTable } from '../../../core/session/cost-table-file.js'

const { aes } = costTables

describe('a table of costs from a file', () => {
  it('is what was written, for every table at hand', () => {
    for (const table of Object.values(costTables))
      expect(parseCostTable(JSON.parse(JSON.stringify(table)))).toEqual(table)
  })

  it.each([
    [null, 'table'],
    [{ ...aes, title: '' }, 'title'],
    [{ ...aes, speed: 1 }, 'table'],
    [{ ...aes, ciphers: { ...aes.ciphers, rot13: aes.ciphers.rc4 } }, 'ciphers'],
    [{ ...aes, ciphers: { ...aes.ciphers, rc4: undefined } }, 'ciphers.rc4'],
    [{ ...aes, ciphers: { ...aes.ciphers, rc4: { ...aes.ciphers.rc4, nsPerOctet: -1 } } }, 'ciphers.rc4.nsPerOctet'],
    [{ ...aes, ciphers: { ...aes.ciphers, rc4: { ...aes.ciphers.rc4, source: '' } } }, 'ciphers.rc4.source'],
    [
      { ...aes, operations: { ...aes.operations, 'x25519-base': { ns: Infinity, source: 's' } } },
      'operations.x25519-base',
    ],
    [{ ...aes, streamed: { ...aes.streamed, loopback: { nsPerOctet: '1', source: 's' } } }, 'streamed.loopback'],
  ])('with a mistake is refused by its place: %#', (value, place) => {
    try {
      parseCostTable(value)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(LabError)
      expect((error as LabError).path).toContain(place)
    }
  })
})
