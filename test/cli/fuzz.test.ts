import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fuzzCommand } from '../../cli/fuzz.js'
import { outputOf } from '../support/command-output.js'

interface FuzzResult {
  readonly runs: number
  readonly crashes: readonly {
    readonly crash: string
    readonly run: number
    readonly minimised: string
    readonly mendedBy: readonly string[]
  }[]
}

describe('fuzz', () => {
  it('shows what the receiver crashes by, field by field, the same on every run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'midstream-fuzz-'))
    try {
      const { status, out } = await outputOf(() => fuzzCommand(['--seed', '14', '--runs', '100', '--out', folder]))
      expect(status).toBe(1)
      expect(out).toMatch(/run 4: xc_domain_restore: read outside of p2m/)
      expect(out).toMatch(/mended by batch-check/)
      expect(out).toMatch(/batch +-\d+ +[0-9a-f ]{11}\n/)
      expect(out).toMatch(/pfn_type +\d+ times 00/)
      const json = () => outputOf(() => fuzzCommand(['--seed', '14', '--runs', '100', '--json', '-']))
      const first = await json()
      const { crashes, runs } = JSON.parse(first.out) as FuzzResult
      expect(runs).toBe(100)
      const files = (await readdir(folder)).toSorted()
      expect(files[0]).toBe('1-xc-domain-restore-read-outside-of-p2m.stream')
      expect((await readFile(join(folder, files[0]!))).toString('hex')).toBe(crashes[0]?.minimised)
      expect((await json()).out).toBe(first.out)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('finds nothing where everything is mended', async () => {
    const { status, out } = await outputOf(() => fuzzCommand(['--runs', '300', '--fix', 'all', '--json', '-']))
    expect(status).toBe(0)
    expect((JSON.parse(out) as FuzzResult).crashes).toEqual([])
  })

  it('says what is wrong with what it was told', async () => {
    await expect(fuzzCommand(['--runs', 'many'])).rejects.toThrow('--runs many: a whole number from 1')
    await expect(fuzzCommand(['--fix', 'none'])).rejects.toThrow(/--fix none: choose one of batch-check/)
  })
})
