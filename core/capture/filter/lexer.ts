/** Display filters as tokens. */
import { FilterError } from './filter-error.js'

export interface Token {
  /** `word`: a name, a number or an address; `text`: what stood in quotes; `symbol`: an operator or bracket; `end`. */
  readonly kind: 'word' | 'text' | 'symbol' | 'end'
  /** The word, the operator, or the text without its quotes. */
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Longer ones first. */
const symbols = ['===', '!==', '==', '!=', '~=', '<=', '>=', '&&', '||', '..']
const single = '<>!()[]{},&~:'
const wordCharacter = /[\w.:/-]/

const FILTER_CHARACTERS_MAX = 4096

export function tokensOf(text: string): Token[] {
  if (text.length > FILTER_CHARACTERS_MAX)
    throw new FilterError(`longer than ${FILTER_CHARACTERS_MAX} characters`, FILTER_CHARACTERS_MAX, text.length)
  const tokens: Token[] = []
  let at = 0
  const push = (kind: Token['kind'], value: string, end: number): void => {
    tokens.push({ kind, text: value, start: at, end })
    at = end
  }
  while (at < text.length) {
    const character = text.charAt(at)
    if (/\s/.test(character)) {
      at++
      continue
    }
    const isRaw = character === 'r' && text.charAt(at + 1) === '"'
    if (character === '"' || isRaw) {
      const { value, end } = quoted(text, at, isRaw)
      push('text', value, end)
      continue
    }
    const symbol = symbols.find((each) => text.startsWith(each, at))
    if (symbol !== undefined) push('symbol', symbol, at + symbol.length)
    else if (wordCharacter.test(character) && !(character === ':' && isInSlice(tokens))) {
      const end = wordEnd(text, at, isInSlice(tokens))
      push('word', text.slice(at, end), end)
    } else if (single.includes(character)) push('symbol', character, at + 1)
    else throw new FilterError(`${JSON.stringify(character)} means nothing here`, at, at + 1)
  }
  push('end', '', at)
  return tokens
}

/** A word ends before two dots, which make a range. */
function wordEnd(text: string, start: number, inSlice: boolean): number {
  let end = start
  while (end < text.length && wordCharacter.test(text.charAt(end)) && !text.startsWith('..', end)) {
    if (inSlice && text.charAt(end) === ':') break
    end++
  }
  return end
}

/** Between brackets a colon stands for itself: `eth.src[0:3]`. */
function isInSlice(tokens: readonly Token[]): boolean {
  for (let index = tokens.length - 1; index >= 0; index--) {
    const token = tokens[index]
    if (token?.kind !== 'symbol') continue
    if (token.text === '[') return true
    if (token.text !== ':' && token.text !== ',') return false
  }
  return false
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '"': '"', '\\': '\\' }

function quoted(text: string, start: number, isRaw: boolean): { value: string; end: number } {
  let value = ''
  for (let at = start + (isRaw ? 2 : 1); at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '"') return { value, end: at + 1 }
    if (character !== '\\' || (isRaw && text.charAt(at + 1) !== '"')) {
      value += character
      continue
    }
    const next = text.charAt(++at)
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(at, at + 3))
    if (hex !== null) {
      value += String.fromCharCode(parseInt(hex[1] ?? '0', 16))
      at += 2
    } else value += escapes[next] ?? `\\${next}` // regular expressions have escapes of their own
  }
  throw new FilterError('the text has no closing quote', start, text.length)
}
