import { describe, expect, test } from 'vitest'
import { RandomStream } from '../../../core/kernel/random.js'
import { defaultsOfImage, writeGuestParameters } from '../../../core/machine/guest-parameters.js'
import { GuestServer, type GuestClient } from '../../support/guest-server.js'

const quiet = { readsPerSecond: 0, writesPerSecond: 0, workingSetPages: 0 }
const command = (...words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`
/** Everything said until the PING after it is answered. */
const ask = (client: GuestClient, text: string): string =>
  client.ask(`${text}PING done\r\n`, (answer) => answer.endsWith('$4\r\ndone\r\n')).slice(0, -10)

function connected(parameters = {}): { kv: GuestServer; client: GuestClient } {
  const kv = new GuestServer('kv', { parameters: { ...quiet, ...parameters } })
  return { kv, client: kv.connect(6379) }
}
const numberAfter = (kv: GuestServer, line: string, label: string): number => {
  const before = kv.console.length
  kv.type(`${line}\r`)
  return Number(new RegExp(`${label} +(\\d+)`).exec(kv.console.slice(before))?.[1])
}

describe('the guest kv', () => {
  test('answers in RESP2 as Redis does', () => {
    const { client } = connected()
    const dialogue: readonly (readonly [string, string])[] = [
      [command('PING'), '+PONG\r\n'],
      [command('ping', 'a b'), bulk('a b')],
      [command('ECHO', 'x\r\ny'), bulk('x\r\ny')],
      [command('GET', 'none'), '$-1\r\n'],
      [command('SET', 'k', 'v'), '+OK\r\n'],
      [command('get', 'k'), bulk('v')],
      [command('SET', 'k', ''), '+OK\r\n'],
      [command('GET', 'k'), '$0\r\n\r\n'],
      [command('SET', 'k', 'v', 'EX', '1'), '-ERR syntax error\r\n'],
      [command('EXISTS', 'k', 'k', 'none'), ':2\r\n'],
      [command('INCR', 'n'), ':1\r\n'],
      [command('INCR', 'n'), ':2\r\n'],
      [command('SET', 'n', '-2') + command('INCR', 'n'), '+OK\r\n:-1\r\n'],
      [command('SET', 'n', '9223372036854775806') + command('INCR', 'n'), '+OK\r\n:9223372036854775807\r\n'],
      [command('INCR', 'n'), '-ERR increment or decrement would overflow\r\n'],
      [command('SET', 'n', '-9223372036854775808') + command('INCR', 'n'), '+OK\r\n:-9223372036854775807\r\n'],
      ...['9223372036854775808', ' 1', '01', '1.5', '', '-', '18446744073709551617'].map(
        (value) =>
          [
            command('SET', 'n', value) + command('INCR', 'n'),
            '+OK\r\n-ERR value is not an integer or out of range\r\n',
          ] as const,
      ),
      [command('DEL', 'n', 'k', 'k'), ':2\r\n'],
      [command('DBSIZE'), ':24\r\n'],
      [command('KEYS', 'c*omer:1*3*'), `*1\r\n${bulk('customer:13')}`],
      [command('KEYS', 'customer:7'), `*1\r\n${bulk('customer:7')}`],
      [command('KEYS', 'customer'), '*0\r\n'],
      [command('COMMAND', 'DOCS'), '*0\r\n'],
      [command('GET'), "-ERR wrong number of arguments for 'get' command\r\n"],
      [command('GET', 'a', 'b'), "-ERR wrong number of arguments for 'get' command\r\n"],
      [command('NOPE', 'a\nb', 'c'), "-ERR unknown command 'NOPE', with args beginning with: 'a b' 'c' \r\n"],
      ['set  k  "a b"\r\nget k\n\r\n', `+OK\r\n${bulk('a b')}`],
      ['*0\r\n*-1\r\n', ''],
    ]
    for (const [asked, answer] of dialogue) expect(ask(client, asked), asked).toBe(answer)
    const everything = ask(client, command('KEYS', '*'))
    expect(everything.match(/customer:\d+/g)).toHaveLength(24)
    expect(ask(client, command('INFO'))).toContain('db0:keys=25,expires=0')
    expect(ask(client, 'get customer:1\r\n')).toMatch(/name=[a-z]+\.[a-z]+ card=\d{16} expires=\d\d\/\d\d\r\n$/)
    client.send('QUIT\r\nPING\r\n')
    expect([client.ask('', () => client.hasEnded), client.failure]).toEqual(['+OK\r\n', ''])
  })

  test.each([
    ['*x\r\n', 'invalid multibulk length'],
    ['*65\r\n', 'invalid multibulk length'],
    ['*99999999999\r\n', 'invalid multibulk length'],
    ['*1\r\nPING\r\n', "expected '$', got 'P'"],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$2049\r\n', 'invalid bulk length'],
    ['*1\r\n$4x\r\n', 'invalid bulk length'],
    [`*${'1'.repeat(40)}`, 'too big mbulk count string'],
    [`*1\r\n$${'1'.repeat(40)}`, 'too big bulk count string'],
    [`*4\r\n${bulk('a'.repeat(2048))}$2048\r\n`, 'invalid bulk length'],
    ['a'.repeat(2100), 'too big inline request'],
    ['get "a\r\n', 'unbalanced quotes in request'],
    ['get "a"b\r\n', 'unbalanced quotes in request'],
  ])('says what is wrong with what is no request, and closes: %#', (sent, error) => {
    const { kv, client } = connected()
    expect(client.ask(sent, () => client.hasEnded)).toBe(`-ERR Protocol error: ${error}\r\n`)
    expect(ask(kv.connect(6379), 'PING\r\n')).toBe('+PONG\r\n')
  })

  test('keeps what it is given, whatever the order of writing and deleting, and gives its memory back', () => {
    const { kv, client } = connected()
    const random = new RandomStream('keys and values')
    const before = numberAfter(kv, 'free', 'heap blocks')
    const model = new Map<string, string>()
    for (let round = 0; round < 60; round++) {
      let asked = ''
      let expected = ''
      for (let i = 0; i < 20; i++) {
        const key = `key${random.below(120)}`
        const known = model.get(key)
        const choice = random.below(5)
        if (choice < 2) {
          const value = String.fromCharCode(97 + random.below(26)).repeat(random.below(1500))
          asked += command('SET', key, value)
          expected += '+OK\r\n'
          model.set(key, value)
        } else if (choice === 2) {
          asked += command('DEL', key)
          expected += `:${model.delete(key) ? 1 : 0}\r\n`
        } else {
          asked += command('GET', key)
          expected += known === undefined ? '$-1\r\n' : bulk(known)
        }
      }
      expect(ask(client, asked)).toBe(expected)
    }
    expect(ask(client, 'dbsize\r\n')).toBe(`:${24 + model.size}\r\n`)
    for (const [key, value] of model) expect(ask(client, command('GET', key))).toBe(bulk(value))
    for (const key of model.keys()) ask(client, command('DEL', key))
    client.stream.abort()
    kv.run(1e8)
    expect(numberAfter(kv, 'free', 'heap blocks')).toBe(before)
  })

  test('says so when its memory is full, and goes on with what it has', () => {
    const kv = new GuestServer('kv', { parameters: quiet, ramOctets: 1024 ** 2 })
    const client = kv.connect(6379)
    /** Store values of that length until it says that it is full; returns how many it took. */
    const fill = (length: number): number => {
      const [value, batch] = ['v'.repeat(length), 10]
      for (let stored = 0; ; stored += batch) {
        const keys = Array.from({ length: batch }, (_, i) => `k${stored + i}`)
        const answers = ask(client, keys.map((key) => command('SET', key, value)).join(''))
        const taken = answers.match(/\+OK/g)?.length ?? 0
        if (taken < batch) {
          expect(answers).toContain("-OOM command not allowed when used memory > 'maxmemory'.\r\n")
          return stored + taken
        }
      }
    }
    const empty = (count: number, order: 1 | -1): void => {
      const keys = Array.from({ length: count }, (_, i) => `k${order === 1 ? i : count - 1 - i}`)
      for (let i = 0; i < count; i += 32) ask(client, command('DEL', ...keys.slice(i, i + 32)))
      expect(ask(client, 'dbsize\r\n')).toBe(':24\r\n')
    }
    const large = fill(2000)
    expect(large).toBeGreaterThan(150)
    expect(ask(client, 'get k0\r\n')).toBe(bulk('v'.repeat(2000)))
    empty(large, 1)
    // What small values left behind is whole again, in whatever order they were taken away.
    for (const order of [1, -1] as const) {
      empty(fill(200), order)
      const again = fill(2000)
      expect(Math.abs(again - large)).toBeLessThan(0.03 * large)
      empty(again, order)
    }
  })

  test('puts itself under load at rates that may change while it runs', () => {
    const kv = new GuestServer('kv', { parameters: { readsPerSecond: 300, writesPerSecond: 100, workingSetPages: 32 } })
    const { ram } = kv.vm.machine
    const countsOver = (seconds: number): number[] => {
      const before = ['reads', 'writes'].map((kind) => numberAfter(kv, 'stats', `${kind} of the load`))
      kv.run(seconds * 1e9 - 2e8)
      return ['reads', 'writes'].map((kind, i) => numberAfter(kv, 'stats', `${kind} of the load`) - before[i]!)
    }
    const near = (rate: number): unknown => expect.toSatisfy((count: number) => Math.abs(count - 4 * rate) <= rate / 2)
    expect(countsOver(4)).toEqual([near(300), near(100)])
    expect(numberAfter(kv, 'stats', 'keys')).toBe(24 + 32 * 8)
    const told = { ...defaultsOfImage('kv'), ip: kv.address, workingSetPages: 32 }
    writeGuestParameters(ram, { ...told, readsPerSecond: 0, writesPerSecond: 1000 })
    kv.run(3e8)
    expect(countsOver(4)).toEqual([0, near(1000)])
    writeGuestParameters(ram, { ...told, readsPerSecond: 0, writesPerSecond: 0 })
    kv.run(3e8)
    const before = kv.vm.instructions
    kv.run(10e9)
    expect(kv.vm.instructions - before).toBeLessThan(10 * 20_000)
    expect(ask(kv.connect(6379), 'dbsize\r\n')).toBe(`:${24 + 32 * 8}\r\n`)
  })

  test('serves many clients at once', () => {
    const { kv } = connected()
    const clients = Array.from({ length: 20 }, () => kv.connect(6379))
    for (let round = 0; round < 5; round++) for (const client of clients) client.send('INCR shared\r\n')
    expect(kv.runUntil(() => clients.every(({ received }) => received.match(/:\d+/g)?.length === 5))).toBe(true)
    const numbers = clients.flatMap(({ received }) => received.match(/\d+/g)!.map(Number))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  })
})
