// npm run bench [machine|network|migration|channels|window]: what each does in how long. Alone on the machine, or the numbers mean little.
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
  entryPoints: ['machine', 'network', 'migration', 'channels', 'window'].map((part) =>
    inProject(`test/bench/${part}.ts`),
  ),
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
const parts = {
  machine: () => runEngine('machine'),
  network: () => runEngine('network'),
  migration: () => runEngine('migration'),
  channels: () => runEngine('channels'),
  window: runWindow,
}
const [wanted = ''] = process.argv.slice(2)
const isPart = (/** @type {string} */ name) => Object.hasOwn(parts, name)
const rounds = process.argv.slice(isPart(wanted) ? 3 : 2)
let status = 0
for (const [name, measure] of Object.entries(parts))
  if (!isPart(wanted) || name === wanted) status = (await measure()).status || status
process.exit(status)

/** @param {string} part */
function runEngine(part) {
  return run(process.execPath, ['--expose-gc', inProject(`dist/bench/${part}.mjs`), ...rounds])
}

/** The window's part, with Electron where there is one and a display for it, be it a virtual one. */
async function runWindow() {
  const command = [process.execPath, inProject('dist/bench/window.mjs'), inProject()]
  if (!hasDisplay()) command.unshift('xvfb-run', '-a', '-s', '-screen 0 1600x1000x24')
  const [program = '', ...args] = command
  const path = await electronForTests().catch((/** @type {unknown} */ error) => say(String(error)))
  return run(program, args, path ? { env: { MIDSTREAM_ELECTRON: path } } : {})
}
