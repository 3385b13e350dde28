// npm run bench: what the engine and then the window do in how long. Alone on the machine, or the numbers mean little.
import { buildIfStale } from './build.mjs'
import { ensureNodePackages } from './node-packages.mjs'
import { inProject } from './project.mjs'
import { run } from './process.mjs'

await ensureNodePackages()
await buildIfStale()
const { build } = await import('esbuild')
await build({
  entryPoints: [inProject('test/bench/main.ts'), inProject('test/bench/window.ts')],
  outdir: inProject('dist/bench'),
  outExtension: { '.js': '.mjs' },
  external: ['@playwright/test'],
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
const engine = await run(process.execPath, [inProject('dist/bench/main.mjs'), ...process.argv.slice(2)])
const window = await run(process.execPath, [inProject('dist/bench/window.mjs'), inProject('dist/cli/main.js')])
process.exit(engine.status || window.status)
