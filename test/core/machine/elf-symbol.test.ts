import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elfSymbol } from '../../../core/machine/elf-symbol.js'
import { elfFile } from '../../support/elf-file.js'
import { guestImage } from '../../support/guest-machine.js'

const segment = { address: 0x8000_0000, octets: [1, 2, 3, 4], memoryOctets: 4 }
const file = elfFile(0x8000_0000, [segment], { fromhost: 0x8000_1040, tohost: 0x8000_1000, to: 7 })

describe('elfSymbol', () => {
  test('finds a symbol by its whole name', () => {
    expect(elfSymbol(file, 'tohost')).toBe(0x8000_1000)
    expect(elfSymbol(file, 'fromhost')).toBe(0x8000_1040)
    expect(elfSymbol(file, 'to')).toBe(7)
    expect(elfSymbol(file, 'host')).toBeNull()
    expect(elfSymbol(file, 'tohostage')).toBeNull()
  })

  test('reads the first symbol table alone', () => {
    const sectionsAt = file.length - 120
    const twice = file.slice()
    twice.copyWithin(sectionsAt, sectionsAt + 40, sectionsAt + 80)
    twice.fill(0, sectionsAt + 20, sectionsAt + 24) // the size of the first: no symbols
    expect(elfSymbol(twice, 'tohost')).toBeNull()
  })

  test('finds nothing in a file without symbols, cut off or of other octets', () => {
    expect(elfSymbol(guestImage('shell'), 'tohost')).toBeNull()
    expect(elfSymbol(new Uint8Array(0), 'tohost')).toBeNull()
    fc.assert(
      fc.property(fc.nat(file.length), fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255))), (length, changes) => {
        const spoilt = file.slice(0, length)
        for (const [at, octet] of changes) if (at < length) spoilt[at] = octet
        const value = elfSymbol(spoilt, 'tohost')
        expect(value === null || (value >= 0 && value <= 0xffff_ffff)).toBe(true)
      }),
    )
  })
})
