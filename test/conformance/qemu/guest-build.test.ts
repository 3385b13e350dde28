import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const COMPILER = 'riscv64-unknown-elf-gcc'
const guests = fileURLToPath(new URL('../../../labs/guests', import.meta.url))

test('building the guests again gives the committed images, octet for octet', () => {
  if (spawnSync(COMPILER, ['--version']).status !== 0)
    throw new Error(`${COMPILER} is missing: install Debian's package gcc-riscv64-unknown-elf`)
  const folder = mkdtempSync(join(tmpdir(), 'midstream-guests-'))
  try {
    const build = spawnSync(join(guests, 'build.sh'), [folder], { encoding: 'utf8' })
    expect(build.stderr).toBe('')
    expect(build.status).toBe(0)
    for (const image of ['shell.elf', 'shell-b.elf', 'web.elf', 'kv.elf', 'stress.elf', 'tenant.elf']) {
      const [built, committed] = [join(folder, image), join(guests, image)].map((path) => readFileSync(path))
      expect(built!.length).toBeLessThan(65536)
      expect(Buffer.compare(built!, committed!), image).toBe(0)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
