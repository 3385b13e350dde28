import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { latin1Octets } from '../../../../core/base/octets.js'
import { streamProtocols } from '../../../../core/capture/stream/recognise.js'
import type { StreamProtocol } from '../../../../core/capture/stream/stream-protocol.js'
import type { StreamUnit } from '../../../../core/capture/stream/unit-list.js'
import { qevmProtocol } from '../../../../core/capture/stream/qevm.js'
import { QEVM_UNIT } from '../../../../core/capture/stream/qevm-walker.js'
import { httpProtocol } from '../../../../core/capture/stream/http.js'
import { respProtocol } from '../../../../core/capture/stream/resp.js'
import { tlsProtocol } from '../../../../core/capture/stream/tls.js'

const real = new Uint8Array(
  gunzipSync(readFileSync(new URL('../../../fixtures/captures/a_plain.qevm.gz', import.meta.url))),
)

/** The units that a stream is cut into when it comes in pieces of those lengths. */
function unitsOf(protocol: StreamProtocol, stream: Uint8Array, pieces: readonly number[]): StreamUnit[] {
  const walker = protocol.makeWalker()
  for (let at = 0, piece = 0; at < stream.length; piece++) {
    const end = Math.min(stream.length, at + (pieces[piece % pieces.length] ?? 1))
    walker.push(stream, at, end)
    at = end
  }
  walker.end((offset, length) => stream.slice(offset, offset + length))
  return walker.units.endingIn(0, stream.length + 1, 1_000_000)
}

describe('UnitWalker', () => {
  it('cuts a real migration stream into units without a gap', () => {
    const units = unitsOf(qevmProtocol, real, [real.length])
    let at = 0
    for (const { offset, length } of units) {
      expect(offset).toBe(at)
      at = offset + length
    }
    expect(at).toBe(real.length)
    const count = (type: number): number => units.filter((unit) => unit.type === type).length
    expect(count(QEVM_UNIT.zeroPage)).toBe(18248)
    expect(count(QEVM_UNIT.page)).toBe(344)
    expect(count(QEVM_UNIT.deviceState)).toBeGreaterThan(10)
    expect(count(QEVM_UNIT.description)).toBe(1)
  })

  it('cuts it alike in whatever pieces it comes', () => {
    const head = real.subarray(0, 60_000)
    const whole = unitsOf(qevmProtocol, head, [head.length])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }), (pieces) => {
        expect(unitsOf(qevmProtocol, head, pieces)).toEqual(whole)
      }),
      { numRuns: 30 },
    )
    expect(unitsOf(qevmProtocol, head.subarray(0, 3000), [1])).toEqual(
      unitsOf(qevmProtocol, head.subarray(0, 3000), [3000]),
    )
  })

  it('goes on after a hole inside a page, and not after one that hides where a record begins', () => {
    const walker = qevmProtocol.makeWalker()
    const page = unitsOf(qevmProtocol, real, [real.length]).find(({ type }) => type === QEVM_UNIT.page)!
    walker.push(real, 0, page.offset + 1000)
    walker.gap(1000)
    walker.push(real, page.offset + 2000, page.offset + 20_000)
    expect(walker.damage).toBeNull()
    walker.gap(30_000)
    expect(walker.damage?.reason).toContain('not captured')
  })

  it.each([
    [
      httpProtocol,
      'GET /a HTTP/1.1\r\nHost: b\r\n\r\nPOST /c HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyzGET / HTTP/1.1\r\n\r\n',
      4,
    ],
    [httpProtocol, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n', 3],
    [respProtocol, '*2\r\n$3\r\nGET\r\n$1\r\na\r\n+OK\r\n:7\r\n$-1\r\n-ERR no\r\n', 7],
    [tlsProtocol, '\x17\x03\x03\x00\x05abcde\x15\x03\x03\x00\x02\x01\x00', 2],
  ])('cuts %o whole and octet by octet', (protocol, text, count) => {
    const stream = latin1Octets(text)
    const whole = unitsOf(protocol, stream, [stream.length])
    expect(whole).toHaveLength(count)
    expect(unitsOf(protocol, stream, [1])).toEqual(whole)
    expect(whole.reduce((sum, { length }) => sum + length, 0)).toBe(stream.length)
  })

  it('takes any octets for any protocol, in bounded time', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...streamProtocols),
        fc.uint8Array({ maxLength: 400 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        (protocol, stream, pieces) => {
          const units = unitsOf(protocol, stream, pieces)
          expect(units).toEqual(unitsOf(protocol, stream, [stream.length + 1]))
        },
      ),
      { numRuns: 300 },
    )
  })
})
