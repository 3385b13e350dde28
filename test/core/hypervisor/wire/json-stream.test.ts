import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { latin1Octets, utf8Octets } from '../../../../core/base/octets.js'
import { JSON_DEPTH_MAX, JSON_TOKEN_OCTETS_MAX, JsonStream } from '../../../../core/hypervisor/wire/json-stream.js'
import { jsonText, type JsonValue } from '../../../../core/hypervisor/wire/json-value.js'

const read = (text: string): unknown[] => new JsonStream().push(utf8Octets(text))

/** Maps and bigints, as they are read, to what JSON.parse gives. */
function plain(value: JsonValue): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...(value as ReadonlyMap<string, JsonValue>)].map(([name, one]) => [name, plain(one)]))
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(plain)
  return typeof value === 'bigint' ? Number(value) : value
}

describe('values out of a stream', () => {
  it('are those that JSON.parse reads, wherever the pieces are cut', () => {
    const documents = fc.oneof(fc.object({ maxDepth: 3, key: fc.string({ unit: 'binary' }) }), fc.array(fc.jsonValue()))
    fc.assert(
      fc.property(documents, fc.nat(), (document, cut) => {
        const text = JSON.stringify(document, (_, value: unknown) => (value === undefined ? null : value))
        if (text.includes('\\ud')) return // half of a surrogate pair is no text
        const octets = utf8Octets(text)
        const at = cut % octets.length
        const stream = new JsonStream()
        const outcomes = [...stream.push(octets.subarray(0, at)), ...stream.push(octets.subarray(at))]
        const [outcome] = outcomes
        if (outcome === undefined || !('value' in outcome) || outcomes.length !== 1)
          throw new Error(`${text}: ${JSON.stringify(outcomes)}`)
        expect(plain(outcome.value)).toEqual(JSON.parse(text))
        expect(JSON.parse(jsonText(outcome.value))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('of any octets are values or errors, and after a line of its own the next is read', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'{}[]:,"\'\\u0123456789.eE+-truefalsn \t\n\r\x80\xff\x00'), { maxLength: 80 }),
        (garbage) => {
          const stream = new JsonStream()
          stream.push(latin1Octets(garbage.join('')))
          // What QEMU's own clients send to get back in step: an octet that no text holds, and a line end.
          const after = [...stream.push(new Uint8Array([0xff, 10])), ...stream.push(latin1Octets('{"execute": 1}'))]
          expect(after.at(-1)).toEqual({ value: new Map([['execute', 1n]]) })
        },
      ),
    )
  })

  it('are not kept without bound', () => {
    expect(read(`"${'a'.repeat(JSON_TOKEN_OCTETS_MAX + 1)}`)).toEqual([{ error: 'JSON token size limit exceeded' }])
    expect(read('['.repeat(JSON_DEPTH_MAX + 1))).toEqual([{ error: 'JSON nesting depth limit exceeded' }])
    expect(read(`[${'1,'.repeat(5000)}`).slice(0, 1)).toEqual([{ error: 'JSON token count limit exceeded' }])
    expect(read(`[${'"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",'.repeat(2500)}`)).toContainEqual({
      error: 'JSON token size limit exceeded',
    })
  })

  it('keep whole numbers of 64 bits', () => {
    expect(read('18446744073709551615 -9223372036854775808 ')).toEqual([
      { value: 18446744073709551615n },
      { value: -9223372036854775808n },
    ])
    expect(jsonText(18446744073709551615n)).toBe('18446744073709551615')
    expect(read('{"a": 1e999}')).toEqual([{ error: 'JSON parse error, number out of range' }])
  })
})
