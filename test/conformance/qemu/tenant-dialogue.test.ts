import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type GuestParameters, TENANT_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { tenantSecrets } from '../../../core/machine/guest-secrets.js'
import { type Exchange, playBoth, powerOffBoth } from '../../support/guest-dialogue.js'
import { bootGuest, type RunningMachine } from '../../support/guest-machine.js'
import { QemuGuest, requireQemu } from '../../support/qemu-riscv32.js'

const PROMPT = 'B> '

let qemu: QemuGuest | null = null
beforeAll(requireQemu)
afterEach(() => qemu?.kill())

const both = (parameters: GuestParameters): [RunningMachine, QemuGuest] => [
  bootGuest(parameters, { image: 'tenant' }),
  (qemu = new QemuGuest('tenant', { parameters })),
]

/** Where the tenants' programs and data are, as `ps` says. */
const layout = (transcript: string): { a: number; b: number; end: number } => {
  const [a = 0, b = 0, , end = 0] = [...transcript.matchAll(/0x([0-9a-f]{8})/g)].map((match) => parseInt(match[1]!, 16))
  return { a, b, end }
}

const hex = (address: number): string => `0x${address.toString(16)}`

/** What tenant A's `sign` makes of a number: FNV-1a over its token. */
function signature(token: string, value: number): number {
  let hash = (0x811c_9dc5 ^ value) >>> 0
  for (const letter of token) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x0100_0193) >>> 0
  return hash
}

describe.each([
  ['a whole wall', false],
  ['a hole in the wall', true],
] as const)('tenant with %s', (_, hasIsolationFault) => {
  const parameters = { ...TENANT_DEFAULTS, tick: 'off', hasIsolationFault } as const
  const token = tenantSecrets(parameters)[0]!.value

  test('the same answers to the same dialogue in the emulator and in QEMU', async () => {
    const [ours, theirs] = both(parameters)
    const play = (...lines: string[]): Promise<string> =>
      playBoth(
        ours,
        theirs,
        lines.map((line): Exchange => [line === '' ? '' : `${line}\r`, PROMPT]),
      )
    const { a, b, end } = layout(await play('', 'ps'))
    expect(a).toBeLessThan(b)
    const ownWalls = [a - 4, end, 0x8000_0000, 0x1000_0000, 0x0200_bff8, 0x8100_0000, 0]
    const own = await play('help', 'where', `peek ${hex(b)} 64`, `peek ${hex(end - 20)} 32`, 'spin 1', 'what', 'peek')
    expect(own).toContain(`tenant B: load access fault at ${hex(end)}, refused`)

    const refused = await play(...ownWalls.flatMap((address) => [`peek ${hex(address)}`, `jump ${hex(address)}`]))
    expect(refused.match(/tenant B: load access fault at 0x[0-9a-f]{8}, refused/g)).toHaveLength(ownWalls.length)
    expect(refused.match(/tenant B: instruction access fault at 0x[0-9a-f]{8}, refused/g)).toHaveLength(ownWalls.length)
    // Its own data cannot be run, whole wall or not.
    expect(await play(`jump ${hex(end - 4096)}`)).toContain(
      `tenant B: instruction access fault at ${hex(end - 4096)}, refused`,
    )

    // A's data is the page before B's program; its program begins with the routine that signs with the token.
    const next = await play(`peek ${hex(b - 4096)} 160`, `jump ${hex(a)} 7`)
    const readable = [...next.matchAll(/ {2}(\S{16})\r\n/g)].map((row) => row[1]).join('')
    const signed = `it came back with 0x${signature(token, 7).toString(16).padStart(8, '0')}`
    if (hasIsolationFault) {
      expect(readable).toContain(token)
      expect(next).toContain(signed)
    } else {
      expect(next).toContain(`tenant B: load access fault at ${hex(b - 4096)}, refused`)
      expect(next).toContain(`tenant B: instruction access fault at ${hex(a)}, refused`)
      expect(next).not.toContain('tok_')
    }
    await powerOffBoth(ours, theirs)
  })
})

test('A goes on counting while B keeps the hart, and B can be begun again', async () => {
  const [ours, theirs] = both({ ...TENANT_DEFAULTS, tick: 'off' })
  for (const guest of [ours, theirs]) {
    await guest.expect(PROMPT)
    guest.type('tick on\rspin 99999999\r')
    // Two counter lines with no prompt between them: B has not come back.
    expect(await guest.expect(']\r\n[tick ')).toContain('spin 99999999\r\n')
    guest.type('restart\r')
    await guest.expect(PROMPT)
    guest.type('ps\r')
    expect(await guest.expect('reading')).toMatch(/tenant A .* asleep\r\ntenant B .* reading/)
  }
})
