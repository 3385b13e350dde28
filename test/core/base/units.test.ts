import { describe, expect, it } from 'vitest'
import { InputError } from '../../../core/base/errors.js'
import { parseBitRate, parseDuration, parseEventRate, parseOctetRate, parseOctets } from '../../../core/base/units.js'

describe('units', () => {
  it.each([
    [parseOctets, '16MiB', 16 * 1024 ** 2],
    [parseOctets, '4096', 4096],
    [parseOctets, '1.5GiB', 1.5 * 1024 ** 3],
    [parseDuration, '100us', 100_000],
    [parseDuration, '300ms', 300_000_000],
    [parseBitRate, '1Gbit', 1e9],
    [parseBitRate, '100Mbit/s', 1e8],
    [parseOctetRate, '128MiB/s', 128 * 1024 ** 2],
    [parseEventRate, '2000/s', 2000],
  ])('%o reads %s', (parse, text, value) => {
    expect(parse(text)).toBe(value)
  })

  it('refuses what is not a quantity and shows how to write one', () => {
    for (const text of ['', 'much', '-3MiB', '12 parsecs', '1e9'])
      expect(() => parseOctets(text)).toThrow(new InputError(`"${text}" is not a size: write it like 16MiB`))
    expect(() => parseDuration('5')).toThrow(InputError)
  })
})
