import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { predictCommand } from '../../cli/predict.js'
import { reproduceCommand } from '../../cli/reproduce.js'
import { InputError } from '../../core/base/errors.js'
import type { MigrationForecast } from '../../core/metrics/precopy-closed-form.js'
import type { Reproduction } from '../../core/reproduction/reproduce.js'
import { outputOf } from '../support/command-output.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-predict-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

describe('predict', () => {
  it('says what is foretold and what the engine does beside it', async () => {
    const args = ['--ram', '64MiB', '--working-set', '8MiB', '--dirty-rate', '2000/s', '--bandwidth', '100Mbit']
    const { status, out } = await outputOf(() => predictCommand([...args, '--downtime-limit', '50ms', '--json', '-']))
    expect(status).toBe(0)
    const { foretold, engine } = JSON.parse(out) as Record<'foretold' | 'engine', MigrationForecast>
    expect(engine.rounds).toBe(foretold.rounds)
    expect(engine.octets / foretold.octets).toBeCloseTo(1, 2)
    const table = await outputOf(() => predictCommand([...args, '--stop-rule', 'qemu']))
    expect(table.out).toMatch(/^converges +yes +yes$/m)
  })

  it.each([
    [['--fill', '2GiB'], '--fill'],
    [['--working-set', '1GiB'], '--working-set'],
    [['--ram', '0'], '--ram'],
    [['--rounds', '-1'], '--rounds'],
    [['--bandwidth', '1bit'], '--bandwidth'],
    [['--stop-rule', 'xen'], '--stop-rule'],
  ])('refuses %j and says why', async (args, option) => {
    const command = predictCommand(args[1] === '-1' ? ['--rounds=-1'] : args)
    await expect(command).rejects.toThrow(InputError)
    await expect(command).rejects.toThrow(option)
  })
})

describe('reproduce', () => {
  it('compares the engine with measured runs, and its status says whether all agree', async () => {
    const measured = await readFile(new URL('../fixtures/qemu-measurements.csv', import.meta.url), 'utf8')
    const path = join(folder, 'runs.csv')
    const [header = '', ...runs] = measured.split('\n')
    const stopcopy = runs.filter((run) => run.startsWith('stopcopy'))
    await writeFile(path, [header, ...stopcopy].join('\n'))
    const right = await outputOf(() => reproduceCommand([path, '--json', '-']))
    expect(right.status).toBe(0)
    const [group] = JSON.parse(right.out) as Reproduction[]
    expect(group).toMatchObject({ agrees: true, passes: { engine: 3, measured: [3, 3, 3] } })
    await writeFile(path, [header, ...stopcopy].join('\n').replaceAll('67859659', '77859659'))
    const wrong = await outputOf(() => reproduceCommand([path]))
    expect(wrong.status).toBe(1)
    expect(wrong.out).toContain('0 of 1 groups of repeats agree')
  })

  it('refuses a file that is none', async () => {
    await expect(reproduceCommand([])).rejects.toThrow(InputError)
    await expect(reproduceCommand([join(folder, 'nothing.csv')])).rejects.toThrow('nothing.csv cannot be read')
    const path = join(folder, 'wrong.csv')
    await writeFile(path, 'mode\nwarp\n')
    await expect(reproduceCommand([path])).rejects.toThrow('wrong.csv: line 2: mode is "warp"')
  })
})
