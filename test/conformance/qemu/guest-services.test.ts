import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { storeSecrets } from '../../../core/machine/store-secrets.js'
import { GuestServer } from '../../support/guest-server.js'
import { freePort, LocalConnection } from '../../support/local-connection.js'
import { QemuGuest, requireQemu } from '../../support/qemu-riscv32.js'

/** Fails the test with what to install when the tool is missing. */
function requireTool(tool: string, debianPackage: string): void {
  if (spawnSync(tool, ['--version']).status !== 0)
    throw new Error(`${tool} is missing: install Debian's package ${debianPackage}`)
}

let qemu: QemuGuest | null = null
const connections: LocalConnection[] = []
beforeAll(requireQemu)
afterEach(() => {
  for (const connection of connections.splice(0)) connection.close()
  qemu?.kill()
})

/** The image in QEMU, and a port of this machine that leads to its service. */
async function qemuService(image: 'web' | 'kv', toPort: number): Promise<{ guest: QemuGuest; port: number }> {
  const fromPort = await freePort()
  const guest = (qemu = new QemuGuest(image, { forwards: [{ protocol: 'tcp', fromPort, toPort }] }))
  await guest.expect(`${image}> `)
  return { guest, port: fromPort }
}

function connectTo(port: number): LocalConnection {
  const connection = new LocalConnection(port)
  connections.push(connection)
  return connection
}

const web = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: guest\r\n${fields}\r\n`
const holdsOneResponse = (text: string): boolean => {
  const [head, body] = text.split('\r\n\r\n')
  const length = Number(/content-length: (\d+)/i.exec(head ?? '')?.[1])
  return body !== undefined && body.length >= length
}

describe('web in QEMU, over its user network', () => {
  test('gives the answers it gives in the emulator, octet for octet', async () => {
    const { port } = await qemuService('web', 80)
    const ours = new GuestServer('web')
    const [theirClient, ourClient] = [connectTo(port), ours.connect(80)]
    const token = (text: string): string => /session=(\w+)/.exec(text)?.[1] ?? ''
    let cookie = ''
    const answers: string[] = []
    for (const request of [
      () => web('/'),
      () => web('/'),
      () => web('/', `Cookie: session=${cookie}\r\n`),
      () => web('/counter'),
      () => web('/counter?again'),
      () => web('/health'),
      () => web('/nothing'),
      () => web('/health').replace('GET', 'DELETE'),
      () => `${web('/nothing', 'Content-Length: 9\r\n')}GET / HTT`,
      () => web('/counter', `Cookie: ${'x'.repeat(3000)}\r\n`),
    ]) {
      const text = request()
      const answer = await theirClient.ask(text, holdsOneResponse)
      expect(answer).toBe(ourClient.ask(text, holdsOneResponse))
      if (answers.length === 0) cookie = token(answer)
      answers.push(answer.slice(9, 12))
    }
    expect(cookie).toMatch(/^[0-9a-f]{32}$/)
    expect(answers).toEqual(['200', '200', '200', '200', '200', '200', '404', '405', '404', '431'])
  })

  test("serves Node's HTTP client: one connection for many requests, and many connections at once", async () => {
    const { guest, port } = await qemuService('web', 80)
    const ask = (agent: Agent, path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, path, agent }, (response) => {
          let body = ''
          response.setEncoding('latin1').on('data', (part: string) => (body += part))
          response.on('end', () => resolve(`${response.statusCode} ${body}`))
        }).on('error', reject)
      })
    const one = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let count = 1; count <= 100; count++) expect(await ask(one, '/counter')).toBe(`200 ${count}\n`)
    const many = new Agent({ keepAlive: false, maxSockets: 2 })
    const counts = await Promise.all(Array.from({ length: 200 }, () => ask(many, '/counter')))
    expect(new Set(counts)).toEqual(new Set(Array.from({ length: 200 }, (_, i) => `200 ${101 + i}\n`)))
    expect(await ask(one, '/')).toContain('Visits of this page: 1<')
    one.destroy()
    many.destroy()
    guest.type('stats\r')
    expect((await guest.expect('sessions ')).replace(/ +/g, ' ')).toContain('requests 301\r\n')
    guest.type('poweroff\r')
    expect(await guest.ended()).toBe(0)
  })

  test('serves curl, which keeps its connection and its cookie', async () => {
    requireTool('curl', 'curl')
    const { port } = await qemuService('web', 80)
    const url = `http://127.0.0.1:${port}/`
    const args = ['-sv', '--max-time', '20', '-c', '-', url, `${url}counter`, url]
    const curl = spawn('curl', args)
    let said = ''
    for (const stream of [curl.stdout, curl.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()))
    const [status] = (await once(curl, 'close')) as [number]
    expect(status).toBe(0)
    expect(said).toContain('Yours: 2<')
    expect(said).toContain('Re-using existing connection')
  })
})

