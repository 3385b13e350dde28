// npm run bench: what the engine does in how long. Alone on the machine, or the numbers mean little.
import { existsSync } from 'node:fs'
import { ensureNodePackages } from './node-packages.mjs'
import { inProject } from './project.mjs'
import { run } from './process.mjs'
import { say } from './terminal.mjs'

const entry = inProject('test/bench/main.ts')
await ensureNodePackages()
if (!existsSync(entry)) {
  say('There are no benchmarks yet (test/bench/main.ts).')
  process.exit(1)
}
const { build } = await import('esbuild')
await build({
  entryPoints: [entry],
  outfile: inProject('dist/bench/main.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  loader: { '.elf': 'binary', '.md': 'text', '.yaml': 'text' },
  banner: {
    js: "import { createRequire as nodeRequire } from 'node:module'\nconst require = nodeRequire(import.meta.url)",
  },
})
const { status } = await run(process.execPath, [inProject('dist/bench/main.mjs'), ...process.argv.slice(2)])
process.exit(status)
