/** openssl computes again, from the seed's passwords and salts, the hashes that a guest keeps in its memory. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { hexOf } from '../../../core/base/octets.js'
import { guestPassword, guestSecrets } from '../../../core/machine/guest-secrets.js'
import { SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { bootGuest } from '../../support/guest-machine.js'

const SCHEME = '{SSHA256}'
const DIGEST_OCTETS = 32
const SALT_OCTETS = 8

function sha256(input: Uint8Array): string {
  const { status, stdout } = spawnSync('openssl', ['dgst', '-sha256', '-binary'], { input })
  if (status !== 0) throw new Error("openssl is missing: install Debian's package openssl")
  return hexOf(stdout)
}

test.each([
  [0, 1],
  [1, 0xdead_beef],
] as const)('in layout %i, seed %i', (layout, seed) => {
  const parameters = { ...SHELL_DEFAULTS, seed, layout }
  const guest = bootGuest(parameters)
  guest.expect('login: ')
  const memory = Buffer.from(guest.machine.ram.octets.buffer).toString('latin1')
  const kept = [...memory.matchAll(/\{SSHA256\}[A-Za-z0-9+/]+=*/g)].map(([hash]) => hash)
  expect(kept).toHaveLength(5)
  const salts = new Set<string>()
  for (const [index, user] of ['root', 'alice', 'bob', 'carol', 'deploy'].entries()) {
    const octets = Buffer.from(kept[index]!.slice(SCHEME.length), 'base64')
    expect(octets).toHaveLength(DIGEST_OCTETS + SALT_OCTETS)
    const salt = octets.subarray(DIGEST_OCTETS)
    const salted = Buffer.concat([Buffer.from(guestPassword(seed, user)!), salt])
    expect(sha256(salted), user).toBe(hexOf(octets.subarray(0, DIGEST_OCTETS)))
    salts.add(hexOf(salt))
  }
  expect(salts.size).toBe(5)
  const planted = guestSecrets(parameters).filter(({ kind }) => kind === 'password-hash')
  expect(planted.map(({ value }) => value)).toEqual(kept)
})
