/**
 * Switching a host on and off over the network, whatever its operating system does: RMCP with ASF messages (DMTF DSP0136,
 * Alert Standard Format 2.0, sections 3.2.2 to 3.2.4), UDP port 623. That port is the one without authentication; sessions
 * (port 664, RSP) are left out.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------+---------------+---------------+---------------+
 *   0 | version = 6   |   reserved    |   sequence    | class = 6 ASF |
 *     +---------------+---------------+---------------+---------------+
 *   4 |                   enterprise number = 4542                    |
 *     +---------------+---------------+---------------+---------------+
 *   8 |     type      |      tag      |   reserved    |  data octets  |
 *     +---------------+---------------+---------------+---------------+
 */
import { WireError } from '../../base/errors.js'
import { OctetReader, OctetWriter } from '../../base/octets.js'

export const ASF_PORT = 623

const PROTOCOL = 'asf'
const RMCP_VERSION = 6
/** Nobody acknowledges what has it: ASF messages are answered by messages, or by what they do. */
const NO_ACKNOWLEDGEMENT = 0xff
const CLASS_ASF = 6
const ENTERPRISE = 4542

const messageTypes = {
  'power-up': 0x11,
  'power-down': 0x12,
  'state-response': 0x42,
  'state-request': 0x82,
} as const
export type AsfMessageType = keyof typeof messageTypes
const typeNames = new Map<number, AsfMessageType>(
  Object.entries(messageTypes).map(([name, code]) => [code, name as AsfMessageType]),
)

/** System states of the response: working, and soft off. */
const STATE_WORKING = 0x0
const STATE_SOFT_OFF = 0x5
const STATE_DATA_OCTETS = 4

/** A host is on in every state but off; only a response has one. */
export interface AsfMessage {
  readonly type: AsfMessageType
  /** Comes back with the answer; 255 asks for none. */
  readonly tag: number
  readonly isOn: boolean | null
}

export function encodeAsf({ type, tag, isOn }: AsfMessage): Uint8Array {
  const out = new OctetWriter(16).u8(RMCP_VERSION).u8(0).u8(NO_ACKNOWLEDGEMENT).u8(CLASS_ASF)
  out.u32(ENTERPRISE).u8(messageTypes[type]).u8(tag).u8(0)
  if (isOn === null) return out.u8(0).take()
  // Watchdog state and two reserved octets follow.
  return out
    .u8(STATE_DATA_OCTETS)
    .u8(isOn ? STATE_WORKING : STATE_SOFT_OFF)
    .u8(0)
    .u16(0)
    .take()
}

/** Throws `WireError`. */
export function decodeAsf(datagram: Uint8Array): AsfMessage {
  const input = new OctetReader(datagram, PROTOCOL)
  if (input.u8('version') !== RMCP_VERSION) throw new WireError(PROTOCOL, 0, 'is no RMCP')
  input.view(2, 'header')
  if (input.u8('class') !== CLASS_ASF) throw new WireError(PROTOCOL, 3, 'RMCP of another class than ASF')
  if (input.u32('enterprise number') !== ENTERPRISE) throw new WireError(PROTOCOL, 4, 'is not of ASF')
  const code = input.u8('type')
  const type = typeNames.get(code)
  if (type === undefined) throw new WireError(PROTOCOL, 8, `message of type ${code} is unknown`)
  const tag = input.u8('tag')
  input.u8('reserved')
  const data = input.view(input.u8('data length'), 'data')
  if (type !== 'state-response') return { type, tag, isOn: null }
  if (data.length < STATE_DATA_OCTETS) throw new WireError(PROTOCOL, 11, 'a state response has 4 octets of data')
  return { type, tag, isOn: ((data[0] ?? 0) & 0xf) < STATE_SOFT_OFF }
}
