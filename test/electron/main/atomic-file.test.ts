import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeAtomically } from '../../../electron/main/atomic-file.js'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'midstream-atomic-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('writeAtomically', () => {
  it('writes the parts one after another, in place of what was there', async () => {
    const path = join(folder, 'kept')
    await writeFile(path, 'something much longer')
    await writeAtomically(path, 'head ', Uint8Array.of(0x62, 0x0a))
    expect(await readFile(path, 'utf8')).toBe('head b\n')
  })

  it('leaves the old contents, and nothing else, when it fails half way', async () => {
    const path = join(folder, 'kept')
    await writeFile(path, 'old')
    const unwritable = 7 as unknown as string
    await expect(writeAtomically(path, 'new', unwritable)).rejects.toThrow()
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['kept'])
  })
})
