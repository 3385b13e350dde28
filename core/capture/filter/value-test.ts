/** Comparing one value of a field with what a filter says. */
import { latin1Octets, latin1Text } from '../../base/octets.js'
import type { FieldDefinition, FieldValue } from '../field.js'
import type { FoundValue } from '../value-sink.js'
import { FilterError } from './filter-error.js'
import type { Token } from './lexer.js'
import { literalFor, octetsLiteral, type Literal } from './literal.js'
import type { Comparison, FilterRange, Slice } from './parser.js'

/** For values that are numbers, as columns have them; null when the test needs more than that. */
export type NumberTest = (value: number | bigint) => boolean
export type ValueTest = (found: FoundValue) => boolean

export interface FieldTest {
  readonly ofNumber: NumberTest | null
  readonly ofValue: ValueTest
}

/** Octets of a value that a regular expression or a search looks at. */
const SEARCHED_MAX = 1024 * 1024

/** The test that every comparison but all_ne and any_ne makes of a value; those two make the opposite of any_eq. */
export function comparisonTest(definition: FieldDefinition, comparison: Comparison, token: Token): FieldTest {
  if (comparison === 'contains') return containsTest(definition, token)
  if (comparison === 'matches') return { ofNumber: null, ofValue: matchesTest(token) }
  const literal = literalFor(definition, token)
  if (literal.kind === 'prefix') {
    if (comparison === 'any_eq' || comparison === 'all_eq') return numberTest(prefixTest(literal))
    if (comparison === 'all_ne' || comparison === 'any_ne') return numberTest(not(prefixTest(literal)))
    throw new FilterError('a prefix is compared by == and != only', token.start, token.end)
  }
  if (literal.kind === 'number') return numberTest(orderTest(comparison, literal.value))
  if (literal.kind === 'text') {
    const test = orderTest(comparison, literal.value)
    return { ofNumber: null, ofValue: ({ value }) => test(String(value)) }
  }
  const test = octetsTest(comparison, literal.value)
  return { ofNumber: null, ofValue: (found) => test(octetsOf(found)) }
}

/** One of the values and ranges between braces. */
export function rangesTest(definition: FieldDefinition, ranges: readonly FilterRange[]): FieldTest {
  const tests = ranges.map(({ low, high }): FieldTest => {
    if (high === null) return comparisonTest(definition, 'any_eq', low)
    const from = comparisonTest(definition, 'ge', low)
    const to = comparisonTest(definition, 'le', high)
    return {
      ofNumber: from.ofNumber && to.ofNumber ? both(from.ofNumber, to.ofNumber) : null,
      ofValue: both(from.ofValue, to.ofValue),
    }
  })
  const numberTests = tests.map(({ ofNumber }) => ofNumber)
  return {
    ofNumber: numberTests.every((test) => test !== null)
      ? (value) => numberTests.some((test) => test !== null && test(value))
      : null,
    ofValue: (found) => tests.some(({ ofValue }) => ofValue(found)),
  }
}

/** A test of some octets of the value: `eth.src[0:3] == 52:54:00`. */
export function sliceTest(slices: readonly Slice[], comparison: Comparison, token: Token): ValueTest {
  const taken = (found: FoundValue): Uint8Array => slicesOf(octetsOf(found), slices)
  if (comparison === 'matches') {
    const expression = regularExpression(token)
    return (found) => expression.test(latin1Text(taken(found)))
  }
  const wanted = octetsLiteral(token)
  if (comparison === 'contains') return (found) => indexOfOctets(taken(found), wanted) >= 0
  const test = octetsTest(comparison, wanted)
  return (found) => test(taken(found))
}

/** `tcp.flags & 0x12 == 0x12`. */
export function maskTest(definition: FieldDefinition, mask: number, comparison: Comparison, token: Token): FieldTest {
  const literal = literalFor(definition, token)
  if (literal.kind !== 'number') throw new FilterError('a number is missing here', token.start, token.end)
  const test = orderTest(comparison, Number(literal.value))
  return numberTest((value) => test((Number(value) & mask) >>> 0))
}

export function slicesOf(octets: Uint8Array, slices: readonly Slice[]): Uint8Array {
  const parts = slices.map(({ start, length }) => {
    const from = start < 0 ? Math.max(0, octets.length + start) : start
    return octets.subarray(from, length === null ? octets.length : from + length)
  })
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return first
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)))
}

