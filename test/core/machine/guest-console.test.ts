/** How a guest behaves at its console and how little it costs: what a person at the keyboard would notice. */
import { describe, expect, it } from 'vitest'
import { guestPassword } from '../../../core/machine/guest-secrets.js'
import { SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { bootGuest, type GuestImage, type RunningMachine } from '../../support/guest-machine.js'

const prompts: Readonly<Record<GuestImage, string>> = {
  shell: 'login: ',
  'shell-b': 'login: ',
  stress: 'stress> ',
  tenant: 'B> ',
}
const images = Object.keys(prompts) as GuestImage[]

function booted(image: GuestImage, pagesPerSecond = 0): RunningMachine {
  const guest = bootGuest({ tick: 'off', pagesPerSecond }, { image })
  guest.expect(prompts[image])
  return guest
}

/** Instructions that `guest` runs in `seconds`. */
function instructionsIn(guest: RunningMachine, seconds: number): number {
  const before = guest.machine.instructionsRetired
  guest.run(seconds * 1e9)
  return Number(guest.machine.instructionsRetired - before)
}

describe.each(images)('the console of %s', (image) => {
  it('echoes a character within two slices, at rest and at work', () => {
    for (const pagesPerSecond of [0, 5000]) {
      const guest = booted(image, pagesPerSecond)
      guest.run(123_450_000)
      for (const character of 'echo') {
        guest.type(character)
        guest.run(100_000)
        expect(guest.expect(character), `${pagesPerSecond} pages a second`).toContain(character)
      }
    }
  })

  it('costs next to nothing while nobody asks anything of it', () => {
    const guest = booted(image)
    guest.run(1e9)
    expect(instructionsIn(guest, 5)).toBeLessThan(5 * 4000)
  })
})

describe('the line editor of shell', () => {
  const loggedIn = (): RunningMachine => {
    const guest = booted('shell')
    guest.type('alice\r')
    guest.expect('Password: ')
    guest.type(`${guestPassword(SHELL_DEFAULTS.seed, 'alice')}\r`)
    guest.expect('alice@midstream:~$ ')
    return guest
  }
  const says = (guest: RunningMachine, typed: string): string => {
    guest.type(typed)
    guest.run(5e6)
    return guest.expect('')
  }

  it('echoes what is put in the middle of a line with what follows, and steps back', () => {
    const guest = loggedIn()
    expect(says(guest, 'whami')).toBe('whami')
    expect(says(guest, '\x1b[D\x1b[D\x1b[D')).toBe('\b\b\b')
    expect(says(guest, 'o')).toBe('oami\x1b[K\x1b[3D')
    expect(says(guest, '\x01')).toBe('\x1b[3D')
    expect(says(guest, '\x05')).toBe('whoami')
  })

  it('keeps no password, no line twice, and sixteen lines', () => {
    const guest = loggedIn()
    expect(says(guest, '\x1b[A')).toBe('')
    for (let i = 0; i < 20; i++) says(guest, `get ${i}\rget ${i}\r`)
    let line = ''
    for (let i = 0; i < 40; i++) line = says(guest, '\x1b[A') || line
    expect(line).toContain('get 4\x1b[K')
    says(guest, `${'\x1b[B'.repeat(40)}who`)
    expect(says(guest, '\x1b[A')).toContain('get 19')
    expect(says(guest, '\x1b[B')).toContain('who')
  })

  it('shows nothing of a password, whatever keys are used on it', () => {
    const guest = booted('shell')
    guest.type('alice\r')
    guest.expect('Password: ')
    expect(says(guest, 'secret\x1b[D\x1b[D\x7fx\x01\x0b\t\x1b[A\x10\x17abc\x02\x04')).toBe('')
  })

  it('takes a line that is too long without harm', () => {
    const guest = loggedIn()
    says(guest, `${'x'.repeat(500)}\x01whoami `)
    expect(says(guest, '\r')).toContain('not a command')
    expect(says(guest, 'whoami\r')).toContain('alice uid 1000')
  })
})
