import fc from 'fast-check'
import { expect, it } from 'vitest'
import { utf8Octets, utf8Text } from '../../../core/base/octets.js'

it('utf8Text reads what utf8Octets writes, and agrees with the platform on damaged text', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => utf8Text(utf8Octets(text)) === text))
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), (octets) => {
      let expected: string | null = null
      try {
        expected = strict.decode(octets)
      } catch {
        expected = null
      }
      if (expected === null) expect(utf8Text(octets)).toContain('\ufffd')
      else expect(utf8Text(octets)).toBe(expected)
    }),
    { numRuns: 2000 },
  )
})
