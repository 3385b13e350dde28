/** What passes a man in the middle: as long as it was, whatever pieces it comes in, and changed only where it should be. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../../../core/base/errors.js'
import { concatOctets, equalOctets, latin1Octets, latin1Text } from '../../../../core/base/octets.js'
import { MigrationEditor } from '../../../../core/attack/middle/migration-editor.js'
import {
  beginningAt,
  findPattern,
  parsePattern,
  parseReplacement,
  replaced,
} from '../../../../core/attack/middle/octet-pattern.js'
import { OffsetEditor } from '../../../../core/attack/middle/offset-editor.js'
import { OfferStripper } from '../../../../core/attack/middle/offer-stripper.js'
import { NoEditor, type StreamEditor } from '../../../../core/attack/middle/stream-editor.js'
import type { StreamEdit } from '../../../../core/attack/middle/stream-edits.js'
import { migratedStream } from '../../../support/migrated-stream.js'

const witness = { edited: () => undefined }
const replace = (find: string, by: string): StreamEdit & { kind: 'replace' } => {
  const pattern = parsePattern(find)
  return { kind: 'replace', find: pattern, by: parseReplacement(by, pattern) }
}

/** What comes out when it goes in in pieces that end at `cuts`. */
function passed(editor: StreamEditor, octets: Uint8Array, cuts: readonly number[]): Uint8Array {
  const ends = [...new Set([...cuts.map((cut) => cut % (octets.length + 1)), octets.length])].sort((a, b) => a - b)
  let start = 0
  const out = ends.map((end) => {
    // A view of its own buffer: what is held must not depend on what becomes of it.
    const piece = octets.slice(start, end)
    start = end
    const given = editor.push(piece).slice()
    piece.fill(0xee)
    return given
  })
  return concatOctets([...out, editor.end()])
}
const cuts = fc.array(fc.nat(), { maxLength: 12 })

describe('an editor of migrations', () => {
  const stream = migratedStream()

  it('passes on what it has nothing to change in, and any octets that are no migration, whatever pieces they come in', () => {
    fc.assert(
      fc.property(cuts, (at) => {
        expect(
          equalOctets(
            passed(new MigrationEditor([replace('"never there"', '"not at all"')], witness), stream, at),
            stream,
          ),
        ).toBe(true)
      }),
      { numRuns: 10 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (octets, at) => {
        expect(passed(new MigrationEditor([replace('00', '01')], witness), octets, at)).toEqual(octets)
      }),
    )
  })

  it('changes a text in its page and nothing else, wherever the stream is cut', () => {
    const at = findPattern(parsePattern('"Login incorrect"'), stream)
    expect(at).toBeGreaterThan(0)
    const expected = stream.slice()
    expected.set(latin1Octets('Login impossible'.slice(0, 15)), at)
    fc.assert(
      fc.property(cuts, (places) => {
        const editor = new MigrationEditor([replace('"Login incorrect"', '"Login impossibl"')], witness)
        expect(equalOctets(passed(editor, stream, [...places, at + 3, at + 9]), expected)).toBe(true)
      }),
      { numRuns: 10 },
    )
  })

  it('cuts where it is told to', () => {
    const editor = new MigrationEditor([{ kind: 'truncate', afterOctets: 10_000 }], witness)
    let count = 0
    for (let at = 0; at < stream.length && !editor.cuts; at += 1448)
      count += editor.push(stream.slice(at, at + 1448)).length
    expect(count).toBe(10_000)
  })
})

describe('an editor by places', () => {
  it('flips and pastes the same octets whatever pieces they come in, and leaves the rest', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 300 }), cuts, (octets, at) => {
        const [from, to] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 2, 7)]
        const expected = octets.slice()
        for (let n = 0; n < 3; n++) expected[20 + n] = (octets[20 + n] ?? 0) ^ from[n]! ^ to[n]!
        expected.set(octets.subarray(2, 10), 40)
        const edits = [
          { kind: 'flip', at: 20, from, to },
          { kind: 'paste', from: 2, to: 40, octets: 8 },
        ] as const
        fc.pre(latin1Text(octets.subarray(0, 1)) !== 'M')
        expect(passed(new OffsetEditor(edits, witness), octets, at)).toEqual(expected)
      }),
    )
  })

  it('passes damaged hellos and records on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (octets, at) => {
        const all = concatOctets([latin1Octets('MIDRECS1'), octets])
        expect(passed(new OffsetEditor([], witness), all, at)).toEqual(all)
      }),
    )
  })
})

describe('a stripper of offers', () => {
  it('says that neither can seal, and leaves everything else', () => {
    const offer = concatOctets([latin1Octets('MIDVMOT1'), Uint8Array.of(1), new Uint8Array(32).fill(7)])
    fc.assert(
      fc.property(fc.boolean(), fc.uint8Array({ maxLength: 60 }), cuts, (hasOffer, rest, at) => {
        fc.pre(latin1Text(rest.subarray(0, 1)) !== 'M')
        const all = hasOffer ? concatOctets([offer, rest]) : rest
        const expected = all.slice()
        if (hasOffer) expected[8] = 0
        expect(passed(new OfferStripper(new NoEditor(), witness), all, at)).toEqual(expected)
      }),
    )
  })
})

describe('a pattern', () => {
  it('is octets, any octet, or a text; what replaces it is as long', () => {
    const pattern = parsePattern('e3 ?? 05')
    expect(findPattern(pattern, Uint8Array.of(0xe3, 1, 4, 0xe3, 9, 5))).toBe(3)
    expect(replaced(parseReplacement('13 ?? 00', pattern), Uint8Array.of(0xe3, 9, 5))).toEqual(
      Uint8Array.of(0x13, 9, 0),
    )
    expect(parseReplacement('"ab"', parsePattern('"word"')).octets).toEqual([...latin1Octets('ab  ')])
    for (const wrong of ['xyz', '??', 'e', '""']) expect(() => parsePattern(wrong)).toThrow(InputError)
    expect(() => parseReplacement('"too long a word"', parsePattern('"word"'))).toThrow(/keeps its length/)
  })

  it('is found where it is, as a plain search finds it', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ max: 3, maxLength: 60 }),
        fc.array(fc.option(fc.nat(3)), { minLength: 1, maxLength: 5 }),
        (octets, wanted) => {
          fc.pre(wanted.some((octet) => octet !== null))
          const slow = Array.from({ length: octets.length }, (_, at) => at).find(
            (at) =>
              at + wanted.length <= octets.length &&
              wanted.every((octet, place) => octet === null || octet === octets[at + place]),
          )
          expect(findPattern({ octets: wanted }, octets)).toBe(slow ?? -1)
        },
      ),
    )
  })
})

describe('what begins at the end', () => {
  it('is where the rest of the pattern may still come', () => {
    const pattern = parsePattern('72 74 63 ?? 01')
    const at = (text: string) => beginningAt(pattern, latin1Octets(text))
    expect([at('xx'), at('xxr'), at('xxrt'), at('xrtcz'), at('rtcxy'), at('')]).toEqual([2, 2, 2, 1, 5, 0])
  })
})
