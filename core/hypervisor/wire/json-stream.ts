/**
 * Values out of a stream of octets (qobject/json-streamer.c): a value ends where its braces and brackets do, whatever lines
 * it stands on, and after a mistake reading goes on.
 *
 * Everything kept for a value that has not ended is bounded. QEMU's bounds are 64 MiB a token, two million tokens and a depth of
 * 1024; ours fit what a monitor is told here.
 */
import { JsonLexer, type JsonToken } from './json-lexer.js'
import { JsonError, parseTokens, type JsonValue } from './json-value.js'

export const JSON_TOKEN_OCTETS_MAX = 64 * 1024
export const JSON_TOKENS_MAX = 8192
export const JSON_DEPTH_MAX = 64

export type JsonOutcome = { readonly value: JsonValue } | { readonly error: string }

export class JsonStream {
  private readonly lexer = new JsonLexer()
  private tokens: JsonToken[] = []
  private tokenOctets = 0
  private braces = 0
  private brackets = 0

  /** What ended within `octets`, in order. */
  push(octets: Uint8Array): JsonOutcome[] {
    const outcomes: JsonOutcome[] = []
    const found: JsonToken[] = []
    for (const octet of octets) {
      this.lexer.push(octet, found)
      for (const token of found.splice(0)) this.take(token, outcomes)
      if (this.lexer.pendingOctets > JSON_TOKEN_OCTETS_MAX) {
        outcomes.push({ error: 'JSON token size limit exceeded' })
        this.reset()
      }
    }
    return outcomes
  }

  private take(token: JsonToken, outcomes: JsonOutcome[]): void {
    if (token.kind === 'error') {
      outcomes.push({ error: `JSON parse error, stray '${token.text}'` })
      return this.forget()
    }
    if (token.kind === '{') this.braces++
    else if (token.kind === '}') this.braces--
    else if (token.kind === '[') this.brackets++
    else if (token.kind === ']') this.brackets--
    this.tokens.push(token)
    this.tokenOctets += token.text.length
    const excess = this.excess()
    if (excess !== null) {
      outcomes.push({ error: excess })
      return this.forget()
    }
    if ((this.braces > 0 || this.brackets > 0) && this.braces >= 0 && this.brackets >= 0) return
    outcomes.push(this.outcome())
    this.forget()
  }

  private excess(): string | null {
    if (this.tokenOctets > JSON_TOKEN_OCTETS_MAX) return 'JSON token size limit exceeded'
    if (this.tokens.length > JSON_TOKENS_MAX) return 'JSON token count limit exceeded'
    return this.braces + this.brackets > JSON_DEPTH_MAX ? 'JSON nesting depth limit exceeded' : null
  }

  private outcome(): JsonOutcome {
    try {
      return { value: parseTokens(this.tokens) }
    } catch (error) {
      if (!(error instanceof JsonError)) throw error
      return { error: error.message }
    }
  }

  private forget(): void {
    this.tokens = []
    this.tokenOctets = 0
    this.braces = 0
    this.brackets = 0
  }

  private reset(): void {
    this.lexer.reset()
    this.forget()
  }
}
