/** Constants of the TPM 2.0 Library specification, part 2, under its names without their prefixes. */

/** TPM_ST: tags of commands and responses (section 6.9). */
export const ST = { rspCommand: 0x00c4, noSessions: 0x8001, sessions: 0x8002 } as const

/** TPM_CC: the command codes that are answered (section 6.5.2). */
export const CC = {
  pcrEvent: 0x13c,
  pcrReset: 0x13d,
  incrementalSelfTest: 0x142,
  selfTest: 0x143,
  startup: 0x144,
  shutdown: 0x145,
  stirRandom: 0x146,
  getCapability: 0x17a,
  getRandom: 0x17b,
  getTestResult: 0x17c,
  pcrRead: 0x17e,
  readClock: 0x181,
  pcrExtend: 0x182,
} as const

/** TPM_RC: response codes (section 6.6). Those from 0x080 to 0x0bf say what is wrong with a handle, session or parameter. */
export const RC = {
  success: 0,
  badTag: 0x01e,
  attributes: 0x082,
  hash: 0x083,
  value: 0x084,
  handle: 0x08b,
  nonce: 0x08f,
  size: 0x095,
  insufficient: 0x09a,
  reservedBits: 0x0a1,
  badAuth: 0x0a2,
  initialize: 0x100,
  authMissing: 0x125,
  commandSize: 0x142,
  commandCode: 0x143,
  authContext: 0x145,
  locality: 0x907,
  cancelled: 0x909,
  referenceS0: 0x918,
} as const

/** What to add to such a code: the `n`th handle, parameter or session of the command, from 1. */
export const RC_HANDLE = (n: number): number => n << 8
export const RC_PARAMETER = (n: number): number => 0x040 | (n << 8)
export const RC_SESSION = (n: number): number => 0x800 | (n << 8)

/** TPM_RH and TPM_RS: permanent handles (section 7.4). */
export const HANDLE_NULL = 0x4000_0007
export const HANDLE_PASSWORD = 0x4000_0009

/** TPM_ALG_SHA256 (section 6.3), the one hash there is, and its digest. */
export const ALG_SHA256 = 0x000b
export const DIGEST_OCTETS = 32

/** TPM_SU: startup and shutdown types (section 6.10). */
export const SU = { clear: 0, state: 1 } as const

/** Octets of a command or response at most: what the command buffer holds. */
export const MESSAGE_OCTETS_MAX = 3968
/** Tag, size and code. */
export const HEADER_OCTETS = 10
