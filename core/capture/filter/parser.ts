/**
 * Display filters as trees. The language is a part of Wireshark's:
 *
 *     filter     := and { ("||" | "or") and }            and := not { ("&&" | "and") not }
 *     not        := ("!" | "not") not | "(" filter ")" | relation
 *     relation   := operand [ comparison operand | ["not"] "in" "{" range { "," range } "}" ]
 *     operand    := (field | word | text) [ "[" slice { "," slice } "]" ] [ "&" number ]
 *     comparison := == eq any_eq | != ne all_ne | === all_eq | !== ~= any_ne | > gt | >= ge | < lt | <= le
 *                   | contains | matches ~
 *     range      := value [ ".." value ]                 slice := i | i:length | i-j | :length | i:
 */
import { FilterError } from './filter-error.js'
import { tokensOf, type Token } from './lexer.js'

export type Comparison = 'any_eq' | 'all_ne' | 'all_eq' | 'any_ne' | 'gt' | 'ge' | 'lt' | 'le' | 'contains' | 'matches'

export interface Slice {
  /** Negative ones count from the end. */
  readonly start: number
  /** Null: to the end. */
  readonly length: number | null
}

export interface Operand {
  readonly token: Token
  readonly slices: readonly Slice[]
  /** Of `field & mask`. */
  readonly mask: number | null
}

export interface FilterRange {
  readonly low: Token
  /** Null for a single value. */
  readonly high: Token | null
}

export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly left: FilterNode; readonly right: FilterNode }
  | { readonly kind: 'not'; readonly inner: FilterNode }
  | { readonly kind: 'exists'; readonly operand: Operand }
  | { readonly kind: 'compare'; readonly left: Operand; readonly comparison: Comparison; readonly right: Operand }
  | { readonly kind: 'in'; readonly left: Operand; readonly ranges: readonly FilterRange[] }

const comparisons: Readonly<Record<string, Comparison>> = {
  '==': 'any_eq',
  eq: 'any_eq',
  any_eq: 'any_eq',
  '!=': 'all_ne',
  ne: 'all_ne',
  all_ne: 'all_ne',
  '===': 'all_eq',
  all_eq: 'all_eq',
  '!==': 'any_ne',
  '~=': 'any_ne',
  any_ne: 'any_ne',
  '>': 'gt',
  gt: 'gt',
  '>=': 'ge',
  ge: 'ge',
  '<': 'lt',
  lt: 'lt',
  '<=': 'le',
  le: 'le',
  contains: 'contains',
  matches: 'matches',
  '~': 'matches',
}

/** Words that are no names of fields. */
export const KEYWORDS: readonly string[] = [
  'and',
  'or',
  'not',
  'in',
  ...Object.keys(comparisons).filter((name) => /^\w+$/.test(name)),
]
const DEPTH_MAX = 100

/** Null for a filter of nothing. Throws `FilterError`. */
export function parseFilter(text: string): FilterNode | null {
  const parser = new Parser(tokensOf(text))
  return parser.whole()
}

class Parser {
  private at = 0
  private depth = 0

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): FilterNode | null {
    if (this.isAtEnd()) return null
    const node = this.or()
    if (!this.isAtEnd()) throw this.unexpected()
    return node
  }

  private isAtEnd(): boolean {
    return this.next.kind === 'end'
  }

  private get next(): Token {
    return this.tokens[Math.min(this.at, this.tokens.length - 1)]!
  }

  private unexpected(wanted = ''): FilterError {
    const { kind, text, start, end } = this.next
    const found = kind === 'end' ? 'the filter ends here' : `${JSON.stringify(text)} does not belong here`
    return new FilterError(`${found}${wanted === '' ? '' : `: ${wanted} is missing`}`, start, end)
  }

  private take(...texts: readonly string[]): boolean {
    const { kind, text } = this.next
    if (kind === 'text' || kind === 'end' || !texts.includes(text)) return false
    this.at++
    return true
  }

  private expect(symbol: string): void {
    if (!this.take(symbol)) throw this.unexpected(JSON.stringify(symbol))
  }

  private or(): FilterNode {
    let left = this.and()
    while (this.take('||', 'or')) left = { kind: 'or', left, right: this.and() }
    return left
  }

  private and(): FilterNode {
    let left = this.not()
    while (this.take('&&', 'and')) left = { kind: 'and', left, right: this.not() }
    return left
  }

  private not(): FilterNode {
    if (++this.depth > DEPTH_MAX) throw new FilterError('nested too deep', this.next.start, this.next.end)
    try {
      if (this.take('!', 'not')) return { kind: 'not', inner: this.not() }
      if (!this.take('(')) return this.relation()
      const inner = this.or()
      this.expect(')')
      return inner
    } finally {
      this.depth--
    }
  }

  private relation(): FilterNode {
    const left = this.operand()
    const { kind, text } = this.next
    if (kind !== 'text' && Object.hasOwn(comparisons, text)) {
      this.at++
      return { kind: 'compare', left, comparison: comparisons[text]!, right: this.operand() }
    }
    if (this.take('in')) return { kind: 'in', left, ranges: this.set() }
    const after = this.tokens[this.at + 1]
    if ((text === 'not' || text === '!') && kind !== 'text' && after?.kind === 'word' && after.text === 'in') {
      this.at += 2
      return { kind: 'not', inner: { kind: 'in', left, ranges: this.set() } }
    }
    return { kind: 'exists', operand: left }
  }

  private value(): Token {
    const token = this.next
    const isKeyword = token.kind === 'word' && KEYWORDS.includes(token.text)
    if ((token.kind !== 'word' && token.kind !== 'text') || isKeyword) throw this.unexpected('a field or a value')
    this.at++
    return token
  }

  private operand(): Operand {
    const token = this.value()
    const slices: Slice[] = []
    if (this.take('[')) {
      do slices.push(this.slice())
      while (this.take(','))
      this.expect(']')
    }
    const mask = this.take('&') ? this.number(this.value()) : null
    return { token, slices, mask }
  }

  /** `3`, `0:3`, `:3`, `2:`, `1-4`. */
  private slice(): Slice {
    if (this.take(':')) return { start: 0, length: this.number(this.value()) }
    const token = this.value()
    const range = /^(-?\d+)-(-?\d+)$/.exec(token.text)
    if (range !== null) {
      const [start, last] = [Number(range[1]), Number(range[2])]
      if (last < start) throw new FilterError('the range ends before it begins', token.start, token.end)
      return { start, length: last - start + 1 }
    }
    const start = this.number(token)
    if (!this.take(':')) return { start, length: 1 }
    const { kind, text } = this.next
    if (kind === 'symbol' && (text === ']' || text === ',')) return { start, length: null }
    return { start, length: this.number(this.value()) }
  }

  private number(token: Token): number {
    if (!/^(-?\d+|0[xX][0-9a-fA-F]+)$/.test(token.text))
      throw new FilterError(`${JSON.stringify(token.text)} is not a whole number`, token.start, token.end)
    return Number(token.text)
  }

  private set(): FilterRange[] {
    this.expect('{')
    const ranges: FilterRange[] = []
    do {
      const low = this.value()
      ranges.push({ low, high: this.take('..') ? this.value() : null })
    } while (this.take(',') || (this.next.kind !== 'symbol' && this.next.kind !== 'end'))
    this.expect('}')
    return ranges
  }
}
