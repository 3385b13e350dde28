import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../../core/base/snapshot.js'

class Node {
  next: Node | null = null
  constructor(readonly name: string) {}
  greet(): string {
    return `I am ${this.name}`
  }
}

describe('copyGraph', () => {
  it('keeps prototypes, cycles and shared references', () => {
    const a = new Node('a')
    const b = new Node('b')
    a.next = b
    b.next = a
    const copy = copyGraph({ first: a, again: a })
    expect(copy.first).not.toBe(a)
    expect(copy.first).toBe(copy.again)
    expect(copy.first.next?.next).toBe(copy.first)
    expect(copy.first.greet()).toBe('I am a')
  })

  it('copies typed arrays, and views of one buffer stay views of one buffer', () => {
    const whole = new Uint8Array([1, 2, 3, 4])
    const copy = copyGraph({ whole, part: whole.subarray(1, 3), words: new Uint32Array([7]) })
    whole[1] = 99
    expect([...copy.part]).toEqual([2, 3])
    copy.whole[2] = 42
    expect(copy.part[1]).toBe(42)
    expect(copy.words[0]).toBe(7)
  })

  it('copies maps and sets, keys included', () => {
    const key = new Node('key')
    const copy = copyGraph({ map: new Map([[key, 'value']]), set: new Set([key]), key })
    expect(copy.map.get(copy.key)).toBe('value')
    expect(copy.set.has(copy.key)).toBe(true)
    expect(copy.map.has(key)).toBe(false)
  })

  it('shares frozen objects', () => {
    const image = Object.freeze({ name: 'guest' })
    expect(copyGraph({ image }).image).toBe(image)
  })

  it('copies a frozen view, whose octets can still be written', () => {
    const octets = Uint8Array.of(1, 2)
    const copy = copyGraph({ octets, view: Object.freeze(new DataView(octets.buffer)) })
    octets[0] = 9
    copy.octets[1] = 7
    expect([copy.view.getUint8(0), copy.view.getUint8(1)]).toEqual([1, 7])
  })

  it('refuses a function and says where it is', () => {
    expect(() => copyGraph({ host: { listener: () => 1 } })).toThrow(/root\.host\.listener is a function/)
  })

  it('copies a chain longer than the call stack', () => {
    const head = new Node('head')
    let last = head
    for (let i = 0; i < 50_000; i++) last = last.next = new Node(`${i}`)
    let count = 0
    for (let node: Node | null = copyGraph(head); node !== null; node = node.next) count++
    expect(count).toBe(50_001)
  })

  it('lets an object copy itself', () => {
    class Cache {
      entries = [1, 2, 3]
      copySelf(_copy: unknown, register: (copied: object) => void): Cache {
        const fresh = new Cache()
        register(fresh)
        fresh.entries = []
        return fresh
      }
    }
    expect(copyGraph({ cache: new Cache() }).cache.entries).toEqual([])
  })
})
