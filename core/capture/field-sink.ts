/**
 * Where a dissection goes. One dissection serves several consumers: the packet view makes a tree of it, a filter
 * looks for the values it needs and makes nothing.
 *
 * Offsets count in the present source: the frame, or the octets of a unit that several segments brought. Values of kind
 * `octets` are not passed: they are where the range says, in `octets` of the source that was last named.
 */
import type { FieldDefinition, FieldValue } from './field.js'

export interface FieldSink {
  /** False when texts are thrown away: then dissectors need not make any. */
  readonly wantsText: boolean
  /** Nothing more is wanted: dissectors may end wherever that is easy. */
  readonly isDone: boolean
  /** How many fields are open. */
  readonly depth: number
  /** False when nothing inside a layer of that protocol is wanted: it may be left out. */
  wants(layer: FieldDefinition): boolean
  /** Until the matching `endSource`, offsets count in `octets`. `name` says what they are. */
  beginSource(octets: Uint8Array, name: string): void
  endSource(): void
  /** A field that holds others: a layer, flags, options. `text` takes the place of what the value alone would say. */
  open(definition: FieldDefinition, start: number, length: number, value: FieldValue, text?: string): void
  close(): void
  field(definition: FieldDefinition, start: number, length: number, value: FieldValue, text?: string): void
}
