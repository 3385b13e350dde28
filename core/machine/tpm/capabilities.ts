/** What TPM2_GetCapability tells (part 3, section 30.2; part 2, sections 6.12 to 6.14 and 10.10). */
import { latin1Octets, OctetWriter, readU32be } from '../../base/octets.js'
import { PCR_COUNT, PCR_RULES, PCR_SELECT_OCTETS } from './pcr-bank.js'
import {
  ALG_SHA256,
  DIGEST_OCTETS,
  HANDLE_NULL,
  HANDLE_PASSWORD,
  MESSAGE_OCTETS_MAX,
  RC,
  RC_PARAMETER,
} from './tpm-codes.js'
import type { TpmCall } from './tpm-command.js'
import { refuse } from './tpm-refusal.js'
import type { TpmState } from './tpm-state.js'

/** TPM_CAP. */
const CAP = {
  algorithms: 0,
  handles: 1,
  commands: 2,
  ppCommands: 3,
  auditCommands: 4,
  pcrs: 5,
  tpmProperties: 6,
  pcrProperties: 7,
  eccCurves: 8,
} as const

/** Octets of a list in one response, its capability and count among them. */
const LIST_OCTETS_MAX = 1024
/** TPMA_ALGORITHM: a hash. */
const ALGORITHM_HASH = 0x0000_0004
/** TPMA_STARTUP_CLEAR: the TPM was shut down in order. */
const STARTUP_CLEAR_ORDERLY = 0x8000_0000

const text = (word: string): number => readU32be(latin1Octets(word.padEnd(4, '\0')), 0)

/** TPM_PT, the fixed group (part 2, section 6.13). What is not there has no meaning for a TPM without keys and NV indices. */
const FIXED_PROPERTIES: readonly (readonly [number, number])[] = Object.freeze([
  [0x100, text('2.0')], // FAMILY_INDICATOR
  [0x101, 0], // LEVEL
  [0x102, 164], // REVISION: 1.64
  [0x103, 75], // DAY_OF_YEAR and
  [0x104, 2021], // YEAR of that revision
  [0x105, text('MIDS')], // MANUFACTURER
  [0x106, text('Mids')], // VENDOR_STRING_1 to 4
  [0x107, text('trea')],
  [0x108, text('m')],
  [0x109, 0],
  [0x10a, 1], // VENDOR_TPM_TYPE
  [0x10b, 0], // FIRMWARE_VERSION_1 and 2
  [0x10c, 1],
  [0x112, PCR_COUNT],
  [0x113, PCR_SELECT_OCTETS], // PCR_SELECT_MIN
  [0x11e, MESSAGE_OCTETS_MAX], // MAX_COMMAND_SIZE
  [0x11f, MESSAGE_OCTETS_MAX], // MAX_RESPONSE_SIZE
  [0x120, DIGEST_OCTETS], // MAX_DIGEST
  [0x12b, 0], // VENDOR_COMMANDS
  [0x12d, 0], // MODES
  [0x12e, LIST_OCTETS_MAX], // MAX_CAP_BUFFER
])

/** TPM_PT_PCR (part 2, section 6.14): which registers have a property. `level` is the locality. */
const inLevel = (mask: 'extendFrom' | 'resetFrom', level: number): ((index: number) => boolean) => {
  return (index) => ((PCR_RULES[index]![mask] >>> level) & 1) !== 0
}
const none = (): boolean => false
const PCR_PROPERTIES: readonly (readonly [number, (index: number) => boolean])[] = Object.freeze([
  [0x00, (index: number) => PCR_RULES[index]!.isSaved === true],
  ...[0, 1, 2, 3, 4].flatMap((level): [number, (index: number) => boolean][] => [
    [0x01 + 2 * level, inLevel('extendFrom', level)],
    [0x02 + 2 * level, inLevel('resetFrom', level)],
  ]),
  [0x11, (index: number) => PCR_RULES[index]!.isUncounted === true],
  [0x12, (index: number) => PCR_RULES[index]!.isDynamic === true],
  [0x13, none], // POLICY and
  [0x14, none], // AUTH: registers with a policy or password of their own
])

/** The entries of a list, ascending by what `property` is compared with, each with its octets. */
type Entry = readonly [key: number, octets: Uint8Array]

