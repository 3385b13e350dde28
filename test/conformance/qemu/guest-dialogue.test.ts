import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SHELL_B_DEFAULTS, SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { guestPassword, guestSecrets } from '../../../core/machine/guest-secrets.js'
import { Machine } from '../../../core/machine/machine.js'
import { GUEST_MAC, guestImage, MIB, RunningMachine } from '../../support/guest-machine.js'
import { QemuGuest, requireQemu } from '../../support/qemu-riscv32.js'

/** Counter lines come when they come, and the prompt and what was typed are shown again after them. */
const CLEAR_LINE = '\r\x1b[K'
const withoutTicks = (text: string): string =>
  text.replace(new RegExp(`${CLEAR_LINE.replace('[', '\\[')}\\[tick \\d+\\]\\r\\n[^\\r\\n]*?[#$] ?`, 'g'), '')

/** What is typed, and the prompt that ends the answer. */
function dialogue(host: string, password: string): [string, string][] {
  const alice = `alice@${host}:~$ `
  const root = `root@${host}:~# `
  const commands = [
    'tick off',
    'help',
    'whoami',
    'ps',
    'ls',
    'cat motd',
    'cat id.pem',
    'free',
    'net',
    'secrets',
    'keys',
  ]
  const more = [
    'set note two words',
    'get note',
    'get nothing',
    'work 32 500',
    'nonsense',
    'xy\b\b\x7fwhoami',
    '\x1b[A',
  ]
  const rootPassword = guestPassword(SHELL_DEFAULTS.seed, 'root')!
  const asRoot = ['cat id.pem', 'cat cards.csv', 'cat last-request.log', 'get db.url']
  return [
    ['', `${host} login: `],
    ['nobody\r', 'Password: '],
    ['guess\r', `Login incorrect\r\n\r\n${host} login: `],
    ['alice\r', 'Password: '],
    [`${password}\r`, alice],
    ...[...commands, ...more].map((command): [string, string] => [`${command}\r`, alice]),
    ['exit\r', `${host} login: `],
    ['root\r', 'Password: '],
    [`${rootPassword}\r`, root],
    ['tick off\r', root],
    ...asRoot.map((command): [string, string] => [`${command}\r`, root]),
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
    let transcript = ''
    for (const [typed, prompt] of dialogue(host, guestPassword(defaults.seed, 'alice')!)) {
      ours.type(typed)
      theirs.type(typed)
      const answer = withoutTicks(ours.expect(prompt))
      expect(withoutTicks(await theirs.expect(prompt))).toBe(answer)
      transcript += answer
    }
    // The dialogue went where it was meant to: the administrator was shown the truth.
    for (const { kind, value } of guestSecrets(defaults))
      if (kind === 'cookie' || value.startsWith('postgres')) expect(transcript).toContain(value)
    expect(transcript).toContain('cat: permission denied')
    expect(transcript).toContain('two words')

    ours.type('poweroff\r')
    theirs.type('poweroff\r')
    ours.run(1e8)
    expect(ours.machine.exit).toEqual({ kind: 'pass', code: 0 })
    expect(await theirs.ended()).toBe(0)
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
    const theirs = (qemu = new QemuGuest('shell', [{ protocol: 'udp', fromPort: port, toPort: 7 }]))
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