/** What `contains`, `matches` and slices look at: a protocol is what follows from its start on. */
export function octetsOf({ definition, value, octets, start, length }: FoundValue): Uint8Array {
  if (definition.kind === 'text') return latin1Octets(String(value))
  const end = definition.kind === 'protocol' ? octets.length : start + length
  return octets.subarray(start, Math.min(end, start + SEARCHED_MAX))
}

/** The values of two fields compared, as `ip.src == ip.dst` does. */
export function compareValues(a: FoundValue, comparison: Comparison, b: FoundValue): boolean {
  const isOctets = a.value === null || b.value === null
  if (isOctets) return octetsTest(comparison, octetsOf(b))(octetsOf(a))
  const right: FieldValue = b.value
  const left: FieldValue = a.value
  if (typeof left === 'string' || typeof right === 'string') return orderTest(comparison, String(right))(String(left))
  return right === null || left === null ? false : orderTest(comparison, right)(left)
}

type Ordered = number | bigint | string

function orderTest<T extends Ordered>(comparison: Comparison, wanted: T): (value: Ordered) => boolean {
  switch (comparison) {
    case 'any_eq':
    case 'all_eq':
      // A bigint and a number are never identical, and either may be what a field has.
      return typeof wanted === 'bigint'
        ? (value) => value === wanted || (typeof value === 'number' && BigInt(value) === wanted)
        : (value) => value === wanted
    case 'all_ne':
    case 'any_ne':
      return not(orderTest('any_eq', wanted))
    case 'gt':
      return (value) => value > wanted
    case 'ge':
      return (value) => value >= wanted
    case 'lt':
      return (value) => value < wanted
    case 'le':
      return (value) => value <= wanted
    case 'contains':
    case 'matches':
      return () => false
  }
}

function octetsTest(comparison: Comparison, wanted: Uint8Array): (octets: Uint8Array) => boolean {
  const test = orderTest(comparison, 0)
  return (octets) => test(compareOctets(octets, wanted))
}

function compareOctets(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < a.length && index < b.length; index++)
    if (a[index] !== b[index]) return (a[index] ?? 0) - (b[index] ?? 0)
  return a.length - b.length
}

function prefixTest({ value, shift }: Literal & { kind: 'prefix' }): NumberTest {
  if (typeof value === 'bigint') {
    const wanted = value >> BigInt(shift)
    return (address) => typeof address === 'bigint' && address >> BigInt(shift) === wanted
  }
  if (shift === 32) return () => true
  const wanted = value >>> shift
  return (address) => typeof address === 'number' && address >>> shift === wanted
}

function containsTest(definition: FieldDefinition, token: Token): FieldTest {
  if (definition.kind === 'text')
    return { ofNumber: null, ofValue: ({ value }) => typeof value === 'string' && value.includes(token.text) }
  if (definition.kind === 'none') throw new FilterError(`${definition.name} has no octets`, token.start, token.end)
  const wanted = octetsLiteral(token)
  return { ofNumber: null, ofValue: (found) => indexOfOctets(octetsOf(found), wanted) >= 0 }
}

function matchesTest(token: Token): ValueTest {
  const expression = regularExpression(token)
  return (found) =>
    expression.test(found.definition.kind === 'text' ? String(found.value) : latin1Text(octetsOf(found)))
}

/** Upper and lower case are the same, as in Wireshark. */
function regularExpression(token: Token): RegExp {
  try {
    return new RegExp(token.text, 'is')
  } catch (error) {
    throw new FilterError(error instanceof Error ? error.message : 'no regular expression', token.start, token.end)
  }
}

export function indexOfOctets(octets: Uint8Array, wanted: Uint8Array): number {
  const [first] = wanted
  if (first === undefined) return 0
  for (
    let at = octets.indexOf(first);
    at >= 0 && at + wanted.length <= octets.length;
    at = octets.indexOf(first, at + 1)
  ) {
    let matched = 1
    while (matched < wanted.length && octets[at + matched] === wanted[matched]) matched++
    if (matched === wanted.length) return at
  }
  return -1
}

function numberTest(test: NumberTest): FieldTest {
  return {
    ofNumber: test,
    ofValue: ({ value }) => (typeof value === 'number' || typeof value === 'bigint') && test(value),
  }
}

function not<T>(test: (value: T) => boolean): (value: T) => boolean {
  return (value) => !test(value)
}
function both<T>(a: (value: T) => boolean, b: (value: T) => boolean): (value: T) => boolean {
  return (value) => a(value) && b(value)
}
