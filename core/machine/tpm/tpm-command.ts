import type { CommandReader } from './command-reader.js'
import type { TpmState } from './tpm-state.js'

/** What a handle of the command may be: a PCR, and for `pcrOrNull` also TPM_RH_NULL. */
export type HandleKind = 'pcr' | 'pcrOrNull'

/** One execution of a command whose header, handles and sessions were in order. */
export interface TpmCall {
  readonly tpm: TpmState
  /** 0 to 4. */
  readonly locality: number
  readonly handles: readonly number[]
  readonly parameters: CommandReader
  readonly commands: CommandTable
}

/**
 * A command of part 3. `run` reads its parameters, calls `finish` on them before it changes anything, and returns the
 * parameters of the response; or it refuses.
 */
export interface TpmCommand {
  /** TPMA_CC (part 2, section 8.9), without the command code. */
  readonly attributes: number
  /** Each of them needs an authorisation session. */
  readonly handles: readonly HandleKind[]
  /** It may come with an authorisation area at all. */
  readonly allowsSessions: boolean
  run(call: TpmCall): Uint8Array
}

/** By command code, ascending. */
export type CommandTable = ReadonlyMap<number, TpmCommand>
