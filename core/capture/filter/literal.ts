/** What was typed in a filter, as a value of the field that it is compared with. */
import { InputError } from '../../base/errors.js'
import { latin1Octets } from '../../base/octets.js'
import { parseIpv4, parseIpv6, parseMac } from '../../net/wire/addresses.js'
import { KIND_OCTETS, type FieldDefinition } from '../field.js'
import { FilterError } from './filter-error.js'
import type { Token } from './lexer.js'

export type Literal =
  | { readonly kind: 'number'; readonly value: number | bigint }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'octets'; readonly value: Uint8Array }
  /** Addresses that begin with the same bits: `value` has zeros after them. */
  | { readonly kind: 'prefix'; readonly value: number | bigint; readonly shift: number }

/** Throws `FilterError` when the token is no value of the field's kind. */
export function literalFor(definition: FieldDefinition, token: Token): Literal {
  try {
    return convert(definition, token)
  } catch (error) {
    if (error instanceof FilterError || !(error instanceof InputError)) throw error
    throw new FilterError(error.message, token.start, token.end)
  }
}

function convert(definition: FieldDefinition, token: Token): Literal {
  const { text } = token
  switch (definition.kind) {
    case 'bool': {
      const value = ['1', 'true', 'True', 'TRUE'].includes(text)
        ? 1
        : ['0', 'false', 'False', 'FALSE'].includes(text)
          ? 0
          : -1
      if (value < 0) throw wrong(token, `${definition.name} is 1 or 0`)
      return { kind: 'number', value }
    }
    case 'uint8':
    case 'uint16':
    case 'uint24':
    case 'uint32':
    case 'uint64':
      return wholeNumber(definition, token)
    case 'seconds':
      if (!/^-?\d+(\.\d*)?$/.test(text)) throw wrong(token, `${definition.name} is a number of seconds`)
      return { kind: 'number', value: Number(text) }
    case 'mac':
      return { kind: 'number', value: parseMac(text.replaceAll('-', ':')) }
    case 'ipv4':
      return prefixed(text, 32, token, (address) => parseIpv4(address))
    case 'ipv6':
      return prefixed(text, 128, token, (address) => parseIpv6(address))
    case 'text':
      return { kind: 'text', value: text }
    case 'octets':
    case 'protocol':
      return { kind: 'octets', value: octetsLiteral(token) }
    case 'none':
      throw wrong(token, `${definition.name} is there or not there: it has no value`)
  }
}

/** What was quoted is its characters; `47:45:54`, `47.45.54`, `47-45-54` or `474554` are octets. */
export function octetsLiteral(token: Token): Uint8Array {
  if (token.kind === 'text') return latin1Octets(token.text)
  const digits = token.text.replace(/^0x/, '').replace(/[:.-]/g, '')
  const isPairs =
    /^([0-9a-fA-F]{2})+$/.test(digits) &&
    /^(0x)?[0-9a-fA-F]{1,2}([:.-][0-9a-fA-F]{2})*$|^(0x)?[0-9a-fA-F]+$/.test(token.text)
  if (!isPairs) throw wrong(token, 'octets are written like 47:45:54, text in quotes')
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

function wholeNumber(definition: FieldDefinition, token: Token): Literal {
  const { text } = token
  if (/^(\d+|0[xX][0-9a-fA-F]+)$/.test(text)) {
    const value = BigInt(text)
    const octets = KIND_OCTETS[definition.kind] ?? 8
    if (value >= 1n << BigInt(8 * octets))
      throw wrong(
        token,
        `${text} is too big for ${definition.name}, which has ${octets} octet${octets === 1 ? '' : 's'}`,
      )
    return { kind: 'number', value: value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value }
  }
  for (const [value, word] of Object.entries(definition.words ?? {}))
    if (word.toLowerCase() === text.toLowerCase()) return { kind: 'number', value: Number(value) }
  const words = Object.values(definition.words ?? {})
  const hint =
    words.length > 0 && words.length <= 8 ? ` or one of ${words.map((word) => JSON.stringify(word)).join(', ')}` : ''
  throw wrong(token, `${definition.name} is a whole number${hint}`)
}

function prefixed(text: string, bits: number, token: Token, parse: (text: string) => number | bigint): Literal {
  const [address = '', length] = text.split('/')
  const value = parse(address)
  if (length === undefined) return { kind: 'number', value }
  const prefixLength = /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (prefixLength < 0 || prefixLength > bits) throw wrong(token, `a prefix is 0 to ${bits} bits long`)
  return { kind: 'prefix', value, shift: bits - prefixLength }
}

function wrong(token: Token, reason: string): FilterError {
  const found = token.kind === 'end' ? 'nothing' : JSON.stringify(token.text)
  return new FilterError(`${found} does not fit: ${reason}`, token.start, token.end)
}
