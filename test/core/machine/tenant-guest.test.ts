import { describe, expect, it } from 'vitest'
import { findSecrets } from '../../../core/attack/secret-finder.js'
import { TENANT_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { tenantSecrets } from '../../../core/machine/guest-secrets.js'
import { secretsOfImage } from '../../../core/machine/store-secrets.js'
import { Machine } from '../../../core/machine/machine.js'
import { bootGuest, GUEST_MAC, guestImage, MIB, RunningMachine } from '../../support/guest-machine.js'

describe('tenant', () => {
  it.each([0x00c0_ffee, 1, 0xdead_beef])(
    'tenant A of seed %i holds its token, and the finder finds no more',
    (seed) => {
      const guest = bootGuest({ seed }, { image: 'tenant' })
      guest.expect('B> ')
      const found = findSecrets(guest.machine.ram.octets)
      const planted = tenantSecrets({ ...TENANT_DEFAULTS, seed })
      expect(found.map(({ name, value }) => [name, value])).toEqual(planted.map(({ name, value }) => [name, value]))
      expect(findSecrets(guestImage('tenant'))).toEqual([])
    },
  )

  it('starts with the defaults said here when nobody gives it parameters, and without secrets holds none', () => {
    const machine = new Machine({ ramOctets: 16 * MIB, nicMac: GUEST_MAC })
    machine.loadElf(guestImage('tenant'))
    new RunningMachine(machine).expect('B> ')
    const memory = Buffer.from(machine.ram.octets.buffer)
    for (const { octets } of tenantSecrets(TENANT_DEFAULTS)) expect(memory.indexOf(octets)).toBeGreaterThan(0)
    const bare = bootGuest({ hasSecrets: false }, { image: 'tenant' })
    bare.expect('B> ')
    expect(findSecrets(bare.machine.ram.octets)).toEqual([])
    expect(secretsOfImage('tenant', { ...TENANT_DEFAULTS, hasSecrets: false })).toEqual([])
  })

  it('counts a second line as the other guests do, above what is being typed', () => {
    const guest = bootGuest({}, { image: 'tenant' })
    guest.expect('B> ')
    guest.type('pee')
    guest.run(1.1e9)
    expect(guest.expect('[tick 1]')).toContain(`pee${'\b'.repeat(6)}\r\x1b[J[tick 1]\r\nB> pee`)
  })
})
