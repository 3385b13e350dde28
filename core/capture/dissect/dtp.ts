/**
 * Cisco's Dynamic Trunking Protocol, by which switches agree on trunks. Not published; the form is that which its
 * dissectors agree on:
 *
 *     version 1 | records: type 2 | length 2, these four octets included | value
 */
import { WireError } from '../../base/errors.js'
import { latin1Text, readU16be } from '../../base/octets.js'
import { readMac } from '../../net/wire/addresses.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'

const DOMAIN = 1
const STATUS = 2
const TYPE = 3
const SENDER = 4

export const dtpFields = {
  dtp: protocol('dtp', 'Dynamic Trunking Protocol'),
  version: field('dtp.version', 'Version', 'uint8'),
  recordType: field('dtp.tlv_type', 'Type', 'uint16', {
    base: 'hex',
    words: { 1: 'Domain', 2: 'Trunk Status', 3: 'Trunk Type', 4: 'Sender ID' },
  }),
  recordLength: field('dtp.tlv_len', 'Length', 'uint16'),
  domain: field('dtp.domain', 'Domain', 'text'),
  operatingStatus: field('dtp.tos', 'Trunk operating status', 'uint8', {
    base: 'hex',
    words: { 0: 'Access', 1: 'Trunk' },
  }),
  administrativeStatus: field('dtp.tas', 'Trunk administrative status', 'uint8', {
    base: 'hex',
    words: { 1: 'On', 2: 'Off', 3: 'Desirable', 4: 'Auto' },
  }),
  operatingType: field('dtp.tot', 'Trunk operating type', 'uint8', {
    base: 'hex',
    words: { 1: 'Native', 2: 'ISL', 5: '802.1Q' },
  }),
  administrativeType: field('dtp.tat', 'Trunk administrative type', 'uint8', {
    base: 'hex',
    words: { 0: 'Negotiated', 1: 'Native', 2: 'ISL', 5: '802.1Q' },
  }),
  sender: field('dtp.senderid', 'Sender', 'mac'),
}

export function dissectDtp({ octets, sink }: Dissection, start: number, end: number): void {
  need('dtp', start, 1, end)
  sink.open(dtpFields.dtp, start, end - start, null)
  sink.field(dtpFields.version, start, 1, octets[start] ?? 0)
  for (let at = start + 1; at < end;) {
    need('dtp', at, 4, end)
    const type = readU16be(octets, at)
    const length = readU16be(octets, at + 2)
    if (type === 0 && length === 0) break // padding
    if (length < 4) throw new WireError('dtp', at + 2, `record of ${length} octets`)
    need('dtp', at, length, end)
    sink.field(dtpFields.recordType, at, 2, type)
    sink.field(dtpFields.recordLength, at + 2, 2, length)
    const value = octets[at + 4] ?? 0
    if (type === DOMAIN) {
      const text = latin1Text(octets.subarray(at + 4, at + length)).replace(/\0.*$/s, '')
      sink.field(dtpFields.domain, at + 4, length - 4, text)
    } else if (type === STATUS && length === 5) {
      sink.field(dtpFields.operatingStatus, at + 4, 1, value >>> 7)
      sink.field(dtpFields.administrativeStatus, at + 4, 1, value & 7)
    } else if (type === TYPE && length === 5) {
      sink.field(dtpFields.operatingType, at + 4, 1, value >>> 5)
      sink.field(dtpFields.administrativeType, at + 4, 1, value & 7)
    } else if (type === SENDER && length === 10) {
      sink.field(dtpFields.sender, at + 4, 6, readMac(octets, at + 4))
    }
    at += length
  }
  sink.close()
}
