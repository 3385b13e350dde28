import type { JsonObject, JsonOutput, JsonValue } from '../wire/json-value.js'

/** What is read back of `members` once it is written. Whole numbers must be bigints. */
export function jsonOf(members: Readonly<Record<string, JsonOutput>>): JsonObject {
  return new Map(Object.entries(members).map(([name, value]) => [name, valueOf(value)]))
}

function valueOf(value: JsonOutput): JsonValue {
  if (value === undefined) return null
  if (Array.isArray(value)) return (value as readonly JsonOutput[]).map(valueOf)
  if (typeof value === 'object' && value !== null && !(value instanceof Map))
    return jsonOf(value as Readonly<Record<string, JsonOutput>>)
  return value as JsonValue
}
