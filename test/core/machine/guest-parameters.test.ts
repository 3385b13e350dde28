/** What a guest makes of what it is told, however absurd. */
import { describe, expect, it } from 'vitest'
import { writeU32le } from '../../../core/base/octets.js'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import { defaultsOfImage, encodeGuestParameters, GUEST_PARAMETERS_AT } from '../../../core/machine/guest-parameters.js'
import { Machine } from '../../../core/machine/machine.js'
import { GUEST_MAC, guestImage, MIB, RunningMachine, type GuestImage } from '../../support/guest-machine.js'

const prompts: readonly (readonly [GuestImage, string])[] = [
  ...([['shell', 'login: '] as const, ['shell-b', 'login: '] as const, ['web', 'web> '] as const] as const),
  ...([['kv', 'kv> '] as const, ['stress', 'stress> '] as const, ['tenant', 'B> '] as const] as const),
]

/** A guest that finds that block, or none. */
function guestTold(image: GuestImage, ramOctets: number, block: Uint8Array | null): RunningMachine {
  const machine = new Machine({ ramOctets, nicMac: GUEST_MAC })
  machine.loadElf(guestImage(image))
  if (block !== null) machine.ram.write(GUEST_PARAMETERS_AT - RAM_BASE, block)
  return new RunningMachine(machine)
}

/** The block that says `word` of everything but the magic number and the address. */
function absurdBlock(image: GuestImage, word: number): Uint8Array {
  const block = encodeGuestParameters(defaultsOfImage(image), 0)
  for (let at = 4; at < block.length; at += 4) if (at !== 20) writeU32le(block, at, word)
  return block
}

describe.each(prompts)('%s', (image, prompt) => {
  it.each([0, 1, 0x8000_0000, 0xffff_ffff])('starts, and answers, when every word of its block is %i', (word) => {
    const guest = guestTold(image, 2 * MIB, absurdBlock(image, word))
    guest.expect(prompt)
    guest.type('help\r')
    guest.run(0.3e9)
    const said = guest.expect('help\r\n')
    expect(said).toMatch(/(: |[>$] )$/)
    expect(said).not.toContain('panic')
  })

  it('starts on the smallest RAM without being told of it', () => {
    const guest = guestTold(image, MIB, null)
    expect(guest.expect(prompt)).not.toContain('panic')
  })
})

describe('RAM', () => {
  it.each([
    [MIB, 16 * MIB, 1024],
    [3 * MIB, 16 * MIB, 3072],
    [4 * MIB, 0xffff_f000, 4096],
    [4 * MIB, 2 * MIB, 2048],
    [4 * MIB, 0, 1024],
  ])('of %i octets, told of as %i, is taken for %i KiB', (ramOctets, told, kibibytes) => {
    const guest = guestTold('stress', ramOctets, encodeGuestParameters(defaultsOfImage('stress'), told))
    guest.expect('stress> ')
    guest.type('stats\r')
    expect(guest.expect('stress> ')).toMatch(new RegExp(`memory +${kibibytes} KiB\r\n`))
  })

  it('is not told of again while a guest runs: its working set stays inside', () => {
    const guest = guestTold('stress', MIB, encodeGuestParameters(defaultsOfImage('stress'), MIB))
    guest.expect('stress> ')
    const { ram } = guest.machine
    ram.write(GUEST_PARAMETERS_AT - RAM_BASE, absurdBlock('stress', 0xffff_ffff))
    guest.run(0.5e9)
    guest.type('work\r')
    const said = guest.expect('content')
    expect(said).toMatch(/working set +192 pages\r\nrate +1000000 pages\/s\r\neach visit +4096 octets/)
    expect(said).not.toContain('panic')
  })
})

describe('a heavy load', () => {
  it.each(['shell', 'web', 'stress'] as const)('leaves the console of %s alive', (image) => {
    const heavy = { ...defaultsOfImage(image), workingSetPages: 128, pagesPerSecond: 1e6, octetsPerPage: 4096 }
    const guest = guestTold(image, 2 * MIB, encodeGuestParameters({ ...heavy, content: 'text' }, 2 * MIB))
    guest.expect(prompts.find(([name]) => name === image)![1])
    guest.run(0.3e9)
    guest.type('x')
    guest.run(20e6)
    expect(guest.expect('')).toContain('x')
  })
})