/** TPM2_GetCapability: moreData, then TPMS_CAPABILITY_DATA. */
export function getCapability(call: TpmCall): Uint8Array {
  const { parameters } = call
  const capability = parameters.parameter().u32()
  if (!Object.values<number>(CAP).includes(capability)) parameters.refuse(RC.value)
  const property = parameters.parameter().u32()
  const count = parameters.parameter().u32()
  parameters.finish()

  const entries = entriesOf(call, capability, property).filter(([key]) => key >= property)
  const octetsLeft = LIST_OCTETS_MAX - 8
  const fitting = entries.length === 0 ? 0 : Math.floor(octetsLeft / entries[0]![1].length)
  // TPM_CAP_PCRS answers as a whole, whatever was asked for.
  const shown = capability === CAP.pcrs ? entries : entries.slice(0, Math.min(count, fitting))
  const writer = new OctetWriter()
  writer.u8(shown.length < entries.length ? 1 : 0)
  writer.u32(capability)
  writer.u32(shown.length)
  for (const [, octets] of shown) writer.octets(octets)
  return writer.take()
}

function entriesOf({ tpm, commands }: TpmCall, capability: number, property: number): readonly Entry[] {
  switch (capability) {
    case CAP.algorithms:
      return [[ALG_SHA256, new OctetWriter().u16(ALG_SHA256).u32(ALGORITHM_HASH).take()]]
    case CAP.handles:
      return handlesOf(property).map((handle) => [handle, words(handle)])
    case CAP.commands:
      return [...commands].map(([code, { attributes }]) => [code, words((attributes | code) >>> 0)])
    case CAP.pcrs:
      if (property !== 0) refuse(RC.value + RC_PARAMETER(2))
      return [
        [
          0,
          new OctetWriter()
            .u16(ALG_SHA256)
            .u8(PCR_SELECT_OCTETS)
            .octets(pcrBits(() => true))
            .take(),
        ],
      ]
    case CAP.tpmProperties:
      return propertiesOf(tpm, commands.size, property).map(([name, value]) => [name, words(name, value)])
    case CAP.pcrProperties:
      return PCR_PROPERTIES.map(([name, has]) => [
        name,
        new OctetWriter().u32(name).u8(PCR_SELECT_OCTETS).octets(pcrBits(has)).take(),
      ])
    default:
      return [] // no physical presence, no audit, no elliptic curves
  }
}

/** The group of `property`: fixed, or those that a startup or a command may change. */
function propertiesOf(tpm: TpmState, commandCount: number, property: number): readonly (readonly [number, number])[] {
  if (property < 0x200) {
    const counts = [
      [0x129, commandCount], // TOTAL_COMMANDS
      [0x12a, commandCount], // LIBRARY_COMMANDS
    ] as const
    return [...FIXED_PROPERTIES, ...counts].sort(([a], [b]) => a - b)
  }
  if (property >= 0x300) return []
  return [
    [0x200, 0], // PERMANENT: no password set, no lockout
    [0x201, tpm.wasOrderly ? STARTUP_CLEAR_ORDERLY : 0],
  ]
}

/** Handles of the type that `property` begins with (TPM_HT): there are registers and permanent handles, no others. */
function handlesOf(property: number): readonly number[] {
  switch (property >>> 24) {
    case 0x00:
      return Array.from({ length: PCR_COUNT }, (_, index) => index)
    case 0x40:
      return [HANDLE_NULL, HANDLE_PASSWORD]
    case 0x01: // NV indices
    case 0x02: // sessions
    case 0x03:
    case 0x80: // objects
    case 0x81:
      return []
    default:
      return refuse(RC.handle + RC_PARAMETER(2))
  }
}

function pcrBits(has: (index: number) => boolean): Uint8Array {
  const bits = new Uint8Array(PCR_SELECT_OCTETS)
  for (let index = 0; index < PCR_COUNT; index++) if (has(index)) bits[index >>> 3]! |= 1 << (index & 7)
  return bits
}

function words(...values: readonly number[]): Uint8Array {
  const writer = new OctetWriter()
  for (const value of values) writer.u32(value)
  return writer.take()
}
