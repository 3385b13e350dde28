import { describe, expect, test } from 'vitest'
import { defaultsOfImage, writeGuestParameters } from '../../../core/machine/guest-parameters.js'
import { GuestServer, type GuestClient } from '../../support/guest-server.js'

const request = (target: string, fields = '', method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nHost: guest\r\n${fields}\r\n`

/** Whether `text` ends with as many whole responses as `count`. */
const holdsResponses =
  (count: number) =>
  (text: string): boolean => {
    let at = 0
    for (let i = 0; i < count; i++) {
      const end = text.indexOf('\r\n\r\n', at)
      const length = /content-length: (\d+)/i.exec(text.slice(at, end))
      if (end < 0 || length === null) return false
      at = end + 4 + Number(length[1])
    }
    return text.length >= at
  }
const oneResponse = holdsResponses(1)
const bodyOf = (response: string): string => response.slice(response.indexOf('\r\n\r\n') + 4)
const counterOver = (client: GuestClient): number => Number(bodyOf(client.ask(request('/counter'), oneResponse)))

describe('the guest web', () => {
  test('counts visits, and knows by its cookie who comes back', () => {
    const web = new GuestServer('web')
    expect(web.console).toContain('web, a small HTTP server on port 80')
    const client = web.connect(80)
    const first = client.ask(request('/'), oneResponse)
    expect(first).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(first).toContain('Content-Type: text/html')
    const token = /Set-Cookie: session=([0-9a-f]{32});/.exec(first)?.[1]
    expect(token).toBeDefined()
    expect(bodyOf(first)).toContain('Visits of this page: 1<')
    client.ask(request('/'), oneResponse)
    const back = client.ask(request('/', `Cookie: theme=dark; session=${token}\r\n`), oneResponse)
    expect(back).not.toContain('Set-Cookie')
    expect(bodyOf(back)).toContain('Visits of this page: 3<')
    expect(bodyOf(back)).toContain('Yours: 2<')
    const stranger = client.ask(request('/', `Cookie: session=${'0'.repeat(32)}\r\n`), oneResponse)
    expect(stranger).toContain('Set-Cookie: session=')
    expect(Buffer.from(web.vm.machine.ram.octets.buffer).includes(token!)).toBe(true)
    web.type('stats\rsessions\r')
    expect(web.console).toMatch(/sessions +3\r\n/)
    expect(web.console).toContain(`${token}  2 visits`)
  })

  test('answers what it has, and says what it has not', () => {
    const web = new GuestServer('web')
    const statusOf = (text: string): string => {
      const client = web.connect(80)
      const answer = client.ask(text, oneResponse)
      return `${answer.slice(9, 12)}${client.hasEnded ? ' closed' : ''}`
    }
    const body = `Content-Length: 5\r\n\r\nhello${request('/health')}`
    expect(
      [
        request('/health'),
        request('/health?why=not'),
        request('http://guest/health'),
        request('/nothing'),
        request('/counter', '', 'POST'),
        request('/counter', 'Connection: close\r\n'),
        'GET /counter HTTP/1.0\r\n\r\n',
        'GET /counter HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n',
        'GET /counter HTTP/1.1\r\n\r\n',
        'GET /counter HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
        'GET /counter HTTP/2.0\r\nHost: a\r\n\r\n',
        'GET  /counter HTTP/1.1\r\nHost: a\r\n\r\n',
        'GET /counter HTTP/1.1\r\nHost : a\r\n\r\n',
        'GET /counter HTTP/1.1\r\n folded: a\r\n\r\n',
        'GET /counter HTTP/1.1\nHost: a\r\n\r\n',
        '\x16\x03\x01\x02\r\n\r\n',
        request('/counter', 'Transfer-Encoding: chunked\r\n'),
        request('/counter', 'Content-Length: 5, 5\r\n'),
        request('/counter', 'Content-Length: 99999999999999999999\r\n'),
        request('/counter', `Cookie: ${'a'.repeat(2100)}\r\n`),
      ].map(statusOf),
    ).toEqual([
      ...['200', '200', '200', '404', '405', '200 closed', '200 closed', '200'],
      ...['400 closed', '400 closed', '505 closed', '400 closed', '400 closed', '400 closed', '400 closed'],
      ...['400 closed', '501 closed', '400 closed', '413 closed', '431 closed'],
    ])
    const client = web.connect(80)
    const answers = client.ask(`POST /nothing HTTP/1.1\r\nHost: a\r\n${body}`, holdsResponses(2))
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200'])
    const head = client.ask(request('/health', '', 'HEAD'), (answer) => answer.endsWith('\r\n\r\n'))
    expect(head).toContain('Content-Length: 3')
  })

  test('takes requests in any pieces, and many at once', () => {
    const web = new GuestServer('web')
    const client = web.connect(80)
    for (const octet of request('/counter')) {
      client.send(octet)
      web.run(1e5)
    }
    expect(bodyOf(client.ask('', oneResponse))).toBe('1\n')
    const answers = client.ask(request('/counter').repeat(200), holdsResponses(200))
    expect(answers.match(/\r\n\r\n\d+/g)?.map(Number)).toEqual(Array.from({ length: 200 }, (_, i) => i + 2))
  })

  test('serves many connections at once, and closed ones leave nothing behind', () => {
    const web = new GuestServer('web')
    const heapInUse = (): string => {
      web.type('free\r')
      return /heap blocks +\d+/.exec(web.console.slice(web.console.lastIndexOf('free\r')))![0]
    }
    const before = heapInUse()
    const seen: number[] = []
    for (let round = 0; round < 3; round++) {
      const clients = Array.from({ length: 24 }, () => web.connect(80))
      for (const client of clients) client.send(request('/counter', round === 1 ? 'Connection: close\r\n' : ''))
      expect(web.runUntil(() => clients.every(({ received }) => oneResponse(received)))).toBe(true)
      seen.push(...clients.map((client) => Number(bodyOf(client.take()))))
      for (const [index, { stream }] of clients.entries()) {
        if (index % 3 === 0 && round !== 1) stream.abort()
        else stream.end()
      }
      web.run(5e8)
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 72 }, (_, i) => i + 1))
    expect(heapInUse()).toBe(before)
  })

  test('goes on where it was after a pause of several seconds in the middle of a response', () => {
    const web = new GuestServer('web')
    const client = web.connect(80)
    expect(counterOver(client)).toBe(1)
    client.send(request('/counter').repeat(150))
    web.runUntil(() => client.received.length > 3000)
    expect(holdsResponses(150)(client.received)).toBe(false)
    web.vm.pause('paused')
    web.run(7e9)
    web.vm.resume()
    const answers = client.ask('', holdsResponses(150), 30e9)
    expect(answers.match(/\r\n\r\n\d+/g)?.map(Number)).toEqual(Array.from({ length: 150 }, (_, i) => i + 2))
    expect(counterOver(client)).toBe(152)
    expect(client.failure).toBe('')
  })

  test('follows the rate of its workload while it runs, and sleeps when there is nothing to do', () => {
    const parameters = { ...defaultsOfImage('web'), workingSetPages: 64, pagesPerSecond: 0 }
    const web = new GuestServer('web', { parameters })
    const { ram } = web.vm.machine
    const instructionsOf10s = (): number => {
      const before = web.vm.instructions
      web.run(10e9)
      return web.vm.instructions - before
    }
    expect(instructionsOf10s()).toBeLessThan(10 * 20_000)
    const before = ram.octets.slice()
    writeGuestParameters(ram, { ...parameters, ip: web.address, pagesPerSecond: 1000 })
    web.run(1e9)
    const isChanged = (_: unknown, page: number): boolean =>
      Buffer.compare(
        before.subarray(4096 * page, 4096 * (page + 1)),
        ram.octets.subarray(4096 * page, 4096 * (page + 1)),
      ) !== 0
    expect(Array.from({ length: ram.octets.length / 4096 }, isChanged).filter(Boolean).length).toBeGreaterThanOrEqual(
      64,
    )
    writeGuestParameters(ram, { ...parameters, ip: web.address })
    web.run(1e9)
    expect(instructionsOf10s()).toBeLessThan(10 * 20_000)
  })
})
