import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { concatOctets, latin1Octets, octetsOfHex } from '../../../../core/base/octets.js'
import { MIG_CMD, RAM_SECTION } from '../../../../core/migration/wire/qevm.js'
import { StreamReader, type StreamReaderOptions } from '../../../../core/migration/wire/stream-reader.js'
import { StreamWriter } from '../../../../core/migration/wire/stream-writer.js'
import { smallStream, toyTimer } from '../../../support/small-stream.js'
import { StreamLog } from '../../../support/stream-log.js'

const known: StreamReaderOptions = {
  devices: new Map([['toy-timer/0', toyTimer]]),
  unknownDevices: 'refuse',
}
const watching: StreamReaderOptions = { unknownDevices: 'recover' }

interface Reading {
  readonly lines: readonly string[]
  readonly reader: StreamReader
  readonly error: WireError | null
}

/** Read in pieces that end at `cuts`. Anything thrown but a `WireError` fails the test. */
function read(stream: Uint8Array, options: StreamReaderOptions, cuts: readonly number[] = []): Reading {
  const log = new StreamLog()
  const reader = new StreamReader(log, options)
  let error: WireError | null = null
  try {
    let start = 0
    for (const end of [...cuts, stream.length]) {
      reader.push(stream.slice(start, end))
      start = end
    }
    reader.end()
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown
    error = thrown
  }
  return { lines: log.lines, reader, error }
}

/** A stream whose items `write` adds after the header, the configuration and the start of RAM (one block, 4 pages). */
function streamOf(write: (writer: StreamWriter) => void): Uint8Array {
  const writer = new StreamWriter()
  writer.fileHeader()
  writer.configuration('toy')
  writer.sectionStart({ sectionId: 2, ...RAM_SECTION })
  writer.memorySize([{ name: 'ram', octets: 0x4000 }])
  writer.endOfRecords()
  writer.footer(2)
  write(writer)
  return writer.take()
}

const small = smallStream()

