import { afterEach, beforeAll, expect, test } from 'vitest'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import { encodeGuestParameters, GUEST_PARAMETERS_AT, STRESS_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { Machine } from '../../../core/machine/machine.js'
import { type Exchange, playBoth, powerOffBoth } from '../../support/guest-dialogue.js'
import { bootGuest, GUEST_MAC, guestImage, MIB, RunningMachine } from '../../support/guest-machine.js'
import { QemuGuest, requireQemu } from '../../support/qemu-riscv32.js'

const PROMPT = 'stress> '

let qemu: QemuGuest | null = null
beforeAll(requireQemu)
afterEach(() => qemu?.kill())

test('stress gives the same answers to the same dialogue in the emulator and in QEMU, and powers off', async () => {
  const parameters = { ...STRESS_DEFAULTS, tick: 'off', hotPages: 10, content: 'zeros' } as const
  const lines = [
    '',
    'help',
    'work',
    'work 100 2000',
    'work 99999999 99999999 99999999',
    'work 64 0 7',
    'hot 8 90',
    'hot 8 900',
    'hot 0 0',
    'content',
    'content zer\tos',
    'content text',
    'content gold',
    'tick on',
    'tick off',
    'st\t\b',
    'nonsense',
    '\x1b[A\x1b[A\x1b[A\x1b[A',
  ]
  const dialogue = lines.map((line): Exchange => [line === '' ? '' : `${line}\r`, PROMPT])
  const ours = bootGuest(parameters, { image: 'stress' })
  const theirs = (qemu = new QemuGuest('stress', { parameters }))
  // What was done so far depends on the time that passed: the numbers are left out.
  const stats = dialogue.findIndex(([typed]) => typed.startsWith('st'))
  let transcript = await playBoth(ours, theirs, dialogue.slice(0, stats))
  for (const guest of [ours, theirs]) guest.type('st\t\b\r')
  const said = [ours.expect(PROMPT), await theirs.expect(PROMPT)].map((text) => text.replace(/\d+/g, 'N'))
  expect(said[1]).toBe(said[0])
  expect(said[0]).toMatch(/stats.*visits +N\r\nof hot pages +N\r\nlast second +N\r\nfilled +N pages/s)
  transcript += await playBoth(ours, theirs, dialogue.slice(stats + 1))
  expect(transcript).toContain('hot pages       10')
  expect(transcript).toContain('each visit      4096 octets')
  await powerOffBoth(ours, theirs)
})

test('a guest that is told of 16 MiB finds out that there are 6', async () => {
  const parameters = { ...STRESS_DEFAULTS, tick: 'off', pagesPerSecond: 0 } as const
  const machine = new Machine({ ramOctets: 6 * MIB, nicMac: GUEST_MAC })
  machine.loadElf(guestImage('stress'))
  machine.ram.write(GUEST_PARAMETERS_AT - RAM_BASE, encodeGuestParameters(parameters, 16 * MIB))
  qemu = new QemuGuest('stress', { parameters, ramMib: 6 })
  const said = await playBoth(new RunningMachine(machine), qemu, [
    ['', PROMPT],
    ['work 99999999 0\r', PROMPT],
    ['stats\r', PROMPT],
  ])
  expect(said).toMatch(/working set +1472 pages\r\n[^]*memory +6144 KiB\r\n/)
})
