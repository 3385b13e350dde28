import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../core/base/errors.js'
import { openOutput } from '../../cli/output.js'

describe('openOutput', () => {
  it('leaves standard output to the JSON when it goes there', async () => {
    let written = ''
    const output = openOutput('-', (text) => (written += text))
    output.line('for people')
    output.table(['a'], [[1]])
    await output.json({ done: true })
    expect(JSON.parse(written)).toEqual({ done: true })
  })

  it('writes JSON to a file beside the words for people', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'midstream-output-'))
    let written = ''
    const output = openOutput(join(folder, 'result.json'), (text) => (written += text))
    output.line('for people')
    await output.json([1, 2])
    expect(written).toBe('for people\n')
    expect(JSON.parse(await readFile(join(folder, 'result.json'), 'utf8'))).toEqual([1, 2])
    await rm(folder, { recursive: true })
  })

  it('says which file cannot be written', async () => {
    await expect(openOutput('/no/such/folder/x.json', () => undefined).json(1)).rejects.toThrow(InputError)
  })
})
