/** How a guest behaves at its console and how little it costs: what a person at the keyboard would notice. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guestPassword } from '../../../core/machine/guest-secrets.js'
import { SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { RTC_EPOCH_NS } from '../../../core/machine/rtc.js'
import { bootGuest, type GuestImage, type RunningMachine } from '../../support/guest-machine.js'
import { SmallScreen } from '../../support/small-screen.js'

const prompts: Readonly<Record<GuestImage, string>> = {
  shell: 'login: ',
  'shell-b': 'login: ',
  web: 'web> ',
  kv: 'kv> ',
  stress: 'stress> ',
  tenant: 'B> ',
}
const PROMPT = 'alice@midstream:~$ '
/** Characters that a line has room for (runtime/terminal.h). */
const LINE_MAX = 127
const images = Object.keys(prompts) as GuestImage[]

function booted(image: GuestImage, pagesPerSecond = 0): RunningMachine {
  const guest = bootGuest({ tick: 'off', pagesPerSecond, readsPerSecond: 0, writesPerSecond: 0 }, { image })
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
    // Servers also look after their connections each time they wake.
    expect(instructionsIn(guest, 5)).toBeLessThan(5 * (image === 'web' || image === 'kv' ? 12_000 : 4000))
  })
})

function loggedIn(): RunningMachine {
  const guest = booted('shell')
  guest.type('alice\r')
  guest.expect('Password: ')
  guest.type(`${guestPassword(SHELL_DEFAULTS.seed, 'alice')}\r`)
  guest.expect(PROMPT)
  return guest
}

describe('the date', () => {
  it.each([
    '1970-01-01T00:00:00Z',
    '2000-02-29T23:59:59Z',
    '2026-12-31T12:34:56Z',
    '2100-02-28T00:00:01Z',
    '2100-03-01T09:08:07Z',
    '2400-02-29T01:02:03Z',
  ])('%s', (date) => {
    const guest = loggedIn()
    const rtc = guest.machine.devices.find(({ stateDescription }) => stateDescription.idstr === 'goldfish_rtc')!
    const tickOffset = BigInt(Date.parse(date)) * 1_000_000n - RTC_EPOCH_NS - BigInt(guest.nowNs)
    rtc.loadState({ ...rtc.saveState(), tick_offset: BigInt.asUintN(64, tickOffset) })
    guest.type('date\r')
    // Thu, 01 Jan 1970 00:00:00 GMT becomes Thu Jan 01 00:00:00 UTC 1970.
    const [weekday, day, month, year, time] = new Date(date).toUTCString().replace(',', '').split(' ')
    expect(guest.expect(PROMPT)).toContain(`${weekday} ${month} ${day} ${time} UTC ${year}\r\n`)
  })
})

