/**
 * An order to a host's agent to start a machine from its image, and the agent's answer: UDP, a format of Midstream's own.
 * QMP cannot say it, because it speaks to a QEMU that runs already.
 *
 *      0                   1                   2                   3
 *     +---------------------------------------------------------------+
 *   0 |                         magic "MSTO"                          |
 *     +---------------+---------------+---------------+---------------+
 *   4 |  version = 1  |     kind      |  name octets  |  name ...
 *     +---------------+---------------+---------------+---------------+
 *     | reason octets |  reason ...
 *     +---------------+---------------+
 */
import { WireError } from '../../base/errors.js'
import { latin1Octets, OctetReader, OctetWriter } from '../../base/octets.js'

export const START_PORT = 7651

const PROTOCOL = 'start-order'
const MAGIC = 0x4d53544f
const VERSION = 1
const kinds = ['start', 'started', 'refused'] as const

export interface StartOrder {
  readonly kind: (typeof kinds)[number]
  readonly vm: string
  /** Why it was refused; empty in the others. At most 255 octets are sent. */
  readonly reason: string
}

export function encodeStartOrder({ kind, vm, reason }: StartOrder): Uint8Array {
  const name = latin1Octets(vm)
  const why = latin1Octets(reason).subarray(0, 255)
  const out = new OctetWriter(8 + name.length + why.length).u32(MAGIC).u8(VERSION).u8(kinds.indexOf(kind))
  return out.u8(name.length).octets(name).u8(why.length).octets(why).take()
}

/** Throws `WireError`. */
export function decodeStartOrder(datagram: Uint8Array): StartOrder {
  const input = new OctetReader(datagram, PROTOCOL)
  if (input.u32('magic') !== MAGIC) throw new WireError(PROTOCOL, 0, 'is no order')
  if (input.u8('version') !== VERSION) throw new WireError(PROTOCOL, 4, 'of a version that is not known')
  const kind = kinds[input.u8('kind')]
  if (kind === undefined) throw new WireError(PROTOCOL, 5, 'of a kind that is not known')
  const vm = input.latin1(input.u8('name length'), 'name')
  const reason = input.latin1(input.u8('reason length'), 'reason')
  if (input.remaining > 0) throw new WireError(PROTOCOL, input.offset, `${input.remaining} octets too many`)
  return { kind, vm, reason }
}