describe('StreamReader', () => {
  it('tells everything in order', () => {
    const { lines, reader, error } = read(small, known)
    expect(error).toBeNull()
    expect(reader.done && reader.stateComplete).toBe(true)
    expect(reader.octetsRead).toBe(small.length)
    expect(lines.slice(0, 8)).toEqual([
      'configuration toy',
      'start 0 ram 0 v4',
      'blocks ram:65536',
      'end of records',
      'part 0',
      'filled 0 0 0',
      'page 0 4096 4096 746f7921',
      'filled 0 8192 0',
    ])
    expect(lines.slice(-6, -1)).toEqual([
      'end of records',
      'end 0',
      'end of records',
      'device 1 toy-timer 0 11223344000003e800000003',
      'end of state',
    ])
  })

  it('tells the same whatever the pieces, whether it knows the devices or not', () => {
    const { lines } = read(small, known)
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: small.length - 1 }), { maxLength: 40 })
    fc.assert(
      fc.property(cuts, fc.boolean(), (at, knows) => {
        const reading = read(
          small,
          knows ? known : watching,
          at.sort((a, b) => a - b),
        )
        expect(reading.error).toBeNull()
        expect(reading.lines).toEqual(lines)
        expect(reading.reader.stateComplete).toBe(true)
      }),
    )
    const each = Array.from({ length: small.length - 1 }, (_, index) => index + 1)
    expect(read(small, known, each).lines).toEqual(lines)
  })

  it('is never complete when it was cut, wherever', () => {
    const { lines } = read(small, known)
    const stateOctets = small.lastIndexOf(0x06, small.indexOf(0x7b, 0x1100)) // the description's mark
    for (let length = 0; length < small.length; length++) {
      const reading = read(small.subarray(0, length), known)
      expect(reading.error).toBeNull()
      expect(reading.reader.stateComplete).toBe(length >= stateOctets)
      expect(reading.lines).toEqual(lines.slice(0, reading.lines.length))
    }
    for (let length = 0; length < small.length; length += 7) {
      const reading = read(small.subarray(0, length), watching)
      expect(reading.error).toBeNull()
      expect(reading.reader.stateComplete).toBe(false)
    }
  })

  it('gives a value or a WireError for any octets', () => {
    const body = fc.uint8Array({ maxLength: 300 })
    const items = [0, 1, 2, 3, 4, 6, 8].map((item) => Uint8Array.of(item))
    fc.assert(
      fc.property(body, fc.constantFrom(...items), fc.boolean(), (octets, item, knows) => {
        const options = knows ? known : watching
        read(octets, options)
        read(concatOctets([streamOf(() => undefined), item, octets]), options)
        read(concatOctets([item, octets]), { ...options, start: 'items' })
      }),
      { numRuns: 300 },
    )
  })

  it('gives a value or a WireError for a stream with changed octets', () => {
    const flips = fc.array(fc.tuple(fc.nat(small.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 3,
    })
    // Page content says nothing to the reader: aim at the structure too.
    const structure = fc.tuple(fc.constantFrom(...structureOffsets(small)), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(flips, structure, fc.boolean(), (anywhere, aimed, knows) => {
        const changed = small.slice()
        for (const [at, mask] of [...anywhere, aimed]) changed[at]! ^= mask
        const { error } = read(changed, knows ? known : watching, [1000, 3000])
        if (error !== null) expect(error.offset).toBeLessThanOrEqual(small.length)
      }),
      { numRuns: 500 },
    )
  })

  it('remembers that it refused', () => {
    const reader = new StreamReader(new StreamLog(), known)
    expect(() => reader.push(latin1Octets('QEVN0000'))).toThrow('does not begin with QEVM')
    expect(() => reader.push(new Uint8Array(1))).toThrow('does not begin with QEVM')
  })

  it.each<[string, (writer: StreamWriter) => void, string]>([
    [
      'a footer of another section',
      (w) => (w.sectionPart(2), w.endOfRecords(), w.footer(3)),
      'footer of 3 closes section 2',
    ],
    ['no footer', (w) => (w.sectionPart(2), w.endOfRecords(), w.endOfState()), 'section 2 has no footer'],
    ['a part of nothing', (w) => w.sectionPart(9), 'section 9 was never started'],
    ['a page outside', (w) => (w.sectionPart(2), w.zeroPage('ram', 0x4000)), 'page at 16384 of block ram'],
    ['a block unheard of', (w) => (w.sectionPart(2), w.zeroPage('rom', 0)), 'unknown RAM block "rom"'],
    ['a second list', (w) => (w.sectionPart(2), w.memorySize([{ name: 'a', octets: 4096 }])), 'a second list of RAM'],
    ['a second RAM', (w) => w.sectionStart({ sectionId: 5, ...RAM_SECTION }), 'a second RAM section'],
    [
      'a version',
      (w) => w.sectionFull({ sectionId: 3, idstr: 'toy-timer', instanceId: 0, version: 2 }, new Uint8Array(12)),
      'toy-timer of version 2, not 1',
    ],
    [
      'a device',
      (w) => w.sectionFull({ sectionId: 3, idstr: 'disk', instanceId: 0, version: 1 }, new Uint8Array(12)),
      'device "disk", instance 0, is not known here',
    ],
    [
      'an iterable device',
      (w) => w.sectionStart({ sectionId: 3, idstr: 'block', instanceId: 0, version: 1 }),
      'iterable section "block"',
    ],
  ])('refuses %s', (_name, write, reason) => {
    expect(read(streamOf(write), known).error?.reason).toContain(reason)
  })

  it('says so when an unknown device comes before the end of RAM', () => {
    const stream = streamOf((w) =>
      w.sectionFull({ sectionId: 3, idstr: 'early', instanceId: 0, version: 1 }, new Uint8Array(4)),
    )
    expect(read(stream, watching).error?.reason).toContain(
      '"early", instance 0, is not known here, and comes before the end of RAM',
    )
  })

  it('keeps what it cannot sort: no description, or one that does not fit', () => {
    const cut = read(small.subarray(0, small.length - 1), watching)
    expect(cut.lines.at(-1)).toMatch(/^unread \d+: the stream was cut before its description/)
    const changed = small.slice()
    changed.set(latin1Octets('5'), small.lastIndexOf(0x34)) // the size of the last field
    expect(read(changed, watching).lines.at(-1)).toMatch(/^unread .*toy-timer is not as long as described/)
  })

  it('reads the subsections of a configuration', () => {
    const subsection = (name: string, body: string): Uint8Array =>
      concatOctets([Uint8Array.of(5, name.length), latin1Octets(name), octetsOfHex('00000001'), octetsOfHex(body)])
    const opening = small.subarray(0, 16)
    const rest = small.subarray(16)
    const good = concatOctets([
      opening,
      subsection('configuration/target-page-bits', '0000000c'),
      subsection('configuration/capabilities', '00000001 04' + '61626364'),
      subsection('configuration/uuid', '00'.repeat(16)),
      rest,
    ])
    const each = Array.from({ length: good.length - 1 }, (_, index) => index + 1)
    expect(read(good, known).lines).toEqual(read(small, known).lines)
    expect(read(good, known, each).lines).toEqual(read(small, known).lines)
    const bad = concatOctets([opening, subsection('configuration/target-page-bits', '0000000e'), rest])
    expect(read(bad, known).error?.reason).toBe('pages of 2^14 octets')
  })

  it('reads deltas, flushes, commands and packages', () => {
    const stream = streamOf((writer) => {
      writer.ping(7)
      writer.sectionPart(2)
      writer.page('ram', 0x1000, new Uint8Array(4096).fill(9))
      writer.xbzrlePage('ram', 0x1000, octetsOfHex('05 01 aa'))
      writer.endOfRecords()
      writer.footer(2)
      writer.packaged(octetsOfHex('08 0004 0000'))
      writer.sectionEnd(2)
      writer.zeroPage('ram', 0x2000) // says CONTINUE, but a package lies between: no block is current
    })
    const { lines, error } = read(stream, known)
    expect(lines.slice(4)).toEqual([
      `command ${MIG_CMD.PING} 00000007`,
      'part 2',
      'page 0 4096 4096 09090909',
      'xbzrle 0 4096 0501aa',
      'end of records',
      'packaged 0800040000',
      'end 2',
    ])
    expect(error?.reason).toBe('a page of no block')
    const inner = new StreamLog()
    new StreamReader(inner, { ...known, start: 'items' }).push(octetsOfHex('08 0004 0000'))
    expect(inner.lines).toEqual([`command ${MIG_CMD.POSTCOPY_LISTEN} `])
  })

  it('takes white space after the end and nothing else', () => {
    expect(read(concatOctets([small, latin1Octets('\n')]), known).error).toBeNull()
    expect(read(concatOctets([small, latin1Octets('x')]), known).error?.reason).toBe(
      'octets follow the end of the stream',
    )
  })

  it('does not believe a length before the octets are there', () => {
    const huge = streamOf((writer) => {
      writer.command(MIG_CMD.PACKAGED, octetsOfHex('01ffffff'))
    })
    expect(read(huge, known).error).toBeNull() // 32 MiB are allowed, and not allocated before they come
    const over = streamOf((writer) => {
      writer.command(MIG_CMD.PACKAGED, octetsOfHex('02000001'))
    })
    expect(read(over, known).error?.reason).toBe('package of 33554433 octets')
    const description = concatOctets([small.subarray(0, small.length - 400), octetsOfHex('ff')])
    expect(read(description, known).reader.done).toBe(false)
  })
})

/** Offsets outside page content. */
function structureOffsets(stream: Uint8Array): number[] {
  const offsets: number[] = []
  for (let at = 0; at < stream.length; at++) if (at < 0x5c || at >= 0x105c) offsets.push(at)
  return offsets
}
