/** RESP, which Redis speaks (https://redis.io/docs/latest/develop/reference/protocol-spec/), version 2. */
import { WireError } from '../../base/errors.js'
import { latin1Text } from '../../base/octets.js'
import type { Dissection } from '../dissection.js'
import { dissectData } from '../dissect/data.js'
import { field, protocol } from '../field.js'
import { printable } from '../value-text.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UnitWalker } from './unit-walker.js'

const LINE_OCTETS_MAX = 65536
const BULK_OCTETS_MAX = 512 * 1024 * 1024

export const respFields = {
  resp: protocol('resp', 'REdis Serialization Protocol'),
  array: field('resp.array.length', 'Elements of the array', 'uint32'),
  bulkLength: field('resp.bulk_string.length', 'Length of the string', 'uint32'),
  bulk: field('resp.bulk_string.value', 'String', 'octets'),
  simple: field('resp.string', 'String', 'text'),
  error: field('resp.error', 'Error', 'text'),
  integer: field('resp.integer', 'Integer', 'text'),
}

/** The first octet of a value tells its type: that is the unit's type. */
const ARRAY = 0x2a
const BULK = 0x24
const SIMPLE = 0x2b
const ERROR = 0x2d
const INTEGER = 0x3a

/** An array's elements are units of their own: so nothing of any depth must be kept. */
class RespWalker extends UnitWalker {
  private searched = 0

  protected measure(octets: Uint8Array, start: number, end: number): number {
    const type = octets[start] ?? 0
    if (type !== ARRAY && type !== BULK && type !== SIMPLE && type !== ERROR && type !== INTEGER)
      throw new WireError('resp', 0, `0x${type.toString(16)} begins no value`)
    const newline = octets.indexOf(0x0a, start + this.searched)
    if (newline < 0 || newline >= end) {
      this.searched = end - start
      if (end - start > LINE_OCTETS_MAX) throw new WireError('resp', 0, 'a line does not end')
      return 0
    }
    this.searched = 0
    this.is(type)
    const lineOctets = newline + 1 - start
    if (type !== BULK) return lineOctets
    const length = Number(latin1Text(octets.subarray(start + 1, Math.min(newline, start + 16))))
    if (!Number.isInteger(length) || length > BULK_OCTETS_MAX) throw new WireError('resp', 1, 'a string of no length')
    return length < 0 ? lineOctets : lineOctets + length + 2
  }
}

export const respProtocol: StreamProtocol = Object.freeze({
  columnName: 'RESP',
  layer: respFields.resp,
  makeWalker: (): UnitWalker => new RespWalker(),
  dissectUnit(dissection: Dissection, _walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    const { octets, sink } = dissection
    const newline = octets.indexOf(0x0a, start)
    const lineEnd = newline < 0 || newline >= end ? end : newline + 1
    const line = latin1Text(octets.subarray(start + 1, lineEnd)).trimEnd()
    sink.open(respFields.resp, start, end - start, null)
    switch (unit.type) {
      case ARRAY:
        sink.field(respFields.array, start, lineEnd - start, Math.max(0, Number(line)))
        break
      case BULK:
        sink.field(respFields.bulkLength, start, lineEnd - start, Math.max(0, Number(line)))
        if (end - 2 > lineEnd) {
          const shown = sink.wantsText
            ? printable(latin1Text(octets.subarray(lineEnd, Math.min(end - 2, lineEnd + 80))))
            : ''
          sink.field(respFields.bulk, lineEnd, end - 2 - lineEnd, null, sink.wantsText ? `String: ${shown}` : '')
        }
        break
      case SIMPLE:
        sink.field(respFields.simple, start, lineEnd - start, line)
        break
      case ERROR:
        sink.field(respFields.error, start, lineEnd - start, line)
        break
      case INTEGER:
        sink.field(respFields.integer, start, lineEnd - start, line)
        break
      default:
        dissectData(dissection, start, end)
    }
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    const words: string[] = []
    for (const { first, count, head } of units) {
      const text = latin1Text(head)
      if (first.type === ARRAY) {
        const elements = text.slice(1).split('\r\n')[0] ?? ''
        if (units.length === 1 || Number(elements) === 0) words.push(`array of ${elements}`)
      } else if (first.type === BULK) words.push(printable(text.slice(text.indexOf('\n') + 1, -2).slice(0, 60)))
      else words.push(printable(text.trimEnd()))
      if (count > 1) words.push(`(${count} of them)`)
    }
    return words.join(' ')
  },
})
