/** HTTP/1.1 (RFC 9112): heads to field level, bodies by their length or in chunks. */
import { WireError } from '../../base/errors.js'
import { latin1Text } from '../../base/octets.js'
import type { Dissection } from '../dissection.js'
import { dissectData } from '../dissect/data.js'
import { field, protocol, type FieldDefinition } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UnitWalker } from './unit-walker.js'

const HEAD = 1
const BODY = 2
const CHUNK = 3
const HEAD_OCTETS_MAX = 64 * 1024
const CHUNK_OCTETS_MAX = 0x7fff_ffff

export const httpFields = {
  http: protocol('http', 'Hypertext Transfer Protocol'),
  request: field('http.request', 'Request', 'bool'),
  method: field('http.request.method', 'Method', 'text'),
  uri: field('http.request.uri', 'URI', 'text'),
  requestVersion: field('http.request.version', 'Version', 'text'),
  response: field('http.response', 'Response', 'bool'),
  code: field('http.response.code', 'Status code', 'uint16'),
  phrase: field('http.response.phrase', 'Phrase', 'text'),
  responseVersion: field('http.response.version', 'Version', 'text'),
  header: field('http.header', 'Header', 'text'),
  host: field('http.host', 'Host', 'text'),
  contentType: field('http.content_type', 'Content type', 'text'),
  contentLength: field('http.content_length_header', 'Content length', 'text'),
  userAgent: field('http.user_agent', 'User agent', 'text'),
  cookie: field('http.cookie', 'Cookie', 'text'),
  authorization: field('http.authorization', 'Authorization', 'text'),
  server: field('http.server', 'Server', 'text'),
  body: field('http.body', 'Body', 'octets'),
}

const named: ReadonlyMap<string, FieldDefinition> = new Map([
  ['host', httpFields.host],
  ['content-type', httpFields.contentType],
  ['content-length', httpFields.contentLength],
  ['user-agent', httpFields.userAgent],
  ['cookie', httpFields.cookie],
  ['authorization', httpFields.authorization],
  ['server', httpFields.server],
])

class HttpWalker extends UnitWalker {
  private bodyOctets = 0
  private isChunked = false
  /** Octets of an unfinished head that hold no end of it. */
  private searched = 0

  protected measure(octets: Uint8Array, start: number, end: number): number {
    if (this.isChunked) return this.measureChunk(octets, start, end)
    if (this.bodyOctets > 0) {
      const length = this.bodyOctets
      this.bodyOctets = 0
      this.is(BODY)
      return length
    }
    const headEnd = this.findHeadEnd(octets, start, end)
    if (headEnd < 0) {
      if (end - start > HEAD_OCTETS_MAX) throw new WireError('http', 0, `a head of over ${HEAD_OCTETS_MAX} octets`)
      return 0
    }
    const head = latin1Text(octets.subarray(start, headEnd))
    if (!/^([A-Z]+ [^\r\n]* HTTP\/|HTTP\/)1\./.test(head)) throw new WireError('http', 0, 'no head begins here')
    this.readHead(head)
    this.is(HEAD)
    return headEnd - start
  }

  private readHead(head: string): void {
    const length = /\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n/i.exec(head)?.[1]
    const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0)
    this.isChunked = /\r\ntransfer-encoding:[^\r\n]*chunked/i.test(head)
    if (length !== undefined) this.bodyOctets = Number(length)
    else if (status >= 200 && status !== 204 && status !== 304 && !this.isChunked) this.bodyOctets = Infinity
  }

  private measureChunk(octets: Uint8Array, start: number, end: number): number {
    const newline = octets.indexOf(0x0a, start)
    if (newline < 0 || newline >= end) {
      if (end - start > 4096) throw new WireError('http', 0, 'a chunk without a length')
      return 0
    }
    const digits = /^([0-9a-fA-F]{1,8})[;\s]/.exec(latin1Text(octets.subarray(start, newline + 1)))?.[1]
    const length = digits === undefined ? -1 : parseInt(digits, 16)
    if (length < 0 || length > CHUNK_OCTETS_MAX) throw new WireError('http', 0, 'a chunk without a length')
    this.isChunked = length > 0
    this.is(CHUNK)
    return newline + 1 - start + length + 2
  }

  private findHeadEnd(octets: Uint8Array, start: number, end: number): number {
    let at = start + Math.max(0, this.searched - 3)
    for (at = octets.indexOf(0x0d, at); at >= 0 && at + 3 < end; at = octets.indexOf(0x0d, at + 1))
      if (octets[at + 1] === 0x0a && octets[at + 2] === 0x0d && octets[at + 3] === 0x0a) {
        this.searched = 0
        return at + 4
      }
    this.searched = end - start
    return -1
  }
}

export const httpProtocol: StreamProtocol = Object.freeze({
  columnName: 'HTTP',
  layer: httpFields.http,
  makeWalker: (): UnitWalker => new HttpWalker(),
  dissectUnit(dissection: Dissection, _walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    const { sink } = dissection
    sink.open(httpFields.http, start, end - start, null)
    if (unit.type === HEAD) putHead(dissection, start, end)
    else if (unit.type === BODY || unit.type === CHUNK) sink.field(httpFields.body, start, end - start, null)
    else dissectData(dissection, start, end)
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    const lines = units.map(({ first, head }) => {
      if (first.type === HEAD) return latin1Text(head).split('\r\n')[0] ?? ''
      return first.type === BODY ? 'body' : first.type === CHUNK ? 'chunk' : 'not read on'
    })
    return lines.join(', ')
  },
})

function putHead({ octets, sink }: Dissection, start: number, end: number): void {
  const lines = latin1Text(octets.subarray(start, end)).split('\r\n')
  const first = lines[0] ?? ''
  const request = /^([A-Z]+) (.*) (HTTP\/\S+)$/.exec(first)
  const response = /^(HTTP\/\S+) (\d{3}) ?(.*)$/.exec(first)
  if (request !== null) {
    const [, method = '', uri = '', version = ''] = request
    sink.open(httpFields.request, start, first.length, 1, first)
    sink.field(httpFields.method, start, method.length, method)
    sink.field(httpFields.uri, start + method.length + 1, uri.length, uri)
    sink.field(httpFields.requestVersion, start + first.length - version.length, version.length, version)
    sink.close()
  } else if (response !== null) {
    const [, version = '', code = '', phrase = ''] = response
    sink.open(httpFields.response, start, first.length, 1, first)
    sink.field(httpFields.responseVersion, start, version.length, version)
    sink.field(httpFields.code, start + version.length + 1, 3, Number(code))
    sink.field(httpFields.phrase, start + first.length - phrase.length, phrase.length, phrase)
    sink.close()
  }
  let at = start + first.length + 2
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) {
      const definition = named.get(line.slice(0, colon).toLowerCase())
      if (definition === undefined) sink.field(httpFields.header, at, line.length, line, line)
      else sink.field(definition, at, line.length, line.slice(colon + 1).trim(), line)
    }
    at += line.length + 2
  }
}
