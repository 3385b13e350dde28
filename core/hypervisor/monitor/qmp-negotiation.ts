import type { JsonObject } from '../wire/json-value.js'
import { QmpError } from '../wire/qmp.js'
import { QapiArguments } from './qapi-arguments.js'

/** The command that must come first: `qmp_capabilities` (qapi/control.json). Throws `QmpError`. */
export function changeOfMode(command: string, members: JsonObject): void {
  if (command !== 'qmp_capabilities')
    throw new QmpError("Expecting capabilities negotiation with 'qmp_capabilities'", 'CommandNotFound')
  const given = new QapiArguments(members)
  // `oob` may be asked for; what would come out of order comes in order here.
  if (members.has('enable')) given.choices('enable', ['oob'])
  given.close()
}
