/** From the octets of a command to those of its response (part 3, section 5 "Command processing", in its order). */
import { OctetWriter } from '../../base/octets.js'
import type { Nanos } from '../../base/units.js'
import { CommandReader } from './command-reader.js'
import { PCR_COUNT } from './pcr-bank.js'
import { readSessions, sessionResponses } from './sessions.js'
import { CC, HANDLE_NULL, HEADER_OCTETS, MESSAGE_OCTETS_MAX, RC, ST } from './tpm-codes.js'
import type { HandleKind } from './tpm-command.js'
import { TPM_COMMANDS } from './tpm-commands.js'
import { refuse, TpmRefusal } from './tpm-refusal.js'
import type { TpmState } from './tpm-state.js'

/**
 * Execute `command`, sent from `locality` (0 to 4) at virtual time `nowNs`. Any octets are answered: what is not a
 * command, with the response code that says so.
 */
export function executeCommand(tpm: TpmState, command: Uint8Array, locality: number, nowNs: Nanos): Uint8Array {
  tpm.advanceTo(nowNs)
  try {
    return execute(tpm, new CommandReader(command), command.length, locality)
  } catch (failure) {
    if (failure instanceof TpmRefusal) return errorResponse(failure.responseCode)
    throw failure
  }
}

/** A response without parameters. One to an unknown tag has the tag of TPM 1.2 (part 3, section 5.2). */
export function errorResponse(responseCode: number): Uint8Array {
  return response(responseCode === RC.badTag ? ST.rspCommand : ST.noSessions, responseCode, new Uint8Array(0))
}

function execute(tpm: TpmState, command: CommandReader, octets: number, locality: number): Uint8Array {
  const tag = command.u16()
  if (tag !== ST.sessions && tag !== ST.noSessions) refuse(RC.badTag)
  const size = command.u32()
  if (size !== octets || size > MESSAGE_OCTETS_MAX) refuse(RC.commandSize)
  const code = command.u32()
  const entry = TPM_COMMANDS.get(code) ?? refuse(RC.commandCode)
  if (tpm.isStarted === (code === CC.startup)) refuse(RC.initialize)

  const handles = entry.handles.map((kind, index) => readHandle(command.handle(index + 1), kind))
  let sessions = 0
  if (tag === ST.sessions) {
    const area = command.unnumbered()
    if (!entry.allowsSessions) refuse(RC.authContext)
    sessions = readSessions(area, handles.length)
  } else if (handles.length > 0) refuse(RC.authMissing)

  const parameters = entry.run({ tpm, locality, handles, parameters: command.unnumbered(), commands: TPM_COMMANDS })
  if (tag === ST.noSessions) return response(tag, RC.success, parameters)
  const withSessions = new OctetWriter().u32(parameters.length).octets(parameters).octets(sessionResponses(sessions))
  return response(tag, RC.success, withSessions.take())
}

function readHandle(command: CommandReader, kind: HandleKind): number {
  const handle = command.u32()
  const isAllowed = handle < PCR_COUNT || (kind === 'pcrOrNull' && handle === HANDLE_NULL)
  return isAllowed ? handle : command.refuse(RC.value)
}

function response(tag: number, responseCode: number, body: Uint8Array): Uint8Array {
  const writer = new OctetWriter()
  writer.u16(tag).u32(HEADER_OCTETS + body.length)
  return writer.u32(responseCode).octets(body).take()
}
