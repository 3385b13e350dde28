import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { latin1Octets } from '../../../../core/base/octets.js'
import { HttpQuestion } from '../../../../core/session/probes/http-question.js'
import type { Question } from '../../../../core/session/probes/question.js'
import { RespQuestion } from '../../../../core/session/probes/resp-question.js'

const http = new HttpQuestion()
const resp = new RespQuestion()
const head = (length: string, status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\n${length}Connection: keep-alive\r\n\r\n`

describe('questions of the probes', () => {
  it.each<[Question, string, number | null]>([
    [http, `${head('Content-Length: 3\r\n')}17\n`, 17],
    [http, `${head('content-length:2\r\n')}17`, 17],
    [http, `${head('Content-Length: 0\r\n')}`, null],
    [http, `${head('Content-Length: 4\r\n')}many`, null],
    [http, `${head('Content-Length: 2\r\n', '404 Not Found')}17`, null],
    [resp, ':17\r\n', 17],
    [resp, '-ERR value is not an integer or out of range\r\n', null],
  ])('an answer is read when it is whole, and not before: %#', (question, text, value) => {
    const octets = latin1Octets(`${text}more`)
    expect(question.read(octets)).toEqual({ length: text.length, value })
    for (let length = 0; length < text.length; length++) expect(question.read(octets.subarray(0, length))).toBeNull()
  })

  it.each<[Question, string]>([
    [http, 'SSH-2.0-OpenSSH\r\n\r\n'],
    [http, head('')],
    [http, head('Content-Length: 70000\r\n')],
    [http, head('Content-Length: 1234567\r\n')],
    [http, 'x'.repeat(4096)],
    [resp, '+PONG\r\n'],
    [resp, `:${'1'.repeat(511)}`],
  ])('refuses what is no answer: %#', (question, text) => {
    expect(() => question.read(latin1Octets(text))).toThrow(WireError)
  })

  it('a visitor of the web server comes in by its page, and shows the cookie it was given from then on', () => {
    const visitor = new HttpQuestion()
    expect(visitor.request(true)).toMatch(/^GET \/ HTTP\/1\.1\r\nHost: guest\r\nUser-Agent: [a-z-]+\r\n\r\n$/)
    const page = `${head('Content-Length: 2\r\nSet-Cookie: session=0123456789abcdef; Path=/; HttpOnly\r\n')}hi`
    expect(visitor.read(latin1Octets(page.slice(0, -1)))).toBeNull()
    expect(visitor.request(false)).not.toContain('Cookie')
    expect(visitor.read(latin1Octets(page))).toEqual({ length: page.length, value: null })
    expect(visitor.request(false)).toMatch(/^GET \/counter .*\r\nCookie: session=0123456789abcdef\r\n\r\n$/s)
    visitor.read(latin1Octets(`${head('Content-Length: 2\r\n')}17`))
    expect(visitor.request(true)).toMatch(/^GET \/ .*\r\nCookie: session=0123456789abcdef\r\n\r\n$/s)
  })

  it.each(['session=', 'session=\x01', `session=${'a'.repeat(65)}`, 'other=0123456789abcdef'])(
    'a cookie that is none of ours is not shown: %j',
    (cookie) => {
      const visitor = new HttpQuestion()
      visitor.read(latin1Octets(`${head(`Content-Length: 0\r\nSet-Cookie: ${cookie}\r\n`)}`))
      expect(visitor.request(false)).not.toContain('Cookie')
    },
  )

  it('any octets give an answer, nothing yet, or a WireError', () => {
    fc.assert(
      fc.property(fc.constantFrom<Question>(http, resp), fc.uint8Array({ maxLength: 200 }), (question, octets) => {
        try {
          const answer = question.read(octets)
          if (answer !== null) expect(answer.length).toBeLessThanOrEqual(octets.length)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })
})
