// Node packages: installed when they are missing or differ from package-lock.json.
import { readFileSync } from 'node:fs'
import { inProject } from './project.mjs'
import { runNpm } from './process.mjs'
import { say, secondsSince } from './terminal.mjs'

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, peer?: boolean }} LockedPackage */
/** @typedef {{ packages?: Record<string, LockedPackage> }} LockFile */

/** npm refuses older ones too late and less clearly. @param {string} version */
export function nodeIsTooOld(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major < 20 || (major === 20 && minor < 19)
}

/**
 * What of the lock file is not installed as locked. npm writes the second file, node_modules/.package-lock.json, last of
 * all, so an interrupted installation is missing it. Optional packages belong to other platforms and may be absent.
 * @param {LockFile} locked
 * @param {LockFile | undefined} installed
 * @returns {string[]} names of folders below the project
 */
export function staleNodePackages(locked, installed) {
  return Object.entries(locked.packages ?? {})
    .filter(([path, { optional }]) => path !== '' && !optional)
    .filter(([path, { version }]) => installed?.packages?.[path]?.version !== version)
    .map(([path]) => path)
}

/** @param {string} path @returns {LockFile | undefined} */
function readLockFile(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new Error(`${path} cannot be read: ${String(error)}`)
  }
}

/** Install what the lock file names, unless it is there. Throws an Error to show when npm fails. */
export async function ensureNodePackages() {
  if (nodeIsTooOld(process.version)) {
    throw new Error(`Midstream needs Node 20.19 or later; this is ${process.version}.`)
  }
  const locked = readLockFile(inProject('package-lock.json'))
  if (!locked) throw new Error('package-lock.json is missing: this is not a whole copy of the project.')
  const stale = staleNodePackages(locked, readLockFile(inProject('node_modules', '.package-lock.json')))
  if (stale.length === 0) return
  say(`Installing ${stale.length} node packages (npm ci). This takes a minute or so the first time ...`)
  const started = performance.now()
  const { status } = await runNpm(['ci', '--no-audit', '--no-fund'], { cwd: inProject() })
  if (status !== 0) throw new Error(`npm ci failed with status ${status}; its own words are above.`)
  say(`Node packages installed in ${secondsSince(started)}.`)
}
