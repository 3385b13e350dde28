import { describe, expect, it } from 'vitest'
import { findSecrets } from '../../../core/attack/secret-finder.js'
import { type GuestParameters, SHELL_B_DEFAULTS, SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { guestPassword, guestSecrets } from '../../../core/machine/guest-secrets.js'
import { bootGuest, MIB } from '../../support/guest-machine.js'

/** RAM of a guest that has booted and, if it has secrets, let root log in. */
function ramOf(parameters: GuestParameters): Uint8Array {
  const guest = bootGuest(parameters, { ramOctets: 4 * MIB })
  guest.expect('login: ')
  if (parameters.hasSecrets) {
    guest.type('root\r')
    guest.expect('assword: ')
    guest.type(`${guestPassword(parameters.seed, 'root')!}\r`)
    guest.run(50e6)
  }
  return guest.machine.ram.octets
}

/** A card without its separators; of a cookie the value alone. */
const plain = (kind: string, value: string): string =>
  kind === 'card' ? value.replace(/[ -]/g, '') : kind === 'cookie' ? value.replace(/^[^=]*=/, '') : value

const variants: Readonly<Record<string, Partial<GuestParameters>>> = {
  'as it comes': {},
  'other records, dashes, UTF-16, EC': SHELL_B_DEFAULTS,
  'cards with spaces, OpenSSH key': { cardFormat: 'spaces', keyKind: 'OPENSSH' },
  'a fill of random words': { fillOctets: 2 * MIB, layout: 1 },
}

describe('memory of the lab’s guest', () => {
  it.each(Object.keys(variants))(
    '%s: every secret the one password typed, and nothing else, from two seeds',
    (name) => {
      const [first, second] = [1, 0xfeed].map((seed) => {
        const parameters = { ...SHELL_DEFAULTS, ...variants[name], seed }
        const found = findSecrets(ramOf(parameters)).map(({ kind, value }) => plain(kind, value))
        expect(found.toSorted()).toEqual(
          guestSecrets(parameters)
            .filter(({ name, onlyOnceTyped }) => onlyOnceTyped !== true || name === 'root')
            .map(({ value }) => value)
            .toSorted(),
        )
        return found
      })
      expect(first).not.toEqual(second)
    },
  )

  it('without secrets: nothing', () => {
    expect(findSecrets(ramOf({ ...SHELL_DEFAULTS, hasSecrets: false }))).toEqual([])
  })
})
