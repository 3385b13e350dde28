/** Values of fields as a person reads them, in the tree and in columns of text. */
import { hexOf } from '../base/octets.js'
import { ipv4Text, ipv6Text, macText } from '../net/wire/addresses.js'
import { KIND_OCTETS, type FieldDefinition, type FieldValue } from './field.js'

/** Octets shown of a long value. */
const OCTETS_SHOWN_MAX = 32

/** The value alone, as Wireshark's `-T fields` gives it: `49152`, `0x0800`, `10.0.0.1`. */
export function valueText(
  definition: FieldDefinition,
  value: FieldValue,
  octets: Uint8Array,
  start: number,
  length: number,
): string {
  if (definition.kind === 'octets') return hexOf(octets.subarray(start, start + length))
  if (value === null) return ''
  if (typeof value === 'string') return value
  switch (definition.kind) {
    case 'mac':
      return macText(Number(value))
    case 'ipv4':
      return ipv4Text(Number(value))
    case 'ipv6':
      return ipv6Text(BigInt(value))
    case 'seconds':
      return Number(value).toFixed(9)
    default:
      if (definition.base !== 'hex') return value.toString()
      return `0x${value.toString(16).padStart(2 * (KIND_OCTETS[definition.kind] ?? 1), '0')}`
  }
}

/** A line of the tree: `Type: 0x0800 (IPv4)`. */
export function fieldText(
  definition: FieldDefinition,
  value: FieldValue,
  octets: Uint8Array,
  start: number,
  length: number,
): string {
  const { label, kind, words } = definition
  if (kind === 'protocol' || kind === 'none') return label
  if (kind === 'bool') return `${label}: ${value === 1 ? 'set' : 'not set'}`
  if (kind === 'seconds') return `${label}: ${Number(value).toFixed(9)} s`
  if (kind === 'octets') {
    const shown = hexOf(octets.subarray(start, start + Math.min(length, OCTETS_SHOWN_MAX)))
    return `${label}: ${shown}${length > OCTETS_SHOWN_MAX ? '…' : ''}${length > 8 ? ` (${length} octets)` : ''}`
  }
  const text = valueText(definition, value, octets, start, length)
  if (kind === 'text') return `${label}: ${printable(text)}`
  const word = typeof value === 'number' ? words?.[value] : undefined
  return word === undefined ? `${label}: ${text}` : `${label}: ${word} (${text})`
}

/** Text from a wire on one line: control characters become dots. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '·')
}
