/**
 * The fields that a dissection consists of. Where Wireshark has the field, name and meaning are Wireshark's, so that a
 * filter learnt here works there.
 */

export type FieldKind =
  | 'protocol' // a layer: its name alone is a filter
  | 'none' // there or not there
  | 'bool' // 0 or 1
  | 'uint8'
  | 'uint16'
  | 'uint24'
  | 'uint32'
  | 'uint64'
  | 'seconds'
  | 'mac'
  | 'ipv4'
  | 'ipv6'
  | 'text'
  | 'octets'

/**
 * By kind: a number for `bool`, the integers (a bigint above 2^53), `seconds`, `mac` and `ipv4`; a bigint for `ipv6`; a
 * string for `text`. Null for `protocol` and `none`, and for `octets`, which are where the range says.
 */
export type FieldValue = number | bigint | string | null

export interface FieldDefinition {
  /** As in a filter: `tcp.dstport`. */
  readonly name: string
  /** As in the packet view: `Destination port`. */
  readonly label: string
  readonly kind: FieldKind
  /** How a number is shown. Decimal unless told. */
  readonly base?: 'hex'
  /** What values mean. */
  readonly words?: Readonly<Record<number, string>>
  /** A filter on this field looks at those: `ip.addr` at `ip.src` and `ip.dst`. It is in no tree itself. */
  readonly members?: readonly FieldDefinition[]
}

interface FieldShow {
  readonly base?: 'hex'
  readonly words?: Readonly<Record<number, string>>
}

/** Define a field. */
export function field(name: string, label: string, kind: FieldKind, show: FieldShow = {}): FieldDefinition {
  return Object.freeze({ name, label, kind, ...show })
}

/** Define a layer. */
export function protocol(name: string, label: string): FieldDefinition {
  return Object.freeze({ name, label, kind: 'protocol' })
}

/** Define a field that stands for any of several. */
export function anyOf(name: string, label: string, members: readonly FieldDefinition[]): FieldDefinition {
  return Object.freeze({ name, label, kind: members[0]?.kind ?? 'none', members })
}

/** Octets of a number of that kind: how many digits its hexadecimal form has. */
export const KIND_OCTETS: Readonly<Partial<Record<FieldKind, number>>> = {
  uint8: 1,
  uint16: 2,
  uint24: 3,
  uint32: 4,
  uint64: 8,
}
