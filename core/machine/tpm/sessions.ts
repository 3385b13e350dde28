/** The authorisation area of a command: password sessions with the empty password (part 1, section 19; part 3, section 5.4). */
import { OctetWriter } from '../../base/octets.js'
import type { CommandReader } from './command-reader.js'
import { DIGEST_OCTETS, HANDLE_PASSWORD, RC, RC_SESSION } from './tpm-codes.js'
import { refuse } from './tpm-refusal.js'

const SESSIONS_MAX = 3
/** Handle, empty nonce, attributes, empty password. */
const SESSION_OCTETS_MIN = 9
/** TPMA_SESSION: bits 3 and 4 are reserved; a password session may have none but bit 0, continueSession. */
const ATTRIBUTES_RESERVED = 0x18
const ATTRIBUTE_CONTINUE = 0x01
/** Handles of HMAC and policy sessions (TPM_HT): 64 of each could be open. */
const SESSION_TYPES: readonly number[] = [0x02, 0x03]
const SESSION_SLOTS = 64

/**
 * Read the area, which begins with its size, and check it against the first `needed` handles of the command, each of
 * which needs a password; all there are here have the empty one. Returns the number of sessions.
 */
export function readSessions(command: CommandReader, needed: number): number {
  const size = command.unnumbered().u32()
  if (size < SESSION_OCTETS_MIN || size > command.remaining) refuse(RC.size)
  const area = command.part(size)
  const passwords: Uint8Array[] = []
  for (let number = 1; area.remaining > 0; number++) {
    if (number > SESSIONS_MAX) refuse(RC.size + RC_SESSION(number))
    passwords.push(readPasswordSession(area.session(number), number))
  }
  if (passwords.length < needed) refuse(RC.authMissing)
  for (const [index, password] of passwords.entries()) {
    if (index >= needed) refuse(RC.handle + RC_SESSION(index + 1))
    // Trailing zeros of a password do not count (part 1, section 19.4).
    if (password.some((octet) => octet !== 0)) refuse(RC.badAuth + RC_SESSION(index + 1))
  }
  return passwords.length
}

/** What answers that many password sessions. */
export function sessionResponses(count: number): Uint8Array {
  const writer = new OctetWriter()
  for (let index = 0; index < count; index++) {
    writer.u16(0)
    writer.u8(ATTRIBUTE_CONTINUE)
    writer.u16(0)
  }
  return writer.take()
}

function readPasswordSession(area: CommandReader, number: number): Uint8Array {
  const handle = area.u32()
  const isOther = SESSION_TYPES.includes(handle >>> 24) && (handle & 0xff_ffff) < SESSION_SLOTS
  if (handle !== HANDLE_PASSWORD && !isOther) area.refuse(RC.value)
  const nonce = area.sized(DIGEST_OCTETS)
  const attributes = area.u8()
  if ((attributes & ATTRIBUTES_RESERVED) !== 0) area.refuse(RC.reservedBits)
  const password = area.sized(DIGEST_OCTETS)
  if (isOther) refuse(RC.referenceS0 + number - 1) // none was ever started
  if ((attributes & ~ATTRIBUTE_CONTINUE) !== 0) area.refuse(RC.attributes)
  if (nonce.length > 0) area.refuse(RC.nonce)
  return password
}
