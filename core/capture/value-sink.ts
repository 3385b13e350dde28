/** Collects the values of the fields that somebody asks for, all of them or a few. */
import type { FieldDefinition, FieldValue } from './field.js'
import type { FieldSink } from './field-sink.js'
import { valueText } from './value-text.js'

/** A field of a packet. Octets are `octets[start, start + length)`. */
export interface FoundValue {
  readonly definition: FieldDefinition
  readonly value: FieldValue
  readonly octets: Uint8Array
  readonly start: number
  readonly length: number
}

/** What `wants` found for a set that is used for packet after packet. */
const wantedLayers = new WeakMap<ReadonlySet<FieldDefinition>, Map<FieldDefinition, boolean>>()

export class ValueSink implements FieldSink {
  readonly wantsText = false
  readonly isDone = false
  depth = 0
  private readonly found = new Map<FieldDefinition, FoundValue[]>()
  private readonly sources: Uint8Array[]

  /** `wanted` is null for all fields. */
  constructor(
    frame: Uint8Array,
    private readonly wanted: ReadonlySet<FieldDefinition> | null,
  ) {
    this.sources = [frame]
  }

  wants(layer: FieldDefinition): boolean {
    if (this.wanted === null) return true
    let isWanted = wantedLayers.get(this.wanted)?.get(layer)
    if (isWanted === undefined) {
      isWanted = Array.from(this.wanted).some(({ name }) => name === layer.name || name.startsWith(`${layer.name}.`))
      let known = wantedLayers.get(this.wanted)
      if (known === undefined) wantedLayers.set(this.wanted, (known = new Map<FieldDefinition, boolean>()))
      known.set(layer, isWanted)
    }
    return isWanted
  }
  beginSource(octets: Uint8Array): void {
    this.sources.push(octets)
  }
  endSource(): void {
    this.sources.pop()
  }
  open(definition: FieldDefinition, start: number, length: number, value: FieldValue): void {
    this.depth++
    this.field(definition, start, length, value)
  }
  close(): void {
    this.depth--
  }
  field(definition: FieldDefinition, start: number, length: number, value: FieldValue): void {
    if (this.wanted !== null && !this.wanted.has(definition)) return
    const found = { definition, value, octets: this.sources.at(-1)!, start, length }
    const list = this.found.get(definition)
    if (list === undefined) this.found.set(definition, [found])
    else list.push(found)
  }

  /** In order of the packet. */
  all(definition: FieldDefinition): readonly FoundValue[] {
    return this.found.get(definition) ?? []
  }
  has(definition: FieldDefinition): boolean {
    return this.found.has(definition)
  }
  /** The first value as a number; 0 when there is none. */
  number(definition: FieldDefinition): number {
    return Number(this.found.get(definition)?.[0]?.value ?? 0)
  }
  /** The first value as text; empty when there is none. */
  text(definition: FieldDefinition): string {
    const first = this.found.get(definition)?.[0]
    return first === undefined ? '' : foundText(first)
  }
}

/** A found value alone: `49152`, `10.0.0.1`. */
export function foundText({ definition, value, octets, start, length }: FoundValue): string {
  return valueText(definition, value, octets, start, length)
}