describe('the line editor of shell', () => {
  const says = (guest: RunningMachine, typed: string): string => {
    guest.type(typed)
    guest.run(5e6)
    return guest.expect('')
  }

  it('echoes what is put in the middle of a line with what follows, and steps back', () => {
    const guest = loggedIn()
    expect(says(guest, 'whami')).toBe('whami')
    expect(says(guest, '\x1b[D\x1b[D\x1b[D')).toBe('\b\b\b')
    expect(says(guest, 'o')).toBe('oami\x1b[J\b\b\b')
    expect(says(guest, '\x01')).toBe('\b\b\b')
    expect(says(guest, '\x05')).toBe('whoami')
  })

  it('shows the line and its cursor as they are, in a terminal narrower than the line, whatever is typed', () => {
    const keys: Readonly<Record<string, (line: string, at: number) => readonly [line: string, at: number]>> = {
      '\x1b[D': (line, at) => [line, Math.max(0, at - 1)],
      '\x1b[C': (line, at) => [line, Math.min(line.length, at + 1)],
      '\x1b[H': (line) => [line, 0],
      '\x1bOF': (line) => [line, line.length],
      '\x7f': (line, at) => (at === 0 ? [line, 0] : [line.slice(0, at - 1) + line.slice(at), at - 1]),
      '\x1b[3~': (line, at) => [line.slice(0, at) + line.slice(at + 1), at],
      '\x0b': (line, at) => [line.slice(0, at), at],
      '\x0c': (line, at) => [line, at],
      '\x17': (line, at) => {
        const kept = line.slice(0, at).replace(/[^ ]* *$/, '')
        return [kept + line.slice(at), kept.length]
      },
    }
    const guest = loggedIn()
    const word = fc.constantFrom('a', 'be', ' see', 'dee ', 'the quick brown fox ')
    const typed = fc.array(fc.oneof(word, word, fc.constantFrom(...Object.keys(keys))), { maxLength: 40 })
    fc.assert(
      fc.property(typed, fc.integer({ min: 7, max: 60 }), (strokes, columns) => {
        let [line, at]: readonly [string, number] = ['', 0]
        for (const stroke of strokes) {
          const room = LINE_MAX - line.length
          const key = keys[stroke]
          if (key !== undefined) [line, at] = key(line, at)
          else
            [line, at] = [
              line.slice(0, at) + stroke.slice(0, room) + line.slice(at),
              at + Math.min(room, stroke.length),
            ]
        }
        const screen = new SmallScreen(columns)
        screen.write(says(guest, '\x03'))
        screen.write(says(guest, strokes.join('')))
        expect(screen.lastLine()).toEqual({ text: PROMPT + line, cursor: PROMPT.length + at })
      }),
      { numRuns: 150 },
    )
  })

  it('puts news above a long line that is being edited, and leaves the cursor where it was', () => {
    const guest = loggedIn()
    says(guest, 'tick on\r')
    const screen = new SmallScreen(20)
    const line = 'set note a line that goes over the end of several rows'
    screen.write(`\r\n${PROMPT}${says(guest, `${line}\x1b[D\x1b[D\x1b[D`)}`)
    guest.run(1e9)
    const said = guest.expect('[tick ')
    screen.write(said)
    expect(said.match(/\[tick \d+\]/g)).toHaveLength(1)
    expect(screen.lastLine()).toEqual({ text: PROMPT + line, cursor: PROMPT.length + line.length - 3 })
    expect(screen.text().match(/several/g)).toHaveLength(1)
  })

  it('keeps no password, no line twice, and sixteen lines', () => {
    const guest = loggedIn()
    expect(says(guest, '\x1b[A')).toBe('')
    for (let i = 0; i < 20; i++) says(guest, `get ${i}\rget ${i}\r`)
    let line = ''
    for (let i = 0; i < 40; i++) line = says(guest, '\x1b[A') || line
    expect(line).toContain('get 4\x1b[J')
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

  it.each(['\x1b', '\x1b[', '\x1bO', '\x1b[3', '\x1b[1;5'])('Enter counts in the middle of a sequence: %j', (start) => {
    const guest = booted('stress')
    guest.type(`nonsense${start}\r`)
    guest.expect('nonsense: not a command')
    guest.type(`more${start}\x03`)
    guest.expect('^C')
    guest.type(`stat${start}\x1b[Ds\x7f\x05s\r`)
    guest.expect('of hot pages')
  })

  it.each(images)('%s takes a key that was typed before it started', (image) => {
    const guest = bootGuest({ tick: 'off' }, { image })
    guest.type('q')
    expect(guest.expect(`${prompts[image]}q`)).toContain(prompts[image])
  })

  it.each(['web', 'kv', 'stress', 'tenant'] as const)('%s completes and explains each of its commands', (image) => {
    const guest = booted(image)
    guest.type('\t')
    const [, ...names] = /^\r\n((?:[a-z]+ {2})+)\r\n/.exec(guest.expect(prompts[image]))![1]!.match(/[a-z]+/g)!
    guest.type('help\r')
    const help = guest.expect(prompts[image])
    for (const name of names) expect(help).toContain(name)
    guest.type('upt\t'.slice(0, image === 'web' || image === 'kv' ? 4 : 0))
    if (image === 'web' || image === 'kv') guest.expect('uptime ')
  })

  it('takes a line that is too long without harm', () => {
    const guest = loggedIn()
    says(guest, `${'x'.repeat(500)}\x01whoami `)
    expect(says(guest, '\r')).toContain('not a command')
    expect(says(guest, 'whoami\r')).toContain('alice uid 1000')
  })
})
