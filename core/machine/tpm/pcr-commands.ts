/** TPM2_PCR_Extend, _Event, _Read and _Reset (part 3, section 22). */
import { sha256 } from '@noble/hashes/sha2.js'
import { OctetWriter } from '../../base/octets.js'
import type { CommandReader } from './command-reader.js'
import { PCR_COUNT, PCR_RULES, PCR_SELECT_OCTETS } from './pcr-bank.js'
import { ALG_SHA256, DIGEST_OCTETS, HANDLE_NULL, RC } from './tpm-codes.js'
import type { TpmCall } from './tpm-command.js'
import { refuse } from './tpm-refusal.js'

/** Entries of a list of hashes or banks: as many as there are hashes. */
const HASHES = 1
const EVENT_OCTETS_MAX = 1024
/** Entries of TPML_DIGEST. */
const DIGESTS_MAX = 8

export function pcrExtend(call: TpmCall): Uint8Array {
  const { parameters } = call
  const count = parameters.parameter().count(HASHES)
  const digests = Array.from({ length: count }, () => {
    readHash(parameters)
    return parameters.raw(DIGEST_OCTETS)
  })
  parameters.finish()
  if (checkMayExtend(call)) for (const digest of digests) change(call, (index) => call.tpm.pcrs.extend(index, digest))
  return new Uint8Array(0)
}

/** Hashes the event itself, and answers what it extended with. */
export function pcrEvent(call: TpmCall): Uint8Array {
  const event = call.parameters.parameter().sized(EVENT_OCTETS_MAX)
  call.parameters.finish()
  const digest = sha256(event)
  if (checkMayExtend(call)) change(call, (index) => call.tpm.pcrs.extend(index, digest))
  return new OctetWriter().u32(1).u16(ALG_SHA256).octets(digest).take()
}

export function pcrReset(call: TpmCall): Uint8Array {
  call.parameters.finish()
  if (!isAllowed(PCR_RULES[call.handles[0]!]!.resetFrom, call)) refuse(RC.locality)
  change(call, (index) => call.tpm.pcrs.reset(index))
  return new Uint8Array(0)
}

/** Up to eight registers of those selected, and which they are: the caller asks again for the rest. */
export function pcrRead({ tpm, parameters }: TpmCall): Uint8Array {
  const count = parameters.parameter().count(HASHES)
  const selections = Array.from({ length: count }, () => {
    readHash(parameters)
    if (parameters.u8() !== PCR_SELECT_OCTETS) parameters.refuse(RC.value)
    return parameters.raw(PCR_SELECT_OCTETS)
  })
  parameters.finish()
  const digests = new OctetWriter()
  const shown = new OctetWriter()
  let digestCount = 0
  for (const selection of selections) {
    const selected = new Uint8Array(PCR_SELECT_OCTETS)
    for (let index = 0; index < PCR_COUNT && digestCount < DIGESTS_MAX; index++) {
      const bit = 1 << (index & 7)
      if ((selection[index >>> 3]! & bit) === 0) continue
      selected[index >>> 3]! |= bit
      digests.u16(DIGEST_OCTETS).octets(tpm.pcrs.read(index))
      digestCount++
    }
    shown.u16(ALG_SHA256).u8(PCR_SELECT_OCTETS).octets(selected)
  }
  const writer = new OctetWriter().u32(tpm.pcrs.updateCounter)
  writer.u32(selections.length).octets(shown.take())
  return writer.u32(digestCount).octets(digests.take()).take()
}

function readHash(parameters: CommandReader): void {
  if (parameters.u16() !== ALG_SHA256) parameters.refuse(RC.hash)
}

/** Whether there is a register to extend: TPM_RH_NULL stands for none. */
function checkMayExtend(call: TpmCall): boolean {
  const index = call.handles[0]!
  if (index === HANDLE_NULL) return false
  if (!isAllowed(PCR_RULES[index]!.extendFrom, call)) refuse(RC.locality)
  return true
}

function isAllowed(localities: number, { locality }: TpmCall): boolean {
  return ((localities >>> locality) & 1) !== 0
}

/** After TPM2_Shutdown a change of a saved register takes the order back. */
function change({ tpm, handles }: TpmCall, action: (index: number) => void): void {
  const index = handles[0]!
  if (PCR_RULES[index]!.isSaved === true) tpm.shutdown = 'none'
  action(index)
}
