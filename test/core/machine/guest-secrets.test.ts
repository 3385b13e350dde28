import { describe, expect, test } from 'vitest'
import { hexOf } from '../../../core/base/octets.js'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import {
  CARD_FORMATS,
  GUEST_PARAMETERS_AT,
  KEY_KINDS,
  SHELL_B_DEFAULTS,
  SHELL_DEFAULTS,
} from '../../../core/machine/guest-parameters.js'
import { guestPassword, guestSecrets, type GuestSecret } from '../../../core/machine/guest-secrets.js'
import { Machine } from '../../../core/machine/machine.js'
import { bootGuest, GUEST_MAC, guestImage, MIB, RunningMachine } from '../../support/guest-machine.js'

const isThereFromBoot = ({ onlyOnceTyped }: GuestSecret): boolean => onlyOnceTyped !== true

describe('guest secrets', () => {
  const variants = [
    { seed: 1, layout: 0, cardFormat: 'plain', keyKind: 'RSA', wideSettings: false },
    { seed: 0xdead_beef, layout: 1, cardFormat: 'dashes', keyKind: 'EC', wideSettings: true },
    { seed: 77, layout: 0, cardFormat: 'spaces', keyKind: 'OPENSSH', wideSettings: false },
  ] as const

  test.each(variants)('every one of them is in the memory of a guest booted with %o', (variant) => {
    const parameters = { ...SHELL_DEFAULTS, ...variant }
    const guest = bootGuest(parameters)
    guest.expect('login: ')
    const memory = Buffer.from(guest.machine.ram.octets.buffer)
    const secrets = guestSecrets(parameters)
    expect(secrets.map(({ kind }) => kind).sort()).toEqual([
      ...Array<string>(4).fill('card'),
      ...Array<string>(12).fill('contact'),
      'cookie',
      ...Array<string>(5).fill('password'),
      ...Array<string>(5).fill('password-hash'),
      'private-key',
      'setting',
      'setting',
    ])
    for (const { kind, name, octets } of secrets.filter(isThereFromBoot))
      expect(memory.indexOf(octets), `${kind} ${name}`).toBeGreaterThan(GUEST_PARAMETERS_AT - RAM_BASE)
  })

  test('every image starts with the defaults said here when nobody gives it parameters', () => {
    for (const [name, defaults] of [['shell', SHELL_DEFAULTS] as const, ['shell-b', SHELL_B_DEFAULTS] as const]) {
      const machine = new Machine({ ramOctets: 16 * MIB, nicMac: GUEST_MAC })
      machine.loadElf(guestImage(name))
      new RunningMachine(machine).expect('login: ')
      const memory = Buffer.from(machine.ram.octets.buffer)
      for (const { kind, octets } of guestSecrets(defaults).filter(isThereFromBoot))
        expect(memory.indexOf(octets) > 0, `${name}: ${kind}`).toBe(true)
    }
  })

  test('no value stands in an image, and a guest without secrets holds none', () => {
    const guest = bootGuest({ hasSecrets: false })
    guest.expect('login: ')
    expect(guestSecrets({ ...SHELL_DEFAULTS, hasSecrets: false })).toEqual([])
    const places = [guestImage('shell'), guestImage('shell-b'), guest.machine.ram.octets].map((octets) =>
      Buffer.from(octets.buffer, octets.byteOffset, octets.length),
    )
    for (const { kind, octets } of guestSecrets(SHELL_DEFAULTS))
      for (const [index, place] of places.entries())
        expect(place.indexOf(octets) >= 0, `${kind} in ${index}`).toBe(false)
  })

  test('the key of the other layout lies across a page boundary', () => {
    const guest = bootGuest({ layout: 1 })
    guest.expect('login: ')
    const key = guestSecrets({ ...SHELL_DEFAULTS, layout: 1 }).find(({ kind }) => kind === 'private-key')!
    const at = Buffer.from(guest.machine.ram.octets.buffer).indexOf(key.octets)
    expect((at + key.octets.length) >>> 12).toBe((at >>> 12) + 1)
  })

  test('card numbers obey the check digit; two seeds share no secret', () => {
    const luhn = (digits: string): number =>
      [...digits].reduce((sum, digit, i) => sum + (i % 2 ? Number(digit) : [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][+digit]!), 0)
    const all = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      const secrets = guestSecrets({ ...SHELL_DEFAULTS, seed, cardFormat: CARD_FORMATS[seed % 3]! })
      for (const { kind, value } of secrets) {
        if (kind === 'card') expect(luhn(value) % 10, value).toBe(0)
        if (kind !== 'contact') all.add(value) // of names there are only so many
      }
    }
    expect(all.size).toBe(40 * 18)
  })

  test('keys have the outline of real ones', () => {
    const starts = KEY_KINDS.map((keyKind) => {
      const key = guestSecrets({ ...SHELL_DEFAULTS, keyKind }).find(({ kind }) => kind === 'private-key')!
      const lines = key.value.trimEnd().split('\n')
      expect([lines[0], lines.at(-1)]).toEqual([
        `-----BEGIN ${keyKind} PRIVATE KEY-----`,
        `-----END ${keyKind} PRIVATE KEY-----`,
      ])
      const octets = Buffer.from(lines.slice(1, -1).join(''), 'base64')
      return [octets.length, hexOf(octets.subarray(0, 4))]
    })
    // DER: SEQUENCE with the length of what follows; OpenSSH: "openssh-key-v1".
    expect(starts).toEqual([
      [4 + 0x25b, '3082025b'],
      [2 + 0x77, '30770201'],
      [234, '6f70656e'],
    ])
  })

  test.each([0, 1] as const)('in layout %i, a password is in memory only from when it was typed', (layout) => {
    const guest = bootGuest({ seed: 99, layout })
    guest.expect('login: ')
    const memory = Buffer.from(guest.machine.ram.octets.buffer)
    const inMemory = (): string[] =>
      guestSecrets({ ...SHELL_DEFAULTS, seed: 99, layout })
        .filter(({ kind, octets }) => kind === 'password' && memory.indexOf(octets) >= 0)
        .map(({ name }) => name)
    expect(inMemory()).toEqual([])
    guest.type(`alice\r${guestPassword(99, 'bob')}\r`)
    guest.expect('Login incorrect')
    guest.type(`alice\r${guestPassword(99, 'alice')}\r`)
    guest.expect('alice@midstream:~$ ')
    expect(inMemory()).toEqual(['alice', 'bob'])
    expect(guestPassword(99, 'nobody')).toBeUndefined()
  })
})
