import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { concatOctets } from '../../../../core/base/octets.js'
import { CaptureReader, type CapturedPacket } from '../../../../core/net/wire/capture-reader.js'
import { PcapngWriter } from '../../../../core/net/wire/pcapng.js'

function readAll(octets: Uint8Array): {
  packets: CapturedPacket[]
  warnings: readonly string[]
  reader: CaptureReader
} {
  const reader = new CaptureReader(octets)
  const packets: CapturedPacket[] = []
  for (let packet = reader.next(); packet !== null; packet = reader.next()) packets.push(packet)
  return { packets, warnings: reader.warnings, reader }
}

/** Little- or big-endian 32-bit words and octets, for making captures by hand. */
function words(isLittle: boolean, ...parts: (number | Uint8Array)[]): Uint8Array {
  return concatOctets(
    parts.map((part) => {
      if (typeof part !== 'number') return part
      const octets = new Uint8Array(4)
      new DataView(octets.buffer).setUint32(0, part, isLittle)
      return octets
    }),
  )
}

function block(isLittle: boolean, type: number, ...parts: (number | Uint8Array)[]): Uint8Array {
  const body = words(isLittle, ...parts)
  return words(isLittle, type, body.length + 12, body, body.length + 12)
}

function half(isLittle: boolean, first: number, second: number): Uint8Array {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setUint16(0, first, isLittle)
  new DataView(octets.buffer).setUint16(2, second, isLittle)
  return octets
}

const section = (isLittle: boolean) =>
  block(isLittle, 0x0a0d0d0a, 0x1a2b3c4d, half(isLittle, 1, 0), 0xffffffff, 0xffffffff)
const four = Uint8Array.of(1, 2, 3, 4)

const packets = fc.array(
  fc.record({
    delayNs: fc.nat(2 ** 40),
    octets: fc.uint8Array({ maxLength: 70 }),
    comment: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
  }),
  { maxLength: 8 },
)

function write(list: readonly { delayNs: number; octets: Uint8Array; comment: string | undefined }[]): Uint8Array {
  const writer = new PcapngWriter()
  const id = writer.addInterface('mirror')
  let timeNs = 5
  for (const { delayNs, octets, comment } of list) writer.addPacket(id, (timeNs += delayNs), octets, { comment })
  return writer.take()
}

