import { describe, expect, it } from 'vitest'
import { hexOf, latin1Text, octetsOfHex } from '../../../../core/base/octets.js'
import { StreamWriter } from '../../../../core/migration/wire/stream-writer.js'
import { smallStream } from '../../../support/small-stream.js'

/** What QEMU's format says of the same small machine, octet by octet (docs/devel/migration, migration/ram.c). */
const opening = octetsOfHex(`
  5145564d 00000003 07 00000003 746f79
  01 00000000 03 72616d 00000000 00000004  0000000000010004 03 72616d 0000000000010000 0000000000000010  7e 00000000
  02 00000000  0000000000000002 03 72616d 00  0000000000001028`)
const closing = octetsOfHex(`
  0000000000000010  7e 00000000
  03 00000000  0000000000000010  7e 00000000
  04 00000001 09 746f792d74696d6572 00000000 00000001  11223344 000003e8 00000003  7e 00000001
  00 06`)
const json =
  '{"page_size": 4096, "devices": [{"name": "toy-timer", "instance_id": 0, "vmsd_name": "toy-timer", "version": 1, ' +
  '"fields": [{"name": "count", "type": "uint32", "size": 4}, {"name": "reload", "type": "uint32", "size": 4}, ' +
  '{"name": "ctrl", "type": "uint32", "size": 4}]}]}'

describe('StreamWriter', () => {
  it('writes a small machine as QEMU does', () => {
    const stream = smallStream()
    expect(hexOf(stream.subarray(0, opening.length))).toBe(hexOf(opening))
    expect(opening.length).toBe(0x5c)
    expect(latin1Text(stream.subarray(0x5c, 0x105c))).toBe('toy!'.repeat(1024))
    expect(hexOf(stream.subarray(0x105c, 0x105c + 18))).toBe('000000000000202200' + '000000000000302200')
    const closingAt = 0x105c + 14 * 9
    expect(closingAt).toBe(0x10da)
    expect(hexOf(stream.subarray(closingAt, closingAt + closing.length))).toBe(hexOf(closing))
    expect(latin1Text(stream.subarray(closingAt + closing.length + 4))).toBe(json)
  })

  it('never writes a brace into the length of the description', () => {
    for (const length of [0x7a, 0x7b, 0x17b, 0x7b00, 0x7b10]) {
      const writer = new StreamWriter()
      writer.description('{' + ' '.repeat(length - 2) + '}')
      const octets = writer.take()
      expect(octets.subarray(0, 5)).not.toContain(0x7b)
      expect(octets.lastIndexOf(0)).toBeLessThan(5)
      expect(latin1Text(octets.subarray(5)).trim()).toHaveLength(length)
    }
  })

  it('drains by what the sink takes, in order, and keeps count', () => {
    const writer = new StreamWriter()
    const sink = new Sink()
    const page = new Uint8Array(4096)
    for (let index = 0; index < 200; index++) {
      page.fill(index)
      writer.page('ram', 4096 * index, page)
      sink.room = (index * 977) % 6000
      writer.drainTo(sink)
    }
    expect(writer.pendingOctets).toBeGreaterThan(0)
    sink.room = 1e9
    writer.drainTo(sink)
    expect(writer.pendingOctets).toBe(0)
    expect(sink.octets).toHaveLength(writer.octetsWritten)
    expect(writer.octetsWritten).toBe(4 + 200 * 4104)
    for (let index = 0; index < 200; index++) expect(sink.octets[12 + index * 4104 + 4095]).toBe(index)
  })

  it('copies a page when it is written: a later store does not reach the stream', () => {
    const writer = new StreamWriter()
    const page = new Uint8Array(4096).fill(1)
    writer.page('ram', 0, page)
    page.fill(2)
    expect(writer.take().subarray(12)).toEqual(new Uint8Array(4096).fill(1))
  })
})

class Sink {
  room = 0
  octets: number[] = []
  writableOctets(): number {
    return this.room
  }
  write(octets: Uint8Array): void {
    this.room -= octets.length
    for (const octet of octets) this.octets.push(octet)
  }
}
