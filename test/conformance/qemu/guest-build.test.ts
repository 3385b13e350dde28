import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const COMPILER = 'riscv64-unknown-elf-gcc'
/** What is built from sources and committed: the guests, and the programs of the bench. */
const folders = {
  'labs/guests': ['shell', 'shell-b', 'web', 'kv', 'stress', 'tenant'],
  'test/bench/programs': ['integer', 'sieve', 'sha256', 'lists', 'writer'],
}

test.each(Object.entries(folders))('building %s again gives the committed images, octet for octet', (name, images) => {
  if (spawnSync(COMPILER, ['--version']).status !== 0)
    throw new Error(`${COMPILER} is missing: install Debian's package gcc-riscv64-unknown-elf`)
  const sources = fileURLToPath(new URL(`../../../${name}`, import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'midstream-guests-'))
  try {
    const build = spawnSync(join(sources, 'build.sh'), [folder], { encoding: 'utf8' })
    expect(build.stderr).toBe('')
    expect(build.status).toBe(0)
    const committed = readdirSync(sources).filter((file) => file.endsWith('.elf'))
    expect(committed.toSorted()).toEqual(images.map((image) => `${image}.elf`).toSorted())
    for (const image of committed) {
      const [built, kept] = [folder, sources].map((place) => readFileSync(join(place, image)))
      expect(built!.length).toBeLessThan(65536)
      expect(Buffer.compare(built!, kept!), image).toBe(0)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
