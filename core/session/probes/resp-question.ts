/** `INCR` of a key of the client's own in the guest kv, in RESP2 (redis.io, "Redis serialization protocol specification"). */
import { WireError } from '../../base/errors.js'
import { latin1Text } from '../../base/octets.js'
import type { Answer, Question } from './question.js'

export const RESP_PORT = 6379
const LINE_OCTETS_MAX = 512

export class RespQuestion implements Question {
  readonly port = RESP_PORT

  request(): string {
    return '*2\r\n$4\r\nINCR\r\n$6\r\nprobes\r\n'
  }

  read(received: Uint8Array): Answer | null {
    if (received.length === 0) return null
    const line = latin1Text(received.subarray(0, LINE_OCTETS_MAX))
    const end = line.indexOf('\r\n')
    if (!/^[:-]/.test(line)) throw new WireError('resp', 0, 'neither an integer nor an error')
    if (end < 0) {
      if (received.length >= LINE_OCTETS_MAX) throw new WireError('resp', LINE_OCTETS_MAX, 'line of over 512 octets')
      return null
    }
    const value = /^:(\d{1,15})$/.exec(line.slice(0, end))?.[1]
    return { length: end + 2, value: value === undefined ? null : Number(value) }
  }
}
