import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { calibrateCommand } from '../../cli/calibrate.js'
import { scenarioFrom, scenarioOptions } from '../../cli/migrate-scenario.js'
import { parseArgs } from 'node:util'
import { costTables } from '../../core/secure/cost-tables.js'
import { cipherNames } from '../../core/secure/costs.js'
import { outputOf } from '../support/command-output.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-calibrate-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

const scenarioOfArgs = (...args: string[]) => scenarioFrom(parseArgs({ args, options: scenarioOptions }).values)

describe('calibrate', () => {
  it('writes a table that a migration takes, with the source of every figure', async () => {
    const path = join(folder, 'costs.yaml')
    const { status, out } = await outputOf(() => calibrateCommand(['--sample', '0.01ms', '--output', path]))
    expect(status).toBe(0)
    // The figure of OpenSSL's side is another machine's, and the libraries' is not.
    expect(out).toMatch(/^xsalsa20-poly1305 +0\.65\* +[\d.]+ /m)
    expect(out).toMatch(/^rsa-2048-private +[\d,]+ +[\d,]+ /m)
    const scenario = scenarioOfArgs('--costs', path, '--channel', 'ssh')
    expect(scenario.migration.hostCpu).toBe('measured')
    const table = scenario.measuredCosts!
    const { 'aes-256-gcm': gcm, 'xsalsa20-poly1305': salsa } = table.ciphers
    expect(gcm.source).toContain(`measured here: OpenSSL ${process.versions.openssl}`)
    // OpenSSL has none.
    expect(salsa).toEqual({
      ...costTables.aes.ciphers['xsalsa20-poly1305'],
      source: `not measured here; ${costTables.aes.ciphers['xsalsa20-poly1305'].source}`,
    })
    for (const name of cipherNames) expect(table.ciphers[name].nsPerOctet).toBeGreaterThanOrEqual(0)
  })

  it('refuses a table with a mistake by file, line and place', async () => {
    const path = join(folder, 'bad.yaml')
    const { ciphers, ...rest } = costTables.aes
    const bad = { ciphers: { ...ciphers, rc4: { ...ciphers.rc4, nsPerOctet: -1 } }, ...rest }
    await writeFile(path, JSON.stringify(bad, undefined, 1))
    const line =
      JSON.stringify(bad, undefined, 1)
        .split('\n')
        .findIndex((text) => text.includes(': -1,')) + 1
    expect(() => scenarioOfArgs('--costs', path)).toThrow(`${path}:${line}: ciphers.rc4.nsPerOctet`)
    await writeFile(path, JSON.stringify({ ciphers, title: 'no operations' }))
    expect(() => scenarioOfArgs('--costs', path)).toThrow(`${path}:1: operations`)
  })

  it.each([
    [['--of', 'everything'], '--of everything'],
    [['--sample', '0s'], '--sample 0s'],
    [['--sample', 'long'], '--sample'],
    [['--output', '/no/such/folder/costs.yaml'], '/no/such/folder'],
  ])('refuses %j', async (args, message) => {
    await expect(calibrateCommand(args)).rejects.toThrow(message)
  })

  it('is needed for hosts as measured', () => {
    expect(() => scenarioOfArgs('--host-cpu', 'measured')).toThrow('--host-cpu: measured, but no table was given')
    expect(() => scenarioOfArgs('--host-cpu', 'fast')).toThrow('--host-cpu fast: choose one of libraries, aes')
  })
})
