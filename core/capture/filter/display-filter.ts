/**
 * A display filter, ready to be asked which packets match. Fields that the index has in columns are compared there;
 * frames are dissected only for what columns do not say, and only when the rest of the filter leaves it open.
 */
import type { CaptureIndex } from '../capture-index.js'
import type { FieldDefinition } from '../field.js'
import { fieldNamed } from '../fields.js'
import { packetValues } from '../packet-facts.js'
import type { FoundValue, ValueSink } from '../value-sink.js'
import { columnFieldsOf, isUnclear, type ColumnField } from './column-fields.js'
import { closestFields } from './completions.js'
import { FilterError } from './filter-error.js'
import type { Token } from './lexer.js'
import { parseFilter, type Comparison, type FilterNode, type Operand } from './parser.js'
import {
  compareValues,
  comparisonTest,
  maskTest,
  octetsOf,
  rangesTest,
  sliceTest,
  slicesOf,
  type FieldTest,
} from './value-test.js'

type RowMatch = (row: number) => boolean

export class DisplayFilter {
  private readonly columns: ReadonlyMap<FieldDefinition, ColumnField>
  /** Fields that are looked up by dissection. */
  private readonly wanted = new Set<FieldDefinition>()
  private readonly match: RowMatch
  private dissectedRow = -1
  private dissectedBase = -1
  private dissected: ValueSink | null = null

  /** Throws `FilterError`. A filter of nothing matches everything. */
  constructor(
    private readonly index: CaptureIndex,
    readonly text: string,
  ) {
    this.columns = columnFieldsOf(index)
    const node = parseFilter(text)
    this.match = node === null ? () => true : this.compile(node)
  }

  /** False for packets that are not there any more. */
  matches(packet: number): boolean {
    const { columns } = this.index
    return columns.has(packet) && this.match(columns.row(packet))
  }

  /** The packets from `from` to before `to` that match, in order: a slice of the work, for who has other things to do. */
  matchRange(from: number, to: number): Uint32Array {
    const { columns } = this.index
    const first = Math.max(from, this.index.firstPacket)
    const end = Math.min(to, this.index.lastPacket + 1)
    const found = new Uint32Array(Math.max(0, end - first))
    let count = 0
    for (let packet = first; packet < end; packet++) if (this.match(columns.row(packet))) found[count++] = packet
    return found.slice(0, count)
  }

  private compile(node: FilterNode): RowMatch {
    switch (node.kind) {
      case 'and': {
        const [left, right] = [this.compile(node.left), this.compile(node.right)]
        return (row) => left(row) && right(row)
      }
      case 'or': {
        const [left, right] = [this.compile(node.left), this.compile(node.right)]
        return (row) => left(row) || right(row)
      }
      case 'not': {
        const inner = this.compile(node.inner)
        return (row) => !inner(row)
      }
      case 'exists':
        return this.compileExistence(node.operand)
      case 'compare':
        return this.compileComparison(node.left, node.comparison, node.right)
      case 'in': {
        const definition = this.fieldOf(node.left.token)
        if (node.left.slices.length > 0 || node.left.mask !== null) throw unfit(node.left.token, 'a field alone')
        return this.anyOf(definition, (member) => rangesTest(member, node.ranges))
      }
    }
  }

  private compileExistence({ token, slices, mask }: Operand): RowMatch {
    const definition = this.fieldOf(token)
    const members = definition.members ?? [definition]
    if (mask !== null)
      return this.any(
        members,
        numbers((value) => (Number(value) & mask) !== 0),
      )
    if (slices.length > 0)
      return this.any(members, { ofNumber: null, ofValue: (found) => slicesOf(octetsOf(found), slices).length > 0 })
    const tests = members.map((member): RowMatch => {
      const column = this.columns.get(member)
      const slow = this.slowValues(member)
      if (column !== undefined)
        return (row) => (isUnclear(this.index.columns, row) ? slow(row).length > 0 : column.has(row))
      return (row) => slow(row).length > 0
    })
    return (row) => tests.some((test) => test(row))
  }

  private compileComparison(left: Operand, comparison: Comparison, right: Operand): RowMatch {
    const definition = this.fieldOf(left.token)
    const other = right.token.kind === 'word' ? fieldNamed(right.token.text) : undefined
    if (other !== undefined) return this.compileFields(left, comparison, right, other)
    if (right.slices.length > 0 || right.mask !== null) throw unfit(right.token, 'a field')
    const { slices, mask } = left
    return this.quantified(definition, comparison, (member, asked) => {
      if (slices.length > 0) return { ofNumber: null, ofValue: sliceTest(slices, asked, right.token) }
      return mask === null ? comparisonTest(member, asked, right.token) : maskTest(member, mask, asked, right.token)
    })
  }

