import { describe, expect, test } from 'vitest'
import { CARD_FORMATS, SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { guestSecrets } from '../../../core/machine/guest-secrets.js'
import { secretsOfImage, storeSecrets } from '../../../core/machine/store-secrets.js'
import { bootGuest, guestImage } from '../../support/guest-machine.js'

describe('store secrets', () => {
  test.each(CARD_FORMATS)('every card is in the memory of a store booted with them written as %s', (cardFormat) => {
    const parameters = { ...SHELL_DEFAULTS, seed: 0xbeef_cafe, cardFormat }
    const guest = bootGuest(parameters, { image: 'kv' })
    guest.expect('kv> ')
    const memory = Buffer.from(guest.machine.ram.octets.buffer)
    const image = Buffer.from(guestImage('kv'))
    const secrets = storeSecrets(parameters)
    expect(new Set(secrets.map(({ value }) => value)).size).toBe(24)
    for (const { name, value, octets } of secrets) {
      expect(value).toMatch(/^\d{16}$/)
      expect(memory.includes(Buffer.from(`name=${name} card=`)), name).toBe(true)
      expect(memory.indexOf(octets) >= 0, name).toBe(true)
      expect(image.indexOf(octets) >= 0, name).toBe(false)
    }
  })

  test('a store told to hold no secrets holds none', () => {
    const parameters = { ...SHELL_DEFAULTS, hasSecrets: false }
    expect(storeSecrets(parameters)).toEqual([])
    const guest = bootGuest(parameters, { image: 'kv' })
    guest.expect('kv> ')
    const memory = Buffer.from(guest.machine.ram.octets.buffer)
    for (const { octets } of storeSecrets(SHELL_DEFAULTS)) expect(memory.indexOf(octets) >= 0).toBe(false)
  })

  test('each image has its own', () => {
    expect(secretsOfImage('kv', SHELL_DEFAULTS)).toEqual(storeSecrets(SHELL_DEFAULTS))
    expect(secretsOfImage('web', SHELL_DEFAULTS)).toEqual([])
    expect(secretsOfImage('shell', SHELL_DEFAULTS)).toEqual(guestSecrets(SHELL_DEFAULTS))
  })
})
