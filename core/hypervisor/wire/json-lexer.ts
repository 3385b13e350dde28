/**
 * Tokens of the JSON that QEMU's monitor reads (qobject/json-lexer.c), octet by octet, so that a value may come in pieces.
 *
 * As there, a text may stand between `'` or `"`, and after an octet that fits nowhere the lexer skips to the next structural
 * character or control character. Left out: interpolation (`%d`), which a monitor does not take either.
 */

export type JsonTokenKind = '{' | '}' | '[' | ']' | ':' | ',' | 'number' | 'keyword' | 'string' | 'error'

export interface JsonToken {
  readonly kind: JsonTokenKind
  /** The octets of the token, one a character; of a string without its quotation marks. */
  readonly text: string
}

type LexerState = 'start' | 'number' | 'keyword' | 'string' | 'escape' | 'recovery'

const STRUCTURAL = '{}[]:,'
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/
/** What a number may still grow from. */
const NUMBER_BEGUN = /^-?(?:0|[1-9]\d*)?$|^-?(?:0|[1-9]\d*)(?:\.\d*|(?:\.\d+)?[eE][-+]?\d*)$/
/** Longer ones are no numbers that anybody means. */
const NUMBER_CHARACTERS_MAX = 256

export class JsonLexer {
  private state: LexerState = 'start'
  private text = ''
  private quote = ''

  /** Octets of a token that has not ended. */
  get pendingOctets(): number {
    return this.text.length
  }

  /** The tokens that end with `octet`: none, one, or one that ended before it and `octet` itself. */
  push(octet: number, tokens: JsonToken[]): void {
    const character = String.fromCharCode(octet)
    switch (this.state) {
      case 'start':
        return this.begin(character, tokens)
      case 'recovery':
        if (octet >= 0xfe || (octet < 0x20 && character !== '\t') || STRUCTURAL.includes(character))
          this.begin(character, tokens)
        return
      case 'escape':
        this.text += character
        this.state = 'string'
        if (octet < 0x20 || octet >= 0xfe) this.refuse(tokens)
        return
      case 'string':
        if (character === this.quote) return this.emit('string', tokens)
        this.text += character
        if (octet < 0x20 || octet >= 0xfe) return this.refuse(tokens, this.quote)
        if (character === '\\') this.state = 'escape'
        return
      case 'keyword':
        if (character < 'a' || character > 'z') return this.endAndBegin('keyword', character, tokens)
        this.text += character
        return
      case 'number': {
        const grown = this.text + character
        const isGrowing = grown.length <= NUMBER_CHARACTERS_MAX && NUMBER_BEGUN.test(grown)
        const isDigit = character >= '0' && character <= '9'
        if (!isGrowing && NUMBER.test(this.text) && !isDigit) return this.endAndBegin('number', character, tokens)
        this.text = grown
        if (!isGrowing) this.refuse(tokens)
      }
    }
  }

  /** Forget what has begun. */
  reset(): void {
    this.state = 'start'
    this.text = ''
  }

  private begin(character: string, tokens: JsonToken[]): void {
    this.state = 'start'
    if (' \t\r\n'.includes(character)) return
    this.text = character
    if (STRUCTURAL.includes(character)) return this.emit(character as JsonTokenKind, tokens)
    if (character === '"' || character === "'") {
      this.quote = character
      this.text = ''
      this.state = 'string'
    } else if (character === '-' || (character >= '0' && character <= '9')) this.state = 'number'
    else if (character >= 'a' && character <= 'z') this.state = 'keyword'
    else this.refuse(tokens)
  }

  private endAndBegin(kind: JsonTokenKind, next: string, tokens: JsonToken[]): void {
    this.emit(kind, tokens)
    this.begin(next, tokens)
  }

  private emit(kind: JsonTokenKind, tokens: JsonToken[]): void {
    tokens.push({ kind, text: this.text })
    this.reset()
  }

  private refuse(tokens: JsonToken[], opening = ''): void {
    this.text = opening + this.text
    this.emit('error', tokens)
    this.state = 'recovery'
  }
}
