/**
 * Reads a command's arguments by QEMU's rules and with its words (qapi/qobject-input-visitor.c): members in the order of
 * the schema, then none may be left over. Everything throws `QmpError`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../wire/json-value.js'
import { QmpError } from '../wire/qmp.js'

const UINT64 = 2n ** 64n

export class QapiArguments {
  private readonly taken = new Set<string>()

  constructor(
    private readonly members: JsonObject,
    /** Of the object these are members of: `capabilities[0].`. */
    private readonly path = '',
  ) {}

  string(name: string): string {
    return this.required(name, this.optionalString(name))
  }

  optionalString(name: string): string | undefined {
    const value = this.take(name)
    if (value !== undefined && typeof value !== 'string') throw this.wrongType(name, 'string')
    return value
  }

  boolean(name: string): boolean {
    return this.required(name, this.optionalBoolean(name))
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.take(name)
    if (value !== undefined && typeof value !== 'boolean') throw this.wrongType(name, 'boolean')
    return value
  }

  /** A negative number counts from 2^64, as in C. */
  optionalUint64(name: string): number | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'bigint') throw new QmpError(`Parameter '${this.path}${name}' expects uint64`)
    return Number(BigInt.asUintN(64, value) % UINT64)
  }

  optionalUint8(name: string): number | undefined {
    const value = this.optionalUint64(name)
    if (value !== undefined && value > 255) throw new QmpError(`Parameter '${this.path}${name}' expects uint8_t`)
    return value
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    return this.required(name, this.optionalChoice(name, choices))
  }

  optionalChoice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.optionalString(name)
    const found = choices.find((choice) => choice === value)
    if (value !== undefined && found === undefined)
      throw new QmpError(`Parameter '${name}' does not accept value '${value}'`)
    return found
  }

  /** A string, or null for an empty one (qapi/common.json, StrOrNull). */
  optionalStringOrNull(name: string): string | undefined {
    return this.members.get(name) === null ? this.taken.add(name) && '' : this.optionalString(name)
  }

  /** An array of words. */
  choices(name: string, choices: readonly string[]): void {
    const value = this.take(name)
    if (!Array.isArray(value)) throw this.wrongType(name, 'array')
    for (const [index, entry] of (value as readonly JsonValue[]).entries()) {
      const path = `${name}[${index}]`
      if (typeof entry !== 'string') throw this.wrongType(path, 'string')
      if (!choices.includes(entry)) throw new QmpError(`Parameter '${path}' does not accept value '${entry}'`)
    }
  }

  /** The objects of an array. Close each. */
  objects(name: string): readonly QapiArguments[] {
    const value = this.required(name, this.take(name))
    if (!Array.isArray(value)) throw this.wrongType(name, 'array')
    return (value as readonly JsonValue[]).map((entry, index) => {
      const path = `${this.path}${name}[${index}]`
      if (!isJsonObject(entry)) throw new QmpError(`Invalid parameter type for '${path}', expected: object`)
      return new QapiArguments(entry, `${path}.`)
    })
  }

  /** Take a member that nothing is done with. */
  ignore(name: string): void {
    this.take(name)
  }

  /** Nothing may be left. */
  close(): void {
    for (const name of this.members.keys())
      if (!this.taken.has(name)) throw new QmpError(`Parameter '${this.path}${name}' is unexpected`)
  }

  private take(name: string): JsonValue | undefined {
    this.taken.add(name)
    return this.members.get(name)
  }

  private required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw new QmpError(`Parameter '${this.path}${name}' is missing`)
    return value
  }

  private wrongType(name: string, expected: string): QmpError {
    return new QmpError(`Invalid parameter type for '${this.path}${name}', expected: ${expected}`)
  }
}
