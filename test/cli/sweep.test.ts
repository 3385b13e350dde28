import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../cli/lab-files.js'
import { keyOf, type SweepRow } from '../../cli/sweep-cell.js'
import { sweepCommand } from '../../cli/sweep.js'
import { runCells } from '../../cli/sweep-pool.js'
import { sweepCsv, SweepResults } from '../../cli/sweep-results.js'
import { parseSweep, readSweep } from '../../cli/sweep-spec.js'
import { LabError } from '../../core/base/errors.js'
import { buildIfStale } from '../../scripts/build.mjs'
import { outputOf } from '../support/command-output.js'

const worker = pathToFileURL(join(projectRoot(), 'dist/cli/sweep-worker.js'))
const small = {
  title: 'Small',
  base: { ram: '2MiB', fill: '1MiB', 'working-set': '64KiB' },
  channels: ['none', 'nacl'],
  workloads: { quiet: { 'dirty-rate': '0/s' }, busy: { 'dirty-rate': 500 } },
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-sweep-'))
  await writeFile(join(folder, 'small.yaml'), JSON.stringify(small))
  await buildIfStale(['cli'], { quiet: true })
}, 120_000)
afterAll(async () => rm(folder, { recursive: true, force: true }))

const sweep = (jobs: number, output: string) =>
  outputOf(() =>
    sweepCommand([join(folder, 'small.yaml'), '--jobs', String(jobs), '--output', join(folder, output)], worker),
  )
const fileOf = (output: string, name: string) => readFile(join(folder, output, name), 'utf8')

describe('a sweep', () => {
  it('gives the same octets whatever the number of threads', async () => {
    const [one, two] = [await sweep(1, 'one'), await sweep(2, 'two')]
    expect([one.status, two.status]).toEqual([0, 0])
    for (const name of ['results.csv', 'downtime-leakage.svg'])
      expect(await fileOf('two', name)).toBe(await fileOf('one', name))
    const [header, ...lines] = (await fileOf('one', 'results.csv')).trimEnd().split('\n')
    expect(header).toMatch(/^workload,strategy,channel,status,cause,totalTimeMs,downtimeMs,/)
    expect(lines.map((line) => line.split(',').slice(0, 4).join(' '))).toEqual([
      'quiet precopy none completed',
      'quiet precopy nacl completed',
      'busy precopy none completed',
      'busy precopy nacl completed',
    ])
    // What a listener had by lengths and times: a sealed run gives away how much was sent, within a few percent.
    const at = header!.split(',').indexOf('sent-error')
    for (const line of lines) expect(line.split(',')[at]).toMatch(/^0(\.0\d+)?$/)
    expect((await fileOf('one', 'downtime-leakage.svg')).match(/class="migration"/g)).toHaveLength(4)
  })

  it('goes on where it stopped, even in the middle of a line', async () => {
    const whole = await fileOf('one', 'results.jsonl')
    const lines = whole.split('\n')
    await mkdir(join(folder, 'again'))
    await writeFile(
      join(folder, 'again', 'results.jsonl'),
      `${lines.slice(0, 2).join('\n')}\n${lines[2]!.slice(0, 50)}`,
    )
    const { out } = await sweep(2, 'again')
    expect(out).toContain('2 are known')
    expect(out.match(/^\d of 4 /gm)).toEqual(['3 of 4 ', '4 of 4 '])
    expect(await fileOf('again', 'results.csv')).toBe(await fileOf('one', 'results.csv'))
    expect((await fileOf('again', 'results.jsonl')).split('\n').toSorted()).toEqual(lines.toSorted())
    expect((await sweep(1, 'again')).out).not.toMatch(/^\d of 4 /m)
  })

  it('keeps what is done when it is interrupted', async () => {
    const { cells } = parseSweep(small, folder)
    const interrupt = new AbortController()
    const done: string[] = []
    const onRow = (_: unknown, row: SweepRow): void => {
      done.push(row.status)
      interrupt.abort()
    }
    await runCells(cells, { jobs: 1, signal: interrupt.signal, onRow, worker })
    expect(done).toEqual(['completed'])
  })

  it('has a key that every part of a cell is in', () => {
    const cellsOf = (change: object) => parseSweep({ ...small, ...change }, folder).cells
    const keys = [
      ...cellsOf({}),
      ...cellsOf({ base: { ...small.base, seed: 2 } }),
      ...cellsOf({ base: { ...small.base, 'host-cpu': 'aes' } }),
      ...cellsOf({ base: { ...small.base, guest: 'web' } }),
      ...cellsOf({ base: { ...small.base, 'pause-before-switchover': '1ms' } }),
      ...cellsOf({ base: { ...small.base, paused: true } }),
    ].map(keyOf)
    expect(new Set(keys).size).toBe(24)
    expect(cellsOf({ title: 'Another' }).map(keyOf)).toEqual(keys.slice(0, 4))
  })
})