const command = (...words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`

describe('kv in QEMU, over its user network', () => {
  test('gives the answers it gives in the emulator, octet for octet', async () => {
    const { guest, port } = await qemuService('kv', 6379)
    const ours = new GuestServer('kv')
    const [theirClient, ourClient] = [connectTo(port), ours.connect(6379)]
    const isWhole = (text: string): boolean => text.endsWith('$3\r\nend\r\n')
    let transcript = ''
    for (const asked of [
      'PING\r\n',
      command('ECHO', 'two\r\nlines'),
      command('SET', 'k', 'v'.repeat(2000)) + command('GET', 'k'),
      command('INCR', 'k') + command('INCR', 'n').repeat(300),
      'EXISTS n k nothing\r\nDEL n k\r\nDBSIZE\r\n',
      ...Array.from({ length: 24 }, (_, i) => `GET customer:${i + 1}\r\n`),
      command('KEYS', 'customer:*1'),
      'NOPE a "b c"\r\nGET\r\nSET a b c\r\nCOMMAND\r\n',
    ]) {
      const answer = await theirClient.ask(`${asked}ECHO end\r\n`, isWhole)
      expect(answer).toBe(ourClient.ask(`${asked}ECHO end\r\n`, isWhole))
      transcript += answer
    }
    for (const { value } of storeSecrets(SHELL_DEFAULTS)) expect(transcript).toContain(value)
    expect(await theirClient.ask('*1\r\nPING\r\n', () => false)).toBe("-ERR Protocol error: expected '$', got 'P'\r\n")
    guest.type('stats\r')
    expect(await guest.expect('writes of the load')).toMatch(/keys +536\r\n/)
  })

  test('answers many clients at once while its load goes on', async () => {
    const { port } = await qemuService('kv', 6379)
    const clients: LocalConnection[] = []
    for (let i = 0; i < 20; i++) {
      // One after another: QEMU's user network lets only one wait at its forwarded port.
      const client = connectTo(port)
      expect(await client.ask('PING\r\n', (text) => text.endsWith('\n'))).toBe('+PONG\r\n')
      clients.push(client)
    }
    const count = (text: string): number => text.match(/:\d+\r\n/g)?.length ?? 0
    const answers = await Promise.all(
      clients.map((client) => client.ask(command('INCR', 'shared').repeat(20), (text) => count(text) === 20)),
    )
    const numbers = answers.flatMap((answer) => answer.match(/\d+/g)!.map(Number))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1))
    const another = connectTo(port)
    const loadWrites = async (): Promise<number> => {
      const info = await another.ask('INFO\r\nECHO end\r\n', (text) => text.endsWith('$3\r\nend\r\n'))
      return Number(/load_writes:(\d+)/.exec(info)?.[1])
    }
    // It goes on for as long as somebody looks.
    let writes = 0
    do writes = await loadWrites()
    while (writes < 5)
    expect(writes).toBeGreaterThanOrEqual(5)
  })

  test('understands redis-cli', async () => {
    requireTool('redis-cli', 'redis-tools')
    const { port } = await qemuService('kv', 6379)
    const cli = spawn('redis-cli', ['-p', String(port), 'incr', 'n'])
    let said = ''
    cli.stdout.on('data', (part: Buffer) => (said += part.toString()))
    await once(cli, 'close')
    expect(said.trim()).toBe('1')
  })
})
