import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { loadElf, loadFlat } from '../../../core/machine/image.js'
import { Ram } from '../../../core/machine/ram.js'
import { elfFile } from '../../support/elf-file.js'
import { guestImage, MIB } from '../../support/guest-machine.js'

const whole = { octets: [], memoryOctets: MIB }
const good = { address: 0x8000_1000, octets: [1, 2, 3, 4], memoryOctets: 8 }

describe('loadElf', () => {
  test('copies each segment, clears the rest of it and returns the entry', () => {
    const ram = new Ram(MIB)
    ram.octets.fill(0xee, 0x1000, 0x1010)
    expect(loadElf(ram, elfFile(0x8000_1000, [good]))).toBe(0x8000_1000)
    expect([...ram.octets.subarray(0x1000, 0x100a)]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 0xee, 0xee])
  })

  test('what it clears is in the dirty log', () => {
    const ram = new Ram(MIB)
    ram.startDirtyLog()
    loadElf(ram, elfFile(0x8000_1000, [{ ...good, memoryOctets: 8193 }]))
    const dirty = new Uint32Array(8)
    expect([ram.takeDirty(dirty), dirty[0]]).toEqual([3, 0b1110])
  })

  test.each<[string, Uint8Array, number, RegExp]>([
    ['nothing', new Uint8Array(0), 0, /not an ELF file/],
    ['something else', new Uint8Array(64), 0, /not an ELF file/],
    ['64-bit', elfFile(0x8000_0000, [good]).with(4, 2), 4, /not a 32-bit/],
    ['big-endian', elfFile(0x8000_0000, [good]).with(5, 2), 5, /little-endian/],
    ['an object file', elfFile(0x8000_0000, [good]).with(16, 1), 16, /type is 1/],
    ['another machine', elfFile(0x8000_0000, [good]).with(18, 62), 18, /machine 62/],
    ['no segment', elfFile(0x8000_0000, []), 44, /no loadable/],
    ['a segment below RAM', elfFile(0x8000_0000, [{ ...good, address: 0x1000 }]), 64, /outside RAM/],
    ['one past its end', elfFile(0x8000_0000, [{ ...good, address: 0x800f_fffc }]), 64, /outside RAM/],
    ['one larger than RAM', elfFile(0x8000_0000, [{ ...good, memoryOctets: 0xffff_ffff }]), 64, /outside RAM/],
    ['overlapping ones', elfFile(0x8000_0000, [good, { ...whole, address: 0x8000_0000 }]), 52 + 32 + 20, /overlap/],
    ['less memory than file', elfFile(0x8000_0000, [{ ...good, memoryOctets: 3 }]), 68, /larger in the file/],
    ['an entry outside RAM', elfFile(0x1000, [good]), 24, /entry 0x1000/],
    ['an entry at the end of RAM', elfFile(0x8010_0000, [good]), 24, /entry 0x80100000/],
    ['headers that are not all there', elfFile(0x8000_0000, [good]).with(44, 2), 28, /program headers past the end/],
    ['an odd entry', elfFile(0x8000_0002, [good]), 24, /entry/],
    ['a cut end', elfFile(0x8000_0000, [good]).subarray(0, -1), 56, /cut off/],
  ])('refuses %s', (_name, file, offset, reason) => {
    const ram = new Ram(MIB)
    const refusal = catchError(() => loadElf(ram, file))
    expect(refusal).toBeInstanceOf(WireError)
    expect((refusal as WireError).reason).toMatch(reason)
    if (offset > 0) expect((refusal as WireError).offset).toBe(offset)
    expect(ram.octets.some((octet) => octet !== 0)).toBe(false)
  })

  test('any damage to a real image gives an entry or a WireError', () => {
    const image = guestImage('shell')
    const ram = new Ram(MIB)
    const header = fc.record({ at: fc.nat(52 + 64 - 1), octet: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(header, { minLength: 1, maxLength: 6 }), fc.nat(image.length), (changes, length) => {
        const damaged = image.slice(0, Math.max(length, 120))
        for (const { at, octet } of changes) damaged[at] = octet
        const outcome = catchError(() => loadElf(ram, damaged))
        expect(outcome === null || outcome instanceof WireError).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

describe('loadFlat', () => {
  test('copies the octets to where they are wanted', () => {
    const ram = new Ram(MIB)
    loadFlat(ram, Uint8Array.of(5, 6), 0x8000_2000)
    expect([...ram.octets.subarray(0x2000, 0x2003)]).toEqual([5, 6, 0])
  })

  test.each([0, 0x7fff_ffff, 0x8010_0000, 0x800f_fffe, 0x8000_0001, 0.5, -4, 2 ** 40])(
    'refuses 4 octets at %d',
    (at) => {
      expect(() => loadFlat(new Ram(MIB), new Uint8Array(4), at)).toThrow(WireError)
    },
  )
})

function catchError(action: () => unknown): unknown {
  try {
    action()
    return null
  } catch (error) {
    return error
  }
}
