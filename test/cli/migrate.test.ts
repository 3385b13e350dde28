import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InputError } from '../../core/base/errors.js'
import { labsCommand } from '../../cli/labs.js'
import { migrateCommand } from '../../cli/migrate.js'
import { runCommand } from '../../cli/run.js'
import { analyseFile } from '../../core/attack/capture-file.js'
import { outputOf } from '../support/command-output.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-migrate-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

const small = ['--ram', '2MiB', '--working-set', '256KiB']

describe('migrate', () => {
  it('writes JSON alone on standard output; capture and stream tell the attacker the same', async () => {
    const [pcap, stream] = [join(folder, 'mirror.pcapng'), join(folder, 'stream.qevm')]
    const { status, out } = await outputOf(() =>
      migrateCommand([...small, '--json', '-', '--pcap', pcap, '--stream', stream]),
    )
    expect(status).toBe(0)
    const result = JSON.parse(out) as Record<string, unknown> & { findings: { value: string }[] }
    expect(result).toMatchObject({
      status: 'completed',
      converged: true,
      secretsPlanted: 25,
      secretsFound: 25,
      ramOctetsRecovered: 2 * 1024 ** 2,
      ramHashDestination: result['ramHashSource'],
    })
    const values = result.findings.map(({ value }) => value).sort()
    for (const file of [pcap, stream]) {
      const { report } = analyseFile(await readFile(file))
      const [migration] = report.streams
      expect(migration?.complete).toBe(true)
      expect(migration?.blocks.map(({ sha256 }) => sha256)).toEqual([result['ramHashSource']])
      expect(migration?.findings.map(({ value }) => value).sort()).toEqual(values)
    }
  })

  it.each([
    ['web', 1],
    ['kv', 24],
  ])('moves the guest it is told to: %s', async (guest, secrets) => {
    const { status, out } = await outputOf(() => migrateCommand([...small, '--guest', guest, '--json', '-']))
    expect(status).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ status: 'completed', secretsPlanted: secrets, secretsFound: secrets })
  })

  it('says when a guest does not converge', async () => {
    const { status, out } = await outputOf(() =>
      migrateCommand([...small, '--bandwidth', '10Mbit', '--downtime-limit', '1ms', '--dirty-rate', '50000/s']),
    )
    expect(status).toBe(0)
    expect(out).toMatch(/rounds +31, not converging: the guest was stopped with \d+ octets left to send/)
  })

  it.each([
    ['--ram', '0'],
    ['--ram', 'much'],
    ['--fill', '64MiB'],
    ['--working-set', '64MiB'],
    ['--dirty-rate', '2000000/s'],
    ['--dirty-rate', 'often'],
    ['--bandwidth', '0bit'],
    ['--bandwidth', 'fast'],
    ['--latency', '2s'],
    ['--latency', 'low'],
    ['--downtime-limit', '1h'],
    ['--max-bandwidth', '1'],
    ['--strategy', 'teleport'],
    ['--channel', 'smoke'],
  ])('refuses %s %s by name', async (option, value) => {
    const refusal = migrateCommand([option, value])
    await expect(refusal).rejects.toThrow(InputError)
    await expect(refusal).rejects.toThrow(option)
  })

  it('looks first whether its files can be written', async () => {
    await expect(migrateCommand(['--pcap', join(folder, 'no', 'where.pcapng')])).rejects.toThrow(/cannot be written/)
    await expect(migrateCommand(['--stream', folder])).rejects.toThrow(/it is a folder/)
  })
})

describe('labs and run', () => {
  it('list the labs', async () => {
    const { status, out } = await outputOf(() => labsCommand(['--json', '-']))
    expect(status).toBe(0)
    expect(JSON.parse(out)).toContainEqual({
      id: '01-first-crossing',
      title: 'First crossing',
      minutes: 25,
      level: 'beginner',
    })
  })

  it('play a lab, and leave report and capture', async () => {
    const [report, captures] = [join(folder, 'report.html'), join(folder, 'captures')]
    const { status, out } = await outputOf(() =>
      runCommand(['first-crossing', '--solve', '--report', report, '--pcap', captures]),
    )
    expect(status).toBe(0)
    expect(out).toContain('every check passed')
    const html = await readFile(report, 'utf8')
    expect(html.match(/<svg/g)?.length).toBeGreaterThanOrEqual(4)
    expect(html).not.toMatch(/(?:src|href)="(?!#|data:)/)
    expect(await readdir(captures)).toEqual(['01-first-crossing-mirror.pcapng'])
  })

  it('refuse what is not there', async () => {
    await expect(runCommand(['99', '--solve'])).rejects.toThrow(/there is no lab "99"; there are: 01-first-crossing/)
    await expect(runCommand(['01'])).rejects.toThrow(/add --solve/)
    for (const refused of [runCommand(['01', '--solve', '--guest', 'mail']), migrateCommand(['--guest', '../mail'])])
      await expect(refused).rejects.toThrow(/there is no guest ".*mail"; there are: .*kv.*web/)
    await expect(runCommand(['01', '--solve', '--pcap', '/dev/null/x'])).rejects.toThrow(InputError)
  })
})
