/** A dissection as plain data, for the packet view: layers, their fields, and which octets each came from. */
import type { FieldDefinition, FieldValue } from './field.js'
import type { FieldSink } from './field-sink.js'
import { fieldText, valueText } from './value-text.js'

export interface TreeNode {
  /** `Time to live: 64`. */
  readonly label: string
  /** `ip.ttl`: a filter on it finds more packets like this one. */
  readonly field: string
  /** The value as a filter takes it; empty for a layer. */
  readonly filterValue: string
  /** Which of the tree's sources the range counts in. */
  readonly source: number
  readonly start: number
  /** 0 for what no octets say, such as an analysis. */
  readonly length: number
  readonly children: TreeNode[]
}

export interface TreeSource {
  /** `Frame`, or what several packets brought together. */
  readonly name: string
  /** A copy. */
  readonly octets: Uint8Array
}

/** Can be cloned and sent to another thread. */
export interface PacketTree {
  readonly packet: number
  readonly sources: readonly TreeSource[]
  readonly layers: readonly TreeNode[]
}

/** Nodes of one tree; a packet with more is shown to there. */
const NODES_MAX = 20_000

export class TreeSink implements FieldSink {
  readonly wantsText = true
  readonly layers: TreeNode[] = []
  readonly sources: TreeSource[] = []
  private readonly openNodes: TreeNode[] = []
  private readonly openSources: number[] = []
  private nodeCount = 0

  constructor(frame: Uint8Array) {
    this.beginSource(frame, 'Frame')
  }

  get isDone(): boolean {
    return this.nodeCount >= NODES_MAX
  }
  get depth(): number {
    return this.openNodes.length
  }
  wants(): boolean {
    return true
  }
  beginSource(octets: Uint8Array, name: string): void {
    this.openSources.push(this.sources.push({ name, octets: octets.slice() }) - 1)
  }
  endSource(): void {
    this.openSources.pop()
  }
  open(definition: FieldDefinition, start: number, length: number, value: FieldValue, text?: string): void {
    this.openNodes.push(this.add(definition, start, length, value, text))
  }
  close(): void {
    this.openNodes.pop()
  }
  field(definition: FieldDefinition, start: number, length: number, value: FieldValue, text?: string): void {
    this.add(definition, start, length, value, text)
  }

  private add(definition: FieldDefinition, start: number, length: number, value: FieldValue, text?: string): TreeNode {
    const source = this.openSources.at(-1) ?? 0
    const octets = this.sources[source]?.octets ?? new Uint8Array(0)
    const node: TreeNode = {
      label: text ? text : fieldText(definition, value, octets, start, length),
      field: definition.name,
      filterValue: filterText(definition, value, octets, start, length),
      source,
      start,
      length,
      children: [],
    }
    this.nodeCount++
    const parent = this.openNodes.at(-1)
    if (parent === undefined) this.layers.push(node)
    else parent.children.push(node)
    return node
  }
}

/** Octets beyond this many are too long to type. */
const FILTER_OCTETS_MAX = 64

function filterText(
  definition: FieldDefinition,
  value: FieldValue,
  octets: Uint8Array,
  start: number,
  length: number,
): string {
  if (definition.kind === 'octets') {
    if (length === 0 || length > FILTER_OCTETS_MAX) return ''
    return Array.from(octets.subarray(start, start + length), (octet) => octet.toString(16).padStart(2, '0')).join(':')
  }
  if (typeof value === 'string') return JSON.stringify(value)
  return value === null ? '' : valueText(definition, value, octets, start, length)
}
