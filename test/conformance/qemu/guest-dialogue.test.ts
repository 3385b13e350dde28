import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SHELL_B_DEFAULTS, SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { guestPassword, guestSecrets } from '../../../core/machine/guest-secrets.js'
import { Machine } from '../../../core/machine/machine.js'
import { GUEST_MAC, guestImage, MIB, RunningMachine } from '../../support/guest-machine.js'
import { CLEAR_LINE, type Exchange, playBoth, powerOffBoth, withoutTicks } from '../../support/guest-dialogue.js'
import { QemuGuest, requireQemu } from '../../support/qemu-riscv32.js'

/** Keys as a terminal sends them. */
const LEFT = '\x1b[D'
const RIGHT = '\x1b[C'
const UP = '\x1b[A'
const DOWN = '\x1b[B'
const HOME = '\x1b[H'
const HOME_VT = '\x1b[1~'
const END_APPLICATION = '\x1bOF'
const END = '\x1b[4~'
const DELETE = '\x1b[3~'
const control = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) & 31)

/** Each line comes to `whoami` or to nothing, whatever is typed on the way. */
const editedLines = [
  'xy\b\b\x7fwhoami',
  `oami${HOME}wh`,
  `oami${HOME_VT}wh${END_APPLICATION}`,
  `whomi${LEFT}${LEFT}a${END}`,
  `whoXami${control('B')}${control('B')}${control('B')}${LEFT}${DELETE}${control('E')}`,
  `whoXami${control('A')}${RIGHT}${control('F')}${RIGHT}${control('D')}`,
  `whoami now and then${control('A')}${RIGHT.repeat(6)}${control('K')}`,
  `away with this ${control('U')}whoami`,
  `whoami too long${control('W')}${control('W')}${control('W')}who${control('I')}`,
  `wh${control('I')}`,
  `secret no${control('C')}whoami`,
  `who${control('L')}ami`,
  UP,
  control('P'),
  `help me${UP}${UP}${DOWN}${DOWN}${control('U')}whoami`,
  `${control('P')}${control('P')}${control('N')}`,
  `\x1b[1;5Cwho\x1b[15~ami\x1bx`,
]

function dialogue(host: string, password: string, rootPassword: string): Exchange[] {
  const alice = `alice@${host}:~$ `
  const root = `root@${host}:~# `
  const line = (prompt: string) => (typed: string) => [`${typed}\r`, prompt] as const
  const commands = ['help', 'whoami', 'ps', 'ls', 'cat motd', 'cat id.pem', 'free', 'net', 'secrets', 'keys', 'people']
  const more = ['people an', 'people Zz', 'set note two words', 'get note', 'get nothing', 'work 32 500', 'nonsense']
  const asRoot = ['tick off', 'cat shadow', 'cat id.pem', 'cat cards.csv', 'cat last-request.log', 'get db.url']
  return [
    ['', `${host} login: `],
    ['nobody\r', 'Password: '],
    ['guess\r', `Login incorrect\r\n\r\n${host} login: `],
    // What is typed is edited unseen: the last letter of the password is taken back and typed again.
    [`alicia\b\b${LEFT}${RIGHT}e\r`, 'Password: '],
    [`${password}x\b\r`, alice],
    // What was typed before this login is not in the history.
    [`${UP}tick off\r`, alice],
    ...[...commands, ...more].map(line(alice)),
    ...editedLines.map(line(`alice uid 1000\r\n${alice}`)),
    [control('I'), alice],
    [control('D'), `${host} login: `],
    ['root\r', 'Password: '],
    [`${rootPassword}\r`, root],
    ...asRoot.map(line(root)),
  ]
}

let qemu: QemuGuest | null = null
beforeAll(requireQemu)
afterEach(() => qemu?.kill())

function ourGuest(image: 'shell' | 'shell-b'): RunningMachine {
  const machine = new Machine({ ramOctets: 16 * MIB, nicMac: GUEST_MAC })
  machine.loadElf(guestImage(image))
  return new RunningMachine(machine)
}

describe('the same image in the emulator and in QEMU', () => {
  test.each([
    ['shell', 'midstream', SHELL_DEFAULTS],
    ['shell-b', 'harbour', SHELL_B_DEFAULTS],
  ] as const)('%s gives the same answers to the same dialogue, and powers off', async (image, host, defaults) => {
    const ours = ourGuest(image)
    const theirs = (qemu = new QemuGuest(image))
    const passwords = ['alice', 'root'].map((user) => guestPassword(defaults.seed, user)!)
    const transcript = await playBoth(ours, theirs, dialogue(host, passwords[0]!, passwords[1]!))
    // The dialogue went where it was meant to: the administrator was shown the truth.
    for (const { kind, value } of guestSecrets(defaults))
      if (kind === 'cookie' || kind === 'password-hash' || value.startsWith('postgres'))
        expect(transcript).toContain(value)
    expect(transcript).toContain('cat: permission denied')
    expect(transcript).toContain('two words')
    expect(transcript.match(/alice uid 1000/g)).toHaveLength(editedLines.length + 1)
    for (const password of passwords) expect(transcript).not.toContain(password)
    await powerOffBoth(ours, theirs)
  })

  test('in QEMU the date is the day it is', async () => {
    const theirs = (qemu = new QemuGuest('shell'))
    for (const [typed, answer] of [
      ['', 'login: '],
      ['bob\r', 'Password: '],
      [`${guestPassword(SHELL_DEFAULTS.seed, 'bob')!}\r`, '$ '],
      ['date\r', ' UTC '],
    ] as const) {
      theirs.type(typed)
      const said = await theirs.expect(answer)
      if (typed !== 'date\r') continue
      const shown = Date.parse(`${/\w{3} \w{3} \d\d [\d:]{8} UTC/.exec(said)![0]} ${new Date().getUTCFullYear()}`)
      expect(Math.abs(shown - Date.now())).toBeLessThan(24 * 3600 * 1000)
    }
  })

  test('the guest counts its seconds on the console without spoiling what is being typed', async () => {
    const ours = ourGuest('shell')
    const theirs = (qemu = new QemuGuest('shell'))
    const password = guestPassword(SHELL_DEFAULTS.seed, 'bob')!
    const said: string[] = []
    for (const guest of [ours, theirs]) {
      for (const [typed, answer] of [
        ['', 'login: '],
        ['bob\r', 'Password: '],
        [`${password}\r`, '$ '],
      ] as const) {
        guest.type(typed)
        await guest.expect(answer)
      }
      guest.type('who')
      await guest.expect('who')
      const line = (await guest.expect('$ who')).replace(/\d+/, 'N')
      guest.type('ami\r')
      said.push(line + withoutTicks(await guest.expect('uid 1001')))
    }
    expect(said[0]).toContain(`${CLEAR_LINE}[tick N]\r\nbob@midstream:~$ who`)
    expect(said[1]).toBe(said[0])
  })

  test("the guest's own network driver answers UDP echo through QEMU's network device", async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const port = await freeUdpPort()
    const forwards = [{ protocol: 'udp', fromPort: port, toPort: 7 }] as const
    const theirs = (qemu = new QemuGuest('shell', { forwards }))
    await theirs.expect('login: ')
    const answer = new Promise<string>((resolve) => socket.once('message', (octets) => resolve(octets.toString())))
    const repeat = setInterval(() => socket.send('hello, guest', port, '127.0.0.1'), 200)
    expect(await answer).toBe('hello, guest')
    clearInterval(repeat)
    socket.close()
  })
})

async function freeUdpPort(): Promise<number> {
  const probe = createSocket('udp4')
  probe.bind(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}
