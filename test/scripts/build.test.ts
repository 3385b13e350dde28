import { mkdtemp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { hashSources } from '../../scripts/build.mjs'

it('hashes names and contents, not times', async () => {
  const root = await mkdtemp(join(tmpdir(), 'midstream-sources-'))
  await mkdir(join(root, 'core'))
  await writeFile(join(root, 'core', 'a.ts'), 'one')
  const hash = () => hashSources(['core', 'missing'], root)
  const first = hash()
  await writeFile(join(root, 'core', 'a.ts'), 'one')
  expect(hash()).toBe(first)
  await writeFile(join(root, 'core', 'a.ts'), 'two')
  expect(hash()).not.toBe(first)
  await writeFile(join(root, 'core', 'a.ts'), 'one')
  await rename(join(root, 'core', 'a.ts'), join(root, 'core', 'b.ts'))
  expect(hash()).not.toBe(first)
  await rm(root, { recursive: true })
})