describe('pcapng', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(packets, (list) => {
        const { packets: read, warnings, reader } = readAll(write(list))
        expect(warnings).toEqual([])
        expect(reader.interfaces).toMatchObject([{ name: 'mirror', linkType: 1 }])
        let timeNs = 0
        read.forEach((packet, index) => {
          if (index > 0) timeNs += list[index]!.delayNs
          expect(packet).toMatchObject({ number: index + 1, timeNs, originalOctets: list[index]!.octets.length })
          expect(packet.octets).toEqual(list[index]!.octets)
          expect(packet.comment ?? undefined).toBe(list[index]!.comment)
        })
        expect(read.length).toBe(list.length)
        if (list.length > 0) expect(reader.startNs).toBe(BigInt(5 + list[0]!.delayNs))
      }),
    )
  })

  it('gives a whole beginning of a capture cut anywhere, with a warning', () => {
    fc.assert(
      fc.property(packets, fc.nat(), (list, cut) => {
        const whole = write(list)
        const length = 28 + (cut % (whole.length - 27))
        const { packets: read, warnings } = readAll(whole.subarray(0, length))
        read.forEach((packet, index) => expect(packet.octets).toEqual(list[index]!.octets))
        const ends = [28, ...Array.from({ length: list.length + 1 }, (_, count) => write(list.slice(0, count)).length)]
        expect(warnings).toHaveLength(ends.includes(length) ? 0 : 1)
      }),
    )
    const whole = write([{ delayNs: 0, octets: four, comment: undefined }])
    expect(readAll(whole.subarray(0, whole.length - 1)).warnings.join()).toMatch(/cut/)
  })

  it('survives damage anywhere', () => {
    fc.assert(
      fc.property(packets, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), (list, damage) => {
        const octets = write(list)
        for (const [at, octet] of damage) octets[at % octets.length] = octet
        try {
          readAll(octets)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })

  for (const isLittle of [true, false])
    it(`reads a ${isLittle ? 'little' : 'big'}-endian section with every packet block and resolution`, () => {
      const binary = words(isLittle, half(isLittle, 9, 1), Uint8Array.of(0x80 | 10, 0, 0, 0), 0)
      const capture = concatOctets([
        section(isLittle),
        block(isLittle, 1, half(isLittle, 113, 0), 96, binary), // ticks of 2^-10 s
        block(isLittle, 1, half(isLittle, 101, 0), 0), // microseconds
        block(isLittle, 6, 0, 0, 1024, 4, 60, four),
        block(isLittle, 6, 1, 0, 1_500_000, 4, 4, four),
        block(isLittle, 2, half(isLittle, 1, 0), 0, 2_000_000, 4, 4, four),
        block(isLittle, 3, 4, four),
        block(isLittle, 0x0bad, 1, 2, 3), // unknown: skipped
        block(isLittle, 6, 9, 0, 0, 4, 4, four), // no such interface
        section(!isLittle),
        block(!isLittle, 1, half(!isLittle, 1, 0), 0),
        block(!isLittle, 6, 0, 0, 3_000_000, 4, 4, four),
      ])
      const { packets: read, warnings, reader } = readAll(capture)
      expect(read.map(({ timeNs }) => timeNs)).toEqual([0, 5e8, 1e9, 0, 2e9])
      expect(read.map(({ linkType }) => linkType)).toEqual([113, 101, 101, 113, 1])
      expect(read[0]?.originalOctets).toBe(60)
      expect(read.every(({ octets }) => octets.join() === '1,2,3,4')).toBe(true)
      expect(warnings).toHaveLength(1)
      expect(reader.startNs).toBe(1_000_000_000n)
    })

  it('does not believe hostile lengths', () => {
    const huge = concatOctets([section(true), words(true, 6, 0xfffffffc, 0, 0, 0, 0xffffffff, 4, 0xfffffffc)])
    expect(readAll(huge).warnings.join()).toMatch(/cut/)
    const inside = concatOctets([
      section(true),
      block(true, 1, half(true, 1, 0), 0),
      block(true, 6, 0, 0, 0, 0xffffffff, 4, four),
    ])
    expect(readAll(inside).warnings.join()).toMatch(/says 4294967295 octets/)
    expect(readAll(concatOctets([section(true), words(true, 6, 0, 0, 0)])).warnings.join()).toMatch(/block of 0 octets/)
  })
})

describe('pcap', () => {
  for (const isLittle of [true, false])
    for (const [magic, ticks] of [
      [0xa1b2c3d4, 1e6],
      [0xa1b23c4d, 1e9],
    ] as const)
      it(`reads ${isLittle ? 'little' : 'big'}-endian files with ${ticks} ticks a second`, () => {
        const capture = words(
          isLittle,
          ...[magic, half(isLittle, 2, 4), 0, 0, 65535, 276],
          ...[10, ticks - 1, 4, 99, four],
          ...[11, 0, 4, 4, four],
        )
        const { packets: read, warnings } = readAll(capture)
        expect(read).toMatchObject([
          { number: 1, timeNs: 0, linkType: 276, originalOctets: 99, octets: four },
          { number: 2, timeNs: 1e9 / ticks, linkType: 276 },
        ])
        expect(warnings).toEqual([])
        const cut = readAll(capture.subarray(0, capture.length - 2))
        expect(cut.packets).toHaveLength(1)
        expect(cut.warnings.join()).toMatch(/cut/)
      })

  it('refuses what is no capture', () => {
    for (const octets of [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(100).fill(0x51)])
      expect(() => new CaptureReader(octets)).toThrow(WireError)
  })
})
