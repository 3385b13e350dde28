// Debian packages the window and the tests need: found, and installed where that is nobody's surprise.
import { existsSync, readdirSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { run } from './process.mjs'
import { askYes, isInteractive, say, secondsSince } from './terminal.mjs'

// A name with alternatives: Ubuntu 24.04 and Debian 13 renamed libraries for 64-bit time.
const windowPackages = [
  ['libgtk-3-0', 'libgtk-3-0t64'],
  ['libnss3'],
  ['libasound2', 'libasound2t64'],
  ['libgbm1'],
  ['libxss1'],
  ['libatk-bridge2.0-0', 'libatk-bridge2.0-0t64'],
  ['libcups2', 'libcups2t64'],
  ['libdrm2'],
  ['libxkbcommon0'],
  ['fonts-dejavu-core'],
]

const testPackages = [
  ['tshark'],
  ['qemu-system-misc'],
  ['gcc-riscv64-unknown-elf'],
  ['binutils-riscv64-unknown-elf'],
  ['chromium'],
  ['xvfb'],
  ['xauth'],
  ['openssh-client'],
  ['openssh-server'],
  ['openssl'],
  ['swtpm'],
  ['curl'],
  ['redis-tools'],
  ['socat'],
  ['iproute2'],
  ['util-linux'],
]

/** @typedef {'window' | 'tests'} Purpose */
/** @type {Record<Purpose, readonly (readonly string[])[]>} */
export const packagesFor = { window: windowPackages, tests: [...windowPackages, ...testPackages] }

/**
 * @param {readonly (readonly string[])[]} wanted each with its alternative names
 * @param {ReadonlySet<string>} installed
 */
export function missingPackages(wanted, installed) {
  return wanted.filter((names) => !names.some((name) => installed.has(name)))
}

/**
 * The names to hand to apt: of each package the first name the archive has. What no archive has is left out and named,
 * since one unknown name makes apt refuse all the others.
 * @param {readonly (readonly string[])[]} missing
 * @param {ReadonlySet<string>} available
 */
export function planInstallation(missing, available) {
  const found = missing.map((names) => names.find((name) => available.has(name)))
  return {
    install: found.filter((name) => name !== undefined),
    unavailable: missing.filter((_, index) => found[index] === undefined).map((names) => names[0] ?? ''),
  }
}

/**
 * What to do about missing packages.
 * @param {{ isRoot: boolean, interactive: boolean, hasSudo: boolean }} circumstances
 * @returns {'install' | 'ask' | 'print'}
 */
export function installationManner({ isRoot, interactive, hasSudo }) {
  if (interactive) return isRoot || hasSudo ? 'ask' : 'print'
  return isRoot ? 'install' : 'print'
}

/** @param {readonly string[]} names @returns {Set<string>} */
function queryInstalled(names) {
  const query = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n', ...names], { encoding: 'utf8' })
  const lines = (query.stdout ?? '').split('\n').filter((line) => line.endsWith(' installed'))
  return new Set(lines.map((line) => line.split(' ')[0] ?? ''))
}

/** Which names apt could install. A virtual package has no candidate. @param {readonly string[]} names @returns {Set<string>} */
function queryAvailable(names) {
  const policy = spawnSync('apt-cache', ['policy', ...names], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  const blocks = (policy.stdout ?? '').split(/^(?=\S+:$)/m)
  const withCandidate = blocks.filter((block) => /^ {2}Candidate: (?!\(none\))/m.test(block))
  return new Set(withCandidate.map((block) => block.slice(0, block.indexOf(':'))))
}

const hasPackageLists = () =>
  existsSync('/var/lib/apt/lists') && readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'))

/** @param {string} program */
const isOnPath = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/**
 * Make the packages of a purpose present where this may be done, and say what is missing otherwise. Never throws and
 * never waits unseen: what can run without them runs.
 * @param {Purpose} purpose
 * @returns {Promise<string[]>} what is still missing
 */
export async function ensureSystemPackages(purpose) {
  if (process.platform !== 'linux' || !isOnPath('dpkg-query') || !isOnPath('apt-get')) return []
  const wanted = packagesFor[purpose]
  const stillMissing = () => missingPackages(wanted, queryInstalled(wanted.flat()))
  const missing = stillMissing()
  if (missing.length === 0) return []

  const what = purpose === 'window' ? 'Electron needs' : 'The tests need'
  say(`${what} system packages that are not installed: ${missing.map(([name]) => name).join(' ')}`)
  const isRoot = process.getuid?.() === 0
  const manner = installationManner({ isRoot, interactive: isInteractive(), hasSudo: isOnPath('sudo') })
  const prefix = isRoot ? [] : ['sudo']
  const planned = planInstallation(missing, queryAvailable(missing.flat()))
  // With stale or empty lists apt knows no candidates: show the plain names then.
  const shownNames = planned.install.length > 0 ? planned.install : missing.map(([name]) => name ?? '')
  const shown = [...prefix, 'apt-get', 'install', '--no-install-recommends', ...shownNames].join(' ')

  const agreed = manner === 'install' || (manner === 'ask' && (await askYes(`Install them now with: ${shown} ?`)))
  if (!agreed) {
    say(`Going on without them. To install them:\n  ${shown}`)
    return missing.map(([name]) => name ?? '')
  }
  await install(prefix, missing)
  const left = stillMissing().map(([name]) => name ?? '')
  if (left.length > 0) say(`Still missing: ${left.join(' ')}. What needs them will say so.`)
  return left
}

/**
 * @param {readonly string[]} prefix sudo or nothing
 * @param {readonly (readonly string[])[]} missing
 */
async function install(prefix, missing) {
  const started = performance.now()
  /** @param {string[]} args */
  const aptGet = async (...args) => {
    const command = [
      ...prefix,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-o',
      'DPkg::Lock::Timeout=180',
      ...args,
    ]
    const { status } = await run(command[0] ?? '', command.slice(1), { interactive: isInteractive() })
    return status === 0
  }
  let plan = planInstallation(missing, queryAvailable(missing.flat()))
  if (!hasPackageLists() || plan.unavailable.length > 0) {
    say('Reading the package lists (apt-get update) ...')
    await aptGet('update', '-qq')
    plan = planInstallation(missing, queryAvailable(missing.flat()))
  }
  if (plan.unavailable.length > 0) say(`This system's archive has no ${plan.unavailable.join(', ')}.`)
  if (plan.install.length === 0) return
  say(`Installing ${plan.install.length} system packages (apt-get install) ...`)
  const arguments_ = ['install', '-y', '-qq', '--no-install-recommends', ...plan.install]
  // Old lists name versions the archive no longer holds: one more try with new lists.
  const done = (await aptGet(...arguments_)) || ((await aptGet('update', '-qq')) && (await aptGet(...arguments_)))
  say(done ? `System packages installed in ${secondsSince(started)}.` : 'apt-get failed; its own words are above.')
}
