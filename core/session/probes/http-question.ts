/**
 * A visitor of the guest web, over HTTP/1.1 (RFC 9112) with a connection that is kept: first the page, which gives the
 * cookie of a session (RFC 6265) to who has none, then again and again the counter.
 */
import { WireError } from '../../base/errors.js'
import { latin1Text } from '../../base/octets.js'
import type { Answer, Question } from './question.js'

export const HTTP_PORT = 80
const HEAD_OCTETS_MAX = 4096
const BODY_OCTETS_MAX = 65536

export class HttpQuestion implements Question {
  readonly port = HTTP_PORT
  /** What the server called this visitor, '' before it did. */
  private session = ''

  request(isFirst: boolean): string {
    const cookie = this.session === '' ? '' : `Cookie: session=${this.session}\r\n`
    return `GET ${isFirst ? '/' : '/counter'} HTTP/1.1\r\nHost: guest\r\nUser-Agent: midstream-probe\r\n${cookie}\r\n`
  }

  read(received: Uint8Array): Answer | null {
    const head = latin1Text(received.subarray(0, HEAD_OCTETS_MAX))
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) {
      if (received.length >= HEAD_OCTETS_MAX) throw new WireError('http', HEAD_OCTETS_MAX, 'head of over 4096 octets')
      return null
    }
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
    if (status === undefined) throw new WireError('http', 0, 'no status line')
    const fields = head.slice(0, end + 2)
    const digits = /\r\ncontent-length:[ \t]*(\d{1,6})[ \t]*\r\n/i.exec(fields)?.[1]
    if (digits === undefined || Number(digits) > BODY_OCTETS_MAX)
      throw new WireError('http', 0, 'no length of the body that can be used')
    const start = end + 4
    const length = start + Number(digits)
    if (received.length < length) return null
    this.session = /\r\nset-cookie:[ \t]*session=([!-:<-~]{1,64})[; \t\r]/i.exec(fields)?.[1] ?? this.session
    const body = latin1Text(received.subarray(start, length))
    return { length, value: status === '200' && /^\d{1,15}\s*$/.test(body) ? Number(body) : null }
  }
}
