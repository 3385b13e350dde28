import { describe, expect, test } from 'vitest'
import { CARD_FORMATS, SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { guestSecrets } from '../../../core/machine/guest-secrets.js'
import { secretsOfImage, sessionSecrets, storeSecrets } from '../../../core/machine/store-secrets.js'
import { bootGuest, guestImage } from '../../support/guest-machine.js'
import { GuestServer } from '../../support/guest-server.js'

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

  test.each([1, 0xbeef_cafe, 0xffff_ffff])('the first visitor of a web server of seed %i gets that cookie', (seed) => {
    const web = new GuestServer('web', { parameters: { seed } })
    const [cookie] = sessionSecrets({ ...SHELL_DEFAULTS, seed })
    const page = web.connect(80).ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n', (text) => text.includes('</html>'))
    expect(page).toContain(`Set-Cookie: session=${cookie!.value};`)
    expect(Buffer.from(web.vm.machine.ram.octets.buffer).indexOf(cookie!.octets)).toBeGreaterThan(0)
    expect(sessionSecrets({ ...SHELL_DEFAULTS, seed, hasSecrets: false })).toEqual([])
  })

  test('each image has its own', () => {
    expect(secretsOfImage('kv', SHELL_DEFAULTS)).toEqual(storeSecrets(SHELL_DEFAULTS))
    expect(secretsOfImage('web', SHELL_DEFAULTS)).toEqual(sessionSecrets(SHELL_DEFAULTS))
    expect(secretsOfImage('shell', SHELL_DEFAULTS)).toEqual(guestSecrets(SHELL_DEFAULTS))
  })
})
