import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fleetCommand } from '../../cli/fleet.js'
import { InputError } from '../../core/base/errors.js'
import { outputOf } from '../support/command-output.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-fleet-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

describe('fleet', () => {
  it('says who moved where and why, and what it came to', async () => {
    const pcap = join(folder, 'port.pcapng')
    const json = join(folder, 'fleet.json')
    const args = [
      '--policy',
      'evacuate',
      '--hosts',
      '3',
      '--guests',
      '3',
      '--seconds',
      '24',
      '--pcap',
      pcap,
      '--json',
      json,
    ]
    const { status, out } = await outputOf(() => fleetCommand(args))
    expect(status).toBe(0)
    expect(out).toMatch(/^A fleet \(seed 1\)\n3 hosts, 3 guests, policy evacuate\n/)
    expect(out).toContain('4.000 s  host-01 reports of its hardware: warning\n')
    expect(out).toMatch(/s {2}move vm-01 from host-01 to host-0[23]: host-01 is warning\n/)
    expect(out).toMatch(/s {2}vm-01 moved from host-01 to host-0[23] in 10\d\.\d\d ms, downtime \d+\.\d\d ms\n/)
    expect(out).toMatch(/s {2}host-02 is silent: its adverts stopped\n/)
    expect(out).toMatch(/moves: 1, completed 1; longest downtime/)
    expect(out).toMatch(/energy 0\.\d+ kWh, with every host on 0\.\d+ kWh: \d+\.\d % saved\ntrace [0-9a-f]{64}\n$/)
    const result = JSON.parse(await readFile(json, 'utf8')) as Record<string, unknown>
    expect(result).toMatchObject({ policy: 'evacuate', completed: 1, dropped: { malformed: 0 } })
    expect((await readFile(pcap)).length).toBeGreaterThan(5000)
  })

  it.each([
    [['--hosts', '41'], /^--hosts 41: write a whole number, at most 40$/],
    [['--hosts', '1'], /^--hosts: .*2/],
    [['--hosts', '5e9'], /^--hosts 5e9: write a whole number, at most 40$/],
    [['--guests', '5e9'], /^--guests 5e9: write a whole number, at most 160$/],
    [['--hosts', 'many'], /--hosts many: write a whole number/],
    [['--policy', 'luck'], /--policy: /],
    [['--seconds', '0'], /--seconds: choose from 1s/],
    [['nowhere'], /no file nowhere, and no example of that name; there are: balance, consolidate, evacuate/],
    [['balance', '--hosts', '3'], /--hosts and --guests are for a fleet without a file/],
    [['balance', 'evacuate'], /name one file/],
  ])('refuses %j', async (args, message) => {
    const refusal = fleetCommand(args)
    await expect(refusal).rejects.toThrow(InputError)
    await expect(refusal).rejects.toThrow(message)
  })

  it('names file, line and place of a mistake', async () => {
    const path = join(folder, 'wrong.yaml')
    await writeFile(path, 'title: Wrong\nhosts: { count: 3 }\nguests:\n  - { on: host-09 }\n')
    await expect(fleetCommand([path])).rejects.toThrow(/wrong\.yaml:4: guests\[0\]\.on: there is no host-09/)
  })
})
