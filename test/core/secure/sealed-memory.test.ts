import { describe, expect, it } from 'vitest'
import { SealedMemory } from '../../../core/secure/sealed-memory.js'

const octets = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const key = octets(32, 1)
const nonce = octets(12, 2)
const associated = octets(5, 3)

function holding(): SealedMemory {
  const memory = new SealedMemory(1000)
  memory.remember('cipher', key, nonce, { associated, sealed: octets(116, 4), plain: octets(100, 5) })
  return memory
}

describe('the memory of what was sealed', () => {
  it('knows what the very same octets hold, once', () => {
    const memory = holding()
    expect(memory.recall('cipher', key, nonce, associated, octets(116, 4))).toEqual(octets(100, 5))
    expect(memory.recall('cipher', key, nonce, associated, octets(116, 4))).toBeNull()
  })

  it('knows nothing of changed or cut octets, and of another cipher, key, nonce or header', () => {
    const memory = holding()
    const changed = octets(116, 4)
    changed[115] = 0
    expect(memory.recall('cipher', key, nonce, associated, changed)).toBeNull()
    expect(memory.recall('cipher', key, nonce, associated, octets(115, 4))).toBeNull()
    expect(memory.recall('other', key, nonce, associated, octets(116, 4))).toBeNull()
    expect(memory.recall('cipher', octets(32, 9), nonce, associated, octets(116, 4))).toBeNull()
    expect(memory.recall('cipher', key, octets(12, 9), associated, octets(116, 4))).toBeNull()
    expect(memory.recall('cipher', key, nonce, octets(5, 9), octets(116, 4))).toBeNull()
    expect(memory.recall('cipher', key, nonce, associated, octets(116, 4))).not.toBeNull()
  })

  it('keeps copies: what becomes of the sealed octets afterwards is nothing to it', () => {
    const memory = new SealedMemory()
    const sealed = octets(116, 4)
    memory.remember('cipher', key, nonce, { associated, sealed, plain: octets(100, 5) })
    sealed[0] = 0
    expect(memory.recall('cipher', key, nonce, associated, sealed)).toBeNull()
  })

  it('forgets the oldest beyond its room', () => {
    const memory = holding()
    for (let n = 10; n < 14; n++)
      memory.remember('cipher', key, octets(12, n), { associated, sealed: octets(116, 4), plain: octets(100, 5) })
    expect(memory.recall('cipher', key, nonce, associated, octets(116, 4))).toBeNull()
    expect(memory.recall('cipher', key, octets(12, 13), associated, octets(116, 4))).not.toBeNull()
  })
})