describe('the results of a sweep', () => {
  const row: SweepRow = {
    ...{ status: 'refused', cause: 'a "word", and more', totalTimeMs: null, downtimeMs: null, clientGapMs: null },
    ...{ rounds: null, converged: null, wireOctets: null, sourceCpuMs: 0, destinationCpuMs: 0, ramOctets: null },
    ...{
      ramOctetsRecovered: null,
      ramOctetsExact: null,
      structureAgreement: null,
      secretsPlanted: null,
      secretsFound: null,
      traceHash: '',
    },
    ...{ 'sent-error': 0.25, 'ram-error': null, 'rounds-error': null, 'dirty-rate-error': null },
    ...{ 'working-set-error': null, 'stopped-at-error': null, 'downtime-error': 2000, 'workload-error': 1 },
  }

  it('are quoted as RFC 4180 has it', () => {
    const [cell] = parseSweep(small, folder).cells
    expect(sweepCsv([{ cell: cell!, row }]).split('\n')[1]).toBe(
      'quiet,precopy,none,refused,"a ""word"", and more",,,,,,,0,0,,,,,,,0.25,,,,,,2000,1,',
    )
  })

  it('that are something else are refused by file and line', async () => {
    const path = join(folder, 'other.jsonl')
    new SweepResults(path).add('a', row)
    await appendFile(path, '{"key":"b"}\n')
    expect(() => new SweepResults(path)).toThrow(`${path}:2: not a result of a sweep`)
  })
})

describe('the file of a sweep', () => {
  const place = (change: object): string => {
    try {
      parseSweep({ ...small, ...change }, folder)
    } catch (error) {
      if (error instanceof LabError) return `${error.path}: ${error.reason}`
      throw error
    }
    return ''
  }

  it('is a grid in which the channel varies fastest', () => {
    const vary = { bandwidth: ['1Gbit', '10Gbit'], xbzrle: [false, true] }
    const { cells } = parseSweep({ ...small, strategies: ['precopy', 'stop-and-copy'], vary }, folder)
    expect(cells).toHaveLength(32)
    expect(cells.slice(0, 3).map(({ place: at }) => Object.values(at).join(' '))).toEqual([
      'quiet 1Gbit false precopy none',
      'quiet 1Gbit false precopy nacl',
      'quiet 1Gbit false stop-and-copy none',
    ])
    expect(cells[31]!.scenario).toMatchObject({
      bandwidthBps: 1e10,
      guest: { dirtyPagesPerSecond: 500, ramOctets: 2 * 1024 ** 2 },
      migration: { xbzrle: true, strategy: 'stop-and-copy', channel: 'nacl' },
    })
  })

  it.each([
    [{ channels: ['none', 'telnet'] }, 'channels[1]: '],
    [{ channels: [] }, 'channels: '],
    [{ strategies: ['teleport'] }, 'strategies[0]: '],
    [{ colour: 'red' }, 'sweep: '],
    [{ base: { speed: 'fast' } }, 'base'],
    [{ base: { ram: 'much' } }, 'base.ram: --ram: "much" is not a size'],
    [{ base: { ram: true } }, 'base.ram: write a value'],
    [{ base: { xbzrle: 'yes' } }, 'base.xbzrle: write true or false'],
    [{ workloads: { busy: { 'dirty-rate': 'often' } } }, 'workloads.busy.dirty-rate: '],
    [{ workloads: { 'two words': {} } }, 'workloads'],
    [{ vary: { seed: [] } }, 'vary.seed: '],
    [{ vary: { channel: ['none'] } }, 'vary.channel: '],
    [{ vary: { bandwidth: ['1Gbit', 'fast'] } }, 'vary.bandwidth[1]: --bandwidth: '],
    [{ vary: { 'guest-option': ['hotPages=1'] } }, 'sweep: the guest shell has no option hotPages'],
  ])('with a mistake, %j, is refused by its place', (change, message) => {
    expect(place(change)).toContain(message)
  })

  it('that would take for ever is refused', () => {
    const seed = Array.from({ length: 3000 }, (_, index) => index)
    expect(place({ vary: { seed } })).toContain('sweep: 12000 migrations')
  })

  it('with a mistake is refused by its line as well, and so are wrong options', async () => {
    const path = join(folder, 'bad.yaml')
    await writeFile(path, 'title: Bad\nchannels: [none]\nworkloads:\n  busy:\n    dirty-rate: often\n')
    await expect(sweepCommand([path])).rejects.toThrow(`${path}:5: workloads.busy.dirty-rate: `)
    await expect(sweepCommand([])).rejects.toThrow('name one file or example')
    await expect(sweepCommand(['no-such'])).rejects.toThrow('there are: channels')
    await expect(sweepCommand([path, '--jobs', '0'])).rejects.toThrow('--jobs 0')
  })

  it('that comes as an example can be played', () => {
    expect(readSweep('channels').cells).toHaveLength(96)
  })
})
