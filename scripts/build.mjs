// Builds what runs: the window's page (Vite), Electron's main process and preload, and the command line (esbuild). Each
// target is built only when its sources changed: dist/.stamps keeps their hash.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inProject, projectRoot } from './project.mjs'
import { say, secondsSince } from './terminal.mjs'

/** @typedef {'renderer' | 'electron' | 'cli'} Target */
/** @typedef {{ sources: readonly string[], build: () => Promise<void> }} TargetRecipe */

const common = ['package.json', 'package-lock.json', 'tsconfig.base.json', 'scripts/build.mjs']

/** @type {Record<Target, TargetRecipe>} */
const targets = {
  renderer: {
    sources: [...common, 'vite.config.ts', 'renderer', 'core', 'labs', 'electron/ipc'],
    build: buildRenderer,
  },
  electron: { sources: [...common, 'electron'], build: buildElectron },
  cli: { sources: [...common, 'cli', 'core', 'labs', 'renderer', 'electron/assets'], build: buildCli },
}

async function buildRenderer() {
  const { build } = await import('vite')
  await build({ configFile: inProject('vite.config.ts'), logLevel: 'warn' })
}

async function buildElectron() {
  const { build } = await import('esbuild')
  // Node 18.15 and Chromium 114 are what Electron 25, the oldest supported runtime, carries.
  /** @type {import('esbuild').BuildOptions} */
  const options = { bundle: true, external: ['electron'], sourcemap: true, logLevel: 'warning' }
  await Promise.all([
    build({
      ...options,
      entryPoints: { main: inProject('electron/main/main.ts') },
      outdir: inProject('dist/electron'),
      outExtension: { '.js': '.cjs' },
      platform: 'node',
      format: 'cjs',
      target: 'node18.15',
    }),
    // A sandboxed preload has no module system in Electron 25: one script without exports.
    build({
      ...options,
      entryPoints: { preload: inProject('electron/preload/preload.ts') },
      outdir: inProject('dist/electron'),
      platform: 'node',
      format: 'iife',
      target: 'chrome114',
    }),
  ])
}

async function buildCli() {
  const { build } = await import('esbuild')
  rmSync(inProject('dist/cli'), { recursive: true, force: true }) // chunks have hashed names and would pile up
  await build({
    entryPoints: { main: inProject('cli/main.ts'), 'sweep-worker': inProject('cli/sweep-worker.ts') },
    outdir: inProject('dist/cli'),
    bundle: true,
    splitting: true, // each command is loaded by itself
    chunkNames: 'chunk-[name]-[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
    loader: { '.elf': 'binary', '.md': 'text', '.yaml': 'text' },
    // tweetnacl is CommonJS and asks for Node's modules by require, which an ES module has not got.
    banner: {
      js: "import { createRequire as nodeRequire } from 'node:module'\nconst require = nodeRequire(import.meta.url)",
    },
  })
}

/** @param {string} path absolute @returns {Generator<string>} files in a fixed order */
function* filesBelow(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return
  if (!stat.isDirectory()) return yield path
  for (const name of readdirSync(path).sort()) yield* filesBelow(join(path, name))
}

/**
 * A hash over names and contents, so that a fresh clone, a branch switch or a restored file are all seen rightly.
 * @param {readonly string[]} sources files and folders
 * @param {string} [root]
 */
export function hashSources(sources, root = projectRoot) {
  const hash = createHash('sha256')
  for (const source of sources) {
    for (const file of filesBelow(join(root, source))) {
      const contents = readFileSync(file)
      hash.update(`${relative(root, file)}\0${contents.length}\0`).update(contents)
    }
  }
  return hash.digest('hex')
}

/** @param {Target} target */
const stampPath = (target) => inProject('dist', '.stamps', target)

/** @param {Target} target */
function readStamp(target) {
  try {
    return readFileSync(stampPath(target), 'utf8')
  } catch {
    return '' // not built yet
  }
}

/**
 * Two commands started at once must not write the same folder: whoever makes the lock folder builds, the other waits.
 * @param {Target} target
 * @param {() => Promise<void>} work
 */
async function alone(target, work) {
  const lock = inProject('dist', '.stamps', `${target}.lock`)
  const oldLockMs = 120_000 // longer than any build: what is older was left by a killed process
  mkdirSync(inProject('dist', '.stamps'), { recursive: true })
  for (let waited = 0; ; waited++) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
      if (age > oldLockMs) rmSync(lock, { recursive: true, force: true })
      if (waited === 20) say(`Waiting for another build of ${target} to finish ...`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  try {
    await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

/**
 * Build those of the targets whose sources changed.
 * @param {readonly Target[]} [names]
 * @param {{ quiet?: boolean, force?: boolean }} [options] quiet: say something only when it takes long
 */
export async function buildIfStale(names = ['renderer', 'electron', 'cli'], { quiet = false, force = false } = {}) {
  for (const name of names) {
    const isFresh = () => !force && readStamp(name) === hashSources(targets[name].sources)
    if (isFresh()) continue
    await alone(name, async () => {
      if (isFresh()) return
      const started = performance.now()
      const slow = setTimeout(() => say(`Building ${name} ...`), quiet ? 2000 : 0)
      const hash = hashSources(targets[name].sources)
      rmSync(stampPath(name), { force: true })
      try {
        await targets[name].build()
      } finally {
        clearTimeout(slow)
      }
      writeFileSync(stampPath(name), hash)
      if (!quiet) say(`Built ${name} in ${secondsSince(started)}.`)
    })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildIfStale(undefined, { force: true })
