import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SealedBlocks } from '../../../../core/attack/structure/sealed-blocks.js'
import { concatOctets } from '../../../../core/base/octets.js'
import { RandomStream } from '../../../../core/kernel/random.js'
import { encodeHello, recordChannelNames } from '../../../../core/secure/wire/records.js'
import { RECORD_OCTETS_MAX } from '../../../../core/secure/wire/records.js'

const random = new RandomStream('sealed blocks')
const hello = (name: (typeof recordChannelNames)[number]): Uint8Array =>
  encodeHello({ name, secretKeyBits: 0 }, random.octets(32))
/** A record as the channel writes it: a type, a length of three octets, what it holds. */
const record = (body: Uint8Array): Uint8Array =>
  concatOctets([new Uint8Array([1, body.length >>> 16, body.length >>> 8, body.length]), body])

describe('blocks of a sealed connection', () => {
  it('are those of full records, without the padding after them', () => {
    const padding = random.octets(16)
    const full = (): Uint8Array => record(concatOctets([random.octets(RECORD_OCTETS_MAX), padding]))
    const page = random.octets(4096)
    const withPages = concatOctets([random.octets(8192), page, page])
    const blocks = new SealedBlocks(true)
    blocks.push(concatOctets([hello('aes-128-ecb'), full(), record(concatOctets([withPages, padding])), full()]))
    const pages = blocks.repeats?.alikePages() ?? []
    expect(pages.map(({ octet }) => octet)).toEqual([RECORD_OCTETS_MAX + 8192, RECORD_OCTETS_MAX + 12_288])
    expect(blocks.repeats?.repeated).toBe(256 + 2)
  })

  it.each(['aes-256-gcm', 'chacha20-poly1305', 'aes-256-cbc'] as const)('of %s say nothing', (name) => {
    const blocks = new SealedBlocks(true)
    blocks.push(hello(name))
    for (let index = 0; index < 8; index++) blocks.push(record(random.octets(8192)))
    expect(blocks.repeats?.alikePages()).toEqual([])
  })

  it('are taken as they lie where records cannot be told apart', () => {
    const blocks = new SealedBlocks(false)
    const page = random.octets(4096)
    blocks.push(concatOctets([page, random.octets(8192), page]))
    expect(blocks.repeats?.alikePages().map(({ octet }) => octet)).toEqual([0, 12_288])
  })

  it('are given up after a gap', () => {
    const blocks = new SealedBlocks(false)
    blocks.gap()
    blocks.push(random.octets(65_536))
    expect(blocks.repeats).toBeNull()
  })

  it('survive whatever comes, in whatever pieces', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...recordChannelNames),
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
        (name, pieces) => {
          const [hellos, bare] = [new SealedBlocks(true), new SealedBlocks(true)]
          hellos.push(hello(name))
          for (const piece of pieces) {
            hellos.push(piece)
            bare.push(piece)
          }
          expect((hellos.repeats?.alikePages() ?? []).every(({ octet }) => octet >= 0)).toBe(true)
          expect(bare.repeats?.blocks ?? 0).toBe(0)
        },
      ),
    )
  })
})
