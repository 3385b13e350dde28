import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseInline, parseMarkdown, type Block, type Inline } from '../../../renderer/markdown/markdown.js'

const inlineText = (parts: readonly Inline[]) => parts.map(({ text }) => text).join('')

function blockText(block: Block): string {
  if (block.kind === 'code') return block.text
  return block.kind === 'list' ? block.items.map(inlineText).join('') : inlineText(block.content)
}

describe('parseMarkdown', () => {
  test('paragraphs join their lines and end at an empty one', () => {
    expect(parseMarkdown('one\ntwo\n\nthree')).toEqual([
      { kind: 'paragraph', content: [{ kind: 'text', text: 'one two' }] },
      { kind: 'paragraph', content: [{ kind: 'text', text: 'three' }] },
    ])
  })

  test('strong, emphasis, code and links', () => {
    expect(parseInline('Press **Boot**, then `alice`; *wait* or _read_ [RFC 9293](https://example.org/9293).')).toEqual(
      [
        { kind: 'text', text: 'Press ' },
        { kind: 'strong', text: 'Boot' },
        { kind: 'text', text: ', then ' },
        { kind: 'code', text: 'alice' },
        { kind: 'text', text: '; ' },
        { kind: 'em', text: 'wait' },
        { kind: 'text', text: ' or ' },
        { kind: 'em', text: 'read' },
        { kind: 'text', text: ' ' },
        { kind: 'link', text: 'RFC 9293', address: 'https://example.org/9293' },
        { kind: 'text', text: '.' },
      ],
    )
  })

  test('an underscore inside a name is no emphasis, and code is not looked into', () => {
    expect(parseInline('RAM_SAVE_FLAG_PAGE')).toEqual([{ kind: 'text', text: 'RAM_SAVE_FLAG_PAGE' }])
    expect(parseInline('`**x**`')).toEqual([{ kind: 'code', text: '**x**' }])
  })

  test('lists, numbered lists, headings and fenced code', () => {
    expect(parseMarkdown('# Goal\n- one\n  and more\n- two\n\n1. first\n2. second\n```\na  b\n```')).toEqual([
      { kind: 'heading', content: [{ kind: 'text', text: 'Goal' }] },
      {
        kind: 'list',
        ordered: false,
        items: [[{ kind: 'text', text: 'one and more' }], [{ kind: 'text', text: 'two' }]],
      },
      { kind: 'list', ordered: true, items: [[{ kind: 'text', text: 'first' }], [{ kind: 'text', text: 'second' }]] },
      { kind: 'code', text: 'a  b' },
    ])
  })

  test('HTML stays text', () => {
    expect(parseMarkdown('<img src=x onerror=alert(1)>')).toEqual([
      { kind: 'paragraph', content: [{ kind: 'text', text: '<img src=x onerror=alert(1)>' }] },
    ])
  })

  test('plain words come through whole, whatever they are', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9<>&"'.,;:!?-]{1,8}$/).filter((text) => !/^([-*]|\d+[.)])$/.test(text))
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), (words) => {
        const text = words.join(' ')
        expect(parseMarkdown(text).map(blockText).join('')).toBe(text)
      }),
    )
  })

  test('any text ends in blocks, without an error', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('*', '_', '`', '[', ']', '(', ')', '\n', '-', '1', '.', ' ', 'a', '#') }),
        (text) => {
          expect(Array.isArray(parseMarkdown(text))).toBe(true)
        },
      ),
    )
  })
})
