/** JSON values as QEMU's monitor reads and writes them (qobject/json-parser.c, json-writer.c), with its words for mistakes. */
import { latin1Octets, utf8Text } from '../../base/octets.js'
import type { JsonToken } from './json-lexer.js'

/** A whole number is a bigint where it was read, so that 64 bits keep their value and `4.0` is told from `4`. */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject
export type JsonObject = ReadonlyMap<string, JsonValue>

/** What can be written: plain objects too; members that are undefined are left out. */
export type JsonOutput =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonOutput[]
  | JsonObject
  | { readonly [member: string]: JsonOutput }

/** Not JSON: `message` is what the monitor answers. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
}

const fault = (reason: string): JsonError => new JsonError(`JSON parse error, ${reason}`)

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map
}

/** The value that `tokens` are. How deep it goes is the caller's business. Throws `JsonError`. */
export function parseTokens(tokens: readonly JsonToken[]): JsonValue {
  const parser = new TokenParser(tokens)
  return parser.value()
}

class TokenParser {
  private at = 0
  constructor(private readonly tokens: readonly JsonToken[]) {}

  value(): JsonValue {
    const token = this.next()
    switch (token.kind) {
      case '{':
        return this.object()
      case '[':
        return this.array()
      case 'string':
        return unescaped(token.text)
      case 'number':
        return numberOf(token.text)
      case 'keyword':
        if (token.text === 'null') return null
        if (token.text !== 'true' && token.text !== 'false') throw fault(`invalid keyword '${token.text}'`)
        return token.text === 'true'
      default:
        throw fault('expecting value')
    }
  }

  private object(): JsonObject {
    const members = new Map<string, JsonValue>()
    if (this.takes('}')) return members
    do {
      const name = this.value()
      if (typeof name !== 'string') throw fault('key is not a string in object')
      if (this.next().kind !== ':') throw fault('missing : in object pair')
      const value = this.value()
      if (members.has(name)) throw fault('duplicate key')
      members.set(name, value)
    } while (this.separates('}', 'dict'))
    return members
  }

  private array(): readonly JsonValue[] {
    const values: JsonValue[] = []
    if (this.takes(']')) return values
    do values.push(this.value())
    while (this.separates(']', 'list'))
    return values
  }

  /** True after a comma, false after the end. */
  private separates(end: JsonToken['kind'], what: string): boolean {
    const { kind } = this.next()
    if (kind !== end && kind !== ',') throw fault(`expected separator in ${what}`)
    return kind === ','
  }

  private takes(kind: JsonToken['kind']): boolean {
    if (this.tokens[this.at]?.kind !== kind) return false
    this.at++
    return true
  }

  private next(): JsonToken {
    const token = this.tokens[this.at]
    if (token === undefined) throw fault('premature EOI')
    this.at++
    return token
  }
}

const UINT64_MAX = 2n ** 64n - 1n
const INT64_MIN = -(2n ** 63n)

function numberOf(text: string): number | bigint {
  if (/[.eE]/.test(text)) {
    const value = Number(text)
    if (!Number.isFinite(value)) throw fault('number out of range')
    return value
  }
  const value = BigInt(text)
  return value >= INT64_MIN && value <= UINT64_MAX ? value : Number(value)
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '"', "'": "'", '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }),
)

/** The text of a string token: UTF-8 in, with escapes. */
function unescaped(token: string): string {
  const text = utf8Text(latin1Octets(token))
  if (text.includes('\ufffd') && !token.includes('\xef\xbf\xbd')) throw fault('invalid UTF-8 sequence in string')
  return text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S]|$)/g, (_, escape: string) => {
    const known = ESCAPES.get(escape)
    if (known !== undefined) return known
    if (escape.length === 5) return String.fromCharCode(parseInt(escape.slice(1), 16))
    throw fault('invalid escape sequence in string')
  })
}

/** One line of a monitor's output, without its end: `", "` between values, `": "` after names, ASCII only. */
export function jsonText(value: JsonOutput): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return numberText(value)
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${(value as readonly JsonOutput[]).map(jsonText).join(', ')}]`
  const members: Iterable<readonly [string, JsonOutput]> =
    value instanceof Map ? (value as JsonObject) : Object.entries(value as Readonly<Record<string, JsonOutput>>)
  const parts: string[] = []
  for (const [name, member] of members) if (member !== undefined) parts.push(`${quoted(name)}: ${jsonText(member)}`)
  return `{${parts.join(', ')}}`
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' }),
)

function quoted(text: string): string {
  const escaped = text.replace(/["\\]|[^ -~]/g, (character) => {
    const code = character.charCodeAt(0)
    return SHORT_ESCAPES.get(character) ?? `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
  })
  return `"${escaped}"`
}

/** C's `%.17g`, which tells every double from every other. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return '0'
  if (Number.isInteger(value) && Math.abs(value) < 1e17) return String(value)
  const [mantissa = '', exponent] = value.toPrecision(17).split('e')
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa
  return exponent === undefined ? short : `${short}e${exponent.replace(/^([-+])(\d)$/, '$10$2')}`
}
