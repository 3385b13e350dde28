import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatOctets } from '../../../core/base/octets.js'
import { OctetQueue } from '../../../core/base/octet-queue.js'

describe('OctetQueue', () => {
  it('gives out what was put in, whatever the pieces', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 200 })
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(30), { minLength: 1 }), (pushed, sizes) => {
        const queue = new OctetQueue()
        const taken: Uint8Array[] = []
        for (const [index, piece] of pushed.entries()) {
          queue.push(piece)
          const size = sizes[index % sizes.length] as number
          expect(queue.peek(size)).toEqual(queue.peek(size))
          taken.push(queue.take(size))
        }
        taken.push(queue.take(1e6))
        expect(queue.length).toBe(0)
        expect(concatOctets(taken)).toEqual(concatOctets(pushed))
      }),
    )
  })

  it('gives views, not copies, of what lies in one piece', () => {
    const queue = new OctetQueue()
    const piece = new Uint8Array(100)
    queue.push(piece)
    queue.take(10)
    expect(queue.take(20).buffer).toBe(piece.buffer)
    queue.clear()
    expect(queue.length).toBe(0)
  })
})
