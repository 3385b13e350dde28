/**
 * The commands this TPM has, by their codes: a command is added here and nowhere else. Sections are those of part 3 of
 * the TPM 2.0 Library specification.
 */
import { OctetWriter } from '../../base/octets.js'
import { getCapability } from './capabilities.js'
import { pcrEvent, pcrExtend, pcrRead, pcrReset } from './pcr-commands.js'
import { CC, DIGEST_OCTETS, RC, SU } from './tpm-codes.js'
import type { CommandTable, TpmCall, TpmCommand } from './tpm-command.js'

/** TPMA_CC: may write to NV; number of handles. */
const NV = 1 << 22
const HANDLES = (count: number): number => count << 25

const ALGORITHMS_MAX = 64
const STIR_OCTETS_MAX = 128
const NOTHING = new Uint8Array(0)

const TABLE: readonly (readonly [number, TpmCommand])[] = [
  [CC.pcrEvent, { attributes: NV | HANDLES(1), handles: ['pcrOrNull'], allowsSessions: true, run: pcrEvent }],
  [CC.pcrReset, { attributes: NV | HANDLES(1), handles: ['pcr'], allowsSessions: true, run: pcrReset }],
  [CC.incrementalSelfTest, { attributes: NV, handles: [], allowsSessions: true, run: incrementalSelfTest }],
  [CC.selfTest, { attributes: NV, handles: [], allowsSessions: true, run: selfTest }],
  [CC.startup, { attributes: NV, handles: [], allowsSessions: false, run: startup }],
  [CC.shutdown, { attributes: NV, handles: [], allowsSessions: true, run: shutdown }],
  [CC.stirRandom, { attributes: NV, handles: [], allowsSessions: true, run: stirRandom }],
  [CC.getCapability, { attributes: 0, handles: [], allowsSessions: true, run: getCapability }],
  [CC.getRandom, { attributes: 0, handles: [], allowsSessions: true, run: getRandom }],
  [CC.getTestResult, { attributes: 0, handles: [], allowsSessions: true, run: getTestResult }],
  [CC.pcrRead, { attributes: 0, handles: [], allowsSessions: true, run: pcrRead }],
  [CC.readClock, { attributes: 0, handles: [], allowsSessions: true, run: readClock }],
  [CC.pcrExtend, { attributes: NV | HANDLES(1), handles: ['pcrOrNull'], allowsSessions: true, run: pcrExtend }],
]
export const TPM_COMMANDS: CommandTable = new Map(TABLE)

/** Section 9.3. CLEAR after an orderly STATE is a restart, STATE a resume; anything else is a reset. */
function startup({ tpm, parameters }: TpmCall): Uint8Array {
  const type = readStartupType(parameters.parameter())
  parameters.finish()
  const isResume = type === SU.state
  if (isResume && tpm.shutdown !== 'state') parameters.refuse(RC.value)
  if (tpm.shutdown === 'state') tpm.restartCount = (tpm.restartCount + 1) >>> 0
  else {
    tpm.resetCount = (tpm.resetCount + 1) >>> 0
    tpm.restartCount = 0
  }
  tpm.pcrs.start(isResume)
  tpm.wasOrderly = tpm.shutdown !== 'none'
  tpm.shutdown = 'none'
  tpm.isStarted = true
  return NOTHING
}

/** Section 9.4. */
function shutdown({ tpm, parameters }: TpmCall): Uint8Array {
  const type = readStartupType(parameters.parameter())
  parameters.finish()
  tpm.shutdown = type === SU.state ? 'state' : 'clear'
  return NOTHING
}

function readStartupType(parameters: TpmCall['parameters']): number {
  const type = parameters.u16()
  return type === SU.clear || type === SU.state ? type : parameters.refuse(RC.value)
}

/** Section 10.2: there is nothing that could have broken. */
function selfTest({ parameters }: TpmCall): Uint8Array {
  if (parameters.parameter().u8() > 1) parameters.refuse(RC.value)
  parameters.finish()
  return NOTHING
}

/** Section 10.3: an empty list, nothing remains to be tested. */
function incrementalSelfTest({ parameters }: TpmCall): Uint8Array {
  const count = parameters.parameter().count(ALGORITHMS_MAX)
  for (let index = 0; index < count; index++) parameters.u16()
  parameters.finish()
  return new OctetWriter().u32(0).take()
}

/** Section 10.4: no data, and TPM_RC_SUCCESS. */
function getTestResult({ parameters }: TpmCall): Uint8Array {
  parameters.finish()
  return new OctetWriter().u16(0).u32(RC.success).take()
}

/** Section 16.1: at most as many octets as the largest digest has. */
function getRandom({ tpm, parameters }: TpmCall): Uint8Array {
  const wanted = parameters.parameter().u16()
  parameters.finish()
  const octets = tpm.random(Math.min(wanted, DIGEST_OCTETS))
  return new OctetWriter().u16(octets.length).octets(octets).take()
}

/** Section 16.2. */
function stirRandom({ tpm, parameters }: TpmCall): Uint8Array {
  const octets = parameters.parameter().sized(STIR_OCTETS_MAX)
  parameters.finish()
  tpm.stir(octets)
  return NOTHING
}

/** Section 29.1: TPMS_TIME_INFO. Clock is never lost, so it is always safe. */
function readClock({ tpm, parameters }: TpmCall): Uint8Array {
  parameters.finish()
  const writer = new OctetWriter()
  for (const milliseconds of [tpm.timeMs, tpm.clockMs])
    writer.u32(Number(milliseconds >> 32n)).u32(Number(milliseconds & 0xffff_ffffn))
  return writer.u32(tpm.resetCount).u32(tpm.restartCount).u8(1).take()
}