  /** `ip.src == ip.dst`: any value of one with any of the other, or all with all. */
  private compileFields(left: Operand, comparison: Comparison, right: Operand, other: FieldDefinition): RowMatch {
    const definition = this.fieldOf(left.token)
    if (left.slices.length + right.slices.length > 0 || comparison === 'matches' || comparison === 'contains')
      throw unfit(right.token, 'a value')
    const lefts = this.slowMembers(definition)
    const rights = this.slowMembers(other)
    const isAll = comparison === 'all_ne' || comparison === 'all_eq'
    return (row) => {
      const [a, b] = [lefts(row), rights(row)]
      if (a.length === 0 || b.length === 0) return false
      const holds = (x: FoundValue): boolean =>
        isAll ? b.every((y) => compareValues(x, comparison, y)) : b.some((y) => compareValues(x, comparison, y))
      return isAll ? a.every(holds) : a.some(holds)
    }
  }

  private anyOf(definition: FieldDefinition, test: (member: FieldDefinition) => FieldTest): RowMatch {
    return this.quantified(definition, 'any_eq', test)
  }

  /** A comparison holds when it does for any value; all_ne and all_eq when it does for all, of which there is one. */
  private quantified(
    definition: FieldDefinition,
    comparison: Comparison,
    test: (member: FieldDefinition, asked: Comparison) => FieldTest,
  ): RowMatch {
    const members = definition.members ?? [definition]
    const isAll = comparison === 'all_ne' || comparison === 'all_eq'
    const holds = test(members[0] ?? definition, comparison)
    if (!isAll) return this.any(members, holds)
    const exists = members.map((member) => this.compileExistence({ token: namedToken(member), slices: [], mask: null }))
    const fails = this.any(members, {
      ofNumber: holds.ofNumber === null ? null : opposite(holds.ofNumber),
      ofValue: opposite(holds.ofValue),
    })
    return (row) => !fails(row) && exists.some((isThere) => isThere(row))
  }

  /** Whether the test holds for a value of any of the fields. */
  private any(members: readonly FieldDefinition[], { ofNumber, ofValue }: FieldTest): RowMatch {
    const tests = members.map((member): RowMatch => {
      const column = this.columns.get(member)
      const slow = this.slowValues(member)
      const get = column?.get ?? null
      if (column === undefined || get === null || ofNumber === null) return (row) => slow(row).some(ofValue)
      return (row) =>
        isUnclear(this.index.columns, row) ? slow(row).some(ofValue) : column.has(row) && ofNumber(get(row))
    })
    const [first, second] = tests
    if (first !== undefined && tests.length === 1) return first
    if (first !== undefined && second !== undefined && tests.length === 2) return (row) => first(row) || second(row)
    return (row) => tests.some((test) => test(row))
  }

  private slowMembers(definition: FieldDefinition): (row: number) => readonly FoundValue[] {
    const members = (definition.members ?? [definition]).map((member) => this.slowValues(member))
    return (row) => members.flatMap((values) => values(row))
  }

  /** The values of a field by dissection, unless the columns say that its protocol is not in the packet. */
  private slowValues(definition: FieldDefinition): (row: number) => readonly FoundValue[] {
    this.wanted.add(definition)
    const layer = this.layerOf(definition)
    return (row) => {
      if (layer !== null && !isUnclear(this.index.columns, row) && !layer.has(row)) return noValues
      return this.dissect(row)?.all(definition) ?? noValues
    }
  }

  /** The column that tells whether a field's protocol is there: of `tcp.options.mss_val` that of `tcp`. */
  private layerOf({ name }: FieldDefinition): ColumnField | null {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
      const layer = fieldNamed(name.slice(0, end))
      const column = layer?.kind === 'protocol' ? this.columns.get(layer) : undefined
      if (column !== undefined) return column
    }
    return null
  }

  private dissect(row: number): ValueSink | null {
    const { firstPacket } = this.index.columns
    if (this.dissectedRow !== row || this.dissectedBase !== firstPacket) {
      this.dissected = packetValues(this.index, firstPacket + row, this.wanted)
      this.dissectedRow = row
      this.dissectedBase = firstPacket
    }
    return this.dissected
  }

  private fieldOf(token: Token): FieldDefinition {
    const definition = token.kind === 'word' ? fieldNamed(token.text) : undefined
    if (definition !== undefined) return definition
    const suggestions = token.kind === 'word' ? closestFields(token.text) : []
    throw new FilterError(`${JSON.stringify(token.text)} is no field or protocol.`, token.start, token.end, suggestions)
  }
}

const noValues: readonly FoundValue[] = []

function namedToken({ name }: FieldDefinition): Token {
  return { kind: 'word', text: name, start: 0, end: 0 }
}

function numbers(test: (value: number | bigint) => boolean): FieldTest {
  return {
    ofNumber: test,
    ofValue: ({ value }) => (typeof value === 'number' || typeof value === 'bigint') && test(value),
  }
}

function opposite<T>(test: (value: T) => boolean): (value: T) => boolean {
  return (value) => !test(value)
}

function unfit({ text, start, end }: Token, wanted: string): FilterError {
  return new FilterError(`${JSON.stringify(text)} does not belong here: only ${wanted} does`, start, end)
}
