import { describe, expect, test } from 'vitest'
import { RandomStream } from '../../../core/kernel/random.js'
import { GuestServer } from '../../support/guest-server.js'

/** Good requests of each service, to be cut, doubled and damaged. */
const requests = {
  web: [
    'GET / HTTP/1.1\r\nHost: guest\r\nCookie: a=b; session=0123456789abcdef0123456789abcdef\r\n\r\n',
    'POST /counter HTTP/1.1\r\nHost: guest\r\nContent-Length: 10\r\n\r\n0123456789',
    'HEAD http://guest/health?x=y HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n',
  ],
  kv: [
    '*3\r\n$3\r\nSET\r\n$5\r\nhello\r\n$5\r\nworld\r\n',
    '*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*2\r\n$3\r\nGET\r\n$10\r\ncustomer:1\r\n',
    'set "a b" c\r\nkeys *a*\r\ninfo\r\ndel a b c\r\n*1\r\n$6\r\nDBSIZE\r\n',
  ],
} as const

const proofs = {
  web: { port: 80, request: 'GET /health HTTP/1.1\r\nHost: guest\r\n\r\n', answer: /^HTTP\/1\.1 200 OK[^]*ok\n$/ },
  kv: { port: 6379, request: 'PING\r\n', answer: /^\+PONG\r\n$/ },
} as const

describe.each(['web', 'kv'] as const)('clients that send what they like to %s', (image) => {
  test.each([1, 2])('are answered or shut out, and others are served as before: %i', (round) => {
    const random = new RandomStream(`hostile clients ${image} ${round}`)
    const server = new GuestServer(image, { parameters: { workingSetPages: 0, readsPerSecond: 0 } })
    const { port, request, answer } = proofs[image]
    for (let i = 0; i < 30; i++) {
      const clients = Array.from({ length: 6 }, () => server.connect(port))
      for (const client of clients) {
        const good = requests[image]
        let text = Array.from({ length: 1 + random.below(4) }, () => good[random.below(good.length)]!).join('')
        for (let damage = random.below(6); damage > 0; damage--) {
          const at = random.below(text.length)
          const noise = String.fromCharCode(...random.octets(random.below(3) === 0 ? random.below(3000) : 1))
          text = text.slice(0, at) + noise + text.slice(at + random.below(8))
        }
        client.send(text)
        client.isReading = random.below(4) > 0
      }
      server.run(2e6)
      for (const { stream } of clients)
        if (random.below(3) === 0) stream.abort()
        else stream.end()
    }
    server.run(1e9)
    expect(server.connect(port).ask(request, (text) => answer.test(text))).toMatch(answer)
    expect(server.vm.state).toBe('running')
    // Every connection is over and forgotten, but for the one that asked last.
    server.run(130e9)
    server.type('net\r')
    const shown = server.console.slice(server.console.lastIndexOf('net\r'))
    expect(shown.match(/ESTABLISHED|CLOSE-WAIT|FIN-WAIT|LAST-ACK|TIME-WAIT|CLOSING|SYN/g)).toEqual(['ESTABLISHED'])
  })
})
