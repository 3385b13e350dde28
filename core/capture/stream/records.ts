/** This lab's record channels (core/secure/wire/records.ts): hellos in clear, then records whose type and length are. */
import { WireError } from '../../base/errors.js'
import { latin1Text, readU16be, readU32be } from '../../base/octets.js'
import {
  decodeHello,
  HELLO_OCTETS,
  HELLO_RANDOM_OCTETS,
  RECORD_HEADER_OCTETS,
  RECORD_OCTETS_MAX,
  recordChannelNames,
  recordForms,
  RECORDS_MAGIC,
  recordSuites,
  recordTypeNames,
  RSA_MODULUS_OCTETS,
  type RecordChannelName,
} from '../../secure/wire/records.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UnitWalker } from './unit-walker.js'

const HELLO = 1
/** The server's modulus behind its hello, or the secret that a client has wrapped under it. */
const RSA = 2
const RECORD = 3
/** IV, padding and tag, whatever the cipher. */
const BODY_OCTETS_MAX = RECORD_OCTETS_MAX + 64

const suiteWords = Object.fromEntries(recordChannelNames.map((name) => [recordSuites[name].number, name]))

export const recordsFields = {
  records: protocol('records', 'Record Channel'),
  magic: field('records.magic', 'Magic', 'text'),
  channel: field('records.channel', 'Channel', 'uint8', { words: suiteWords }),
  secretKeyBits: field('records.secret_key_bits', 'Secret bits of the key', 'uint16'),
  random: field('records.random', 'Random', 'octets'),
  rsa: field('records.rsa', 'RSA: the server’s modulus, or the client’s wrapped secret', 'octets'),
  type: field('records.type', 'Record type', 'uint8', { words: Object.fromEntries(recordTypeNames.entries()) }),
  length: field('records.length', 'Length of the rest', 'uint24'),
  iv: field('records.iv', 'IV', 'octets'),
  sealed: field('records.sealed', 'Sealed octets', 'octets'),
  tag: field('records.tag', 'Tag', 'octets'),
}

class RecordsWalker extends UnitWalker {
  private channel: RecordChannelName | null = null
  private sendsRsa = false

  protected measure(octets: Uint8Array, start: number, end: number): number {
    if (this.channel === null) {
      this.needed = HELLO_OCTETS
      if (end - start < HELLO_OCTETS) return 0
      this.channel = decodeHello(octets.subarray(start, start + HELLO_OCTETS)).name
      const { number, keyExchange } = recordSuites[this.channel]
      this.sendsRsa = keyExchange !== 'pre-shared'
      this.is(HELLO, number)
      return HELLO_OCTETS
    }
    const { number } = recordSuites[this.channel]
    if (this.sendsRsa) {
      this.sendsRsa = false
      this.is(RSA, number)
      return RSA_MODULUS_OCTETS
    }
    this.needed = RECORD_HEADER_OCTETS
    if (end - start < RECORD_HEADER_OCTETS) return 0
    const type = octets[start] ?? 0
    const length = readU32be(octets, start) & 0xff_ffff
    if (recordTypeNames[type] === undefined) throw new WireError('records', 0, `a record of type ${type}`)
    if (length > BODY_OCTETS_MAX) throw new WireError('records', 1, `a record of ${length} octets`)
    this.is(RECORD + type, number)
    return RECORD_HEADER_OCTETS + length
  }
}

export const recordsProtocol: StreamProtocol = Object.freeze({
  columnName: 'Records',
  layer: recordsFields.records,
  makeWalker: (): UnitWalker => new RecordsWalker(),
  dissectUnit(dissection: Dissection, _walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    const { sink } = dissection
    const title = sink.wantsText ? `Record Channel, ${titleOf(unit)}` : ''
    sink.open(recordsFields.records, start, end - start, null, title)
    if (unit.type === HELLO) dissectHello(dissection, start, end)
    else if (unit.type === RSA) sink.field(recordsFields.rsa, start, end - start, null)
    else dissectRecord(dissection, unit, start, end)
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    return units
      .map(({ first, count }) => {
        const octets = first.type < RECORD || first.length === Infinity ? '' : ` (len=${first.length})`
        return `${titleOf(first)}${octets}${count > 1 ? ` × ${count}` : ''}`
      })
      .join(', ')
  },
})

function dissectHello({ octets, sink }: Dissection, start: number, end: number): void {
  need('records', start, HELLO_OCTETS, end)
  const magicEnd = start + RECORDS_MAGIC.length
  sink.field(recordsFields.magic, start, RECORDS_MAGIC.length, latin1Text(octets.subarray(start, magicEnd)))
  sink.field(recordsFields.channel, magicEnd, 1, octets[magicEnd] ?? 0)
  sink.field(recordsFields.secretKeyBits, magicEnd + 1, 2, readU16be(octets, magicEnd + 1))
  sink.field(recordsFields.random, magicEnd + 3, HELLO_RANDOM_OCTETS, null)
}

function dissectRecord({ octets, sink }: Dissection, { detail }: StreamUnit, start: number, end: number): void {
  need('records', start, RECORD_HEADER_OCTETS, end)
  sink.field(recordsFields.type, start, 1, octets[start] ?? 0)
  sink.field(recordsFields.length, start + 1, 3, readU32be(octets, start) & 0xff_ffff)
  const name = suiteWords[detail]
  const { ivOctets, ivSource, tagOctets } = recordForms[recordSuites[name ?? 'aes-256-gcm'].cipher]
  const bodyAt = start + RECORD_HEADER_OCTETS
  const sentIv = ivSource === 'sequence' ? 0 : Math.min(ivOctets, end - bodyAt)
  const tagAt = Math.max(bodyAt + sentIv, end - tagOctets)
  if (sentIv > 0) sink.field(recordsFields.iv, bodyAt, sentIv, null)
  if (tagAt > bodyAt + sentIv) sink.field(recordsFields.sealed, bodyAt + sentIv, tagAt - bodyAt - sentIv, null)
  if (end > tagAt) sink.field(recordsFields.tag, tagAt, end - tagAt, null)
}

function titleOf({ type, detail }: StreamUnit): string {
  const name = suiteWords[detail] ?? ''
  if (type === HELLO) return `Hello: ${name}`
  if (type === RSA) return 'RSA key exchange'
  const record = recordTypeNames[type - RECORD]
  return record === undefined ? 'not read on' : `${name} ${record} record`
}
