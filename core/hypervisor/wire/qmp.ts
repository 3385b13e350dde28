/**
 * Messages of QMP, the QEMU Machine Protocol (docs/interop/qmp-spec.txt), as version 7.2 writes them: a greeting, commands
 * with an id that comes back, answers, errors and events. Every message of the server is one line that ends in CR LF.
 */
import { utf8Octets } from '../../base/octets.js'
import type { Nanos } from '../../base/units.js'
import { isJsonObject, jsonText, type JsonObject, type JsonOutput, type JsonValue } from './json-value.js'

export const QMP_PORT = 4444

/** The QEMU whose words these are. */
export const QEMU_VERSION = { micro: 0, minor: 2, major: 7 } as const

export type QmpErrorClass = 'GenericError' | 'CommandNotFound'

/** A command that is refused: `message` is the answer's `desc`. */
export class QmpError extends Error {
  override readonly name = 'QmpError'
  constructor(
    message: string,
    readonly errorClass: QmpErrorClass = 'GenericError',
  ) {
    super(message)
  }
}

export interface QmpRequest {
  readonly command: string
  readonly arguments: JsonObject
}

const MEMBERS: readonly string[] = ['execute', 'arguments', 'id']
const NO_ARGUMENTS: JsonObject = new Map()

/** monitor/qmp.c `qmp_dispatch_check_obj`. Throws `QmpError`. */
export function readRequest(value: JsonValue): QmpRequest {
  if (!isJsonObject(value)) throw new QmpError('QMP input must be a JSON object')
  for (const name of value.keys())
    if (!MEMBERS.includes(name)) throw new QmpError(`QMP input member '${name}' is unexpected`)
  const command = value.get('execute')
  const given = value.get('arguments')
  if (command !== undefined && typeof command !== 'string')
    throw new QmpError("QMP input member 'execute' must be a string")
  if (given !== undefined && !isJsonObject(given)) throw new QmpError("QMP input member 'arguments' must be an object")
  if (command === undefined) throw new QmpError("QMP input lacks member 'execute'")
  return { command, arguments: given ?? NO_ARGUMENTS }
}

/** What the sender wants back with the answer. */
export function requestId(value: JsonValue): JsonValue | undefined {
  return isJsonObject(value) ? value.get('id') : undefined
}

const line = (message: JsonOutput): Uint8Array => utf8Octets(`${jsonText(message)}\r\n`)

export function encodeGreeting(packageName: string): Uint8Array {
  return line({ QMP: { version: { qemu: QEMU_VERSION, package: packageName }, capabilities: ['oob'] } })
}

export function encodeReturn(value: JsonOutput, id: JsonValue | undefined): Uint8Array {
  return line({ return: value, id })
}

export function encodeError({ errorClass, message }: QmpError, id: JsonValue | undefined): Uint8Array {
  return line({ id, error: { class: errorClass, desc: message } })
}

export interface QmpEvent {
  readonly event: string
  readonly data?: JsonOutput
}

/** `atNs` counts from the beginning of the session. */
export function encodeEvent({ event, data }: QmpEvent, atNs: Nanos): Uint8Array {
  const timestamp = { seconds: Math.floor(atNs / 1e9), microseconds: Math.floor(atNs / 1e3) % 1e6 }
  return line({ timestamp, event, data })
}
