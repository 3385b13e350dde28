// npm run bench: what the engine and then the window do in how long. Alone on the machine, or the numbers mean little.
import { buildIfStale } from './build.mjs'
import { electronForTests, hasDisplay } from './electron-runtime.mjs'
import { ensureNodePackages } from './node-packages.mjs'
import { inProject } from './project.mjs'
import { run } from './process.mjs'
import { say } from './terminal.mjs'

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
const window = await runWindow()
process.exit(engine.status || window.status)

/** The window's part, with Electron where there is one and a display for it, be it a virtual one. */
async function runWindow() {
  const command = [process.execPath, inProject('dist/bench/window.mjs'), inProject()]
  if (!hasDisplay()) command.unshift('xvfb-run', '-a', '-s', '-screen 0 1600x1000x24')
  const [program = '', ...args] = command
  const path = await electronForTests().catch((/** @type {unknown} */ error) => say(String(error)))
  return run(program, args, path ? { env: { MIDSTREAM_ELECTRON: path } } : {})
}
