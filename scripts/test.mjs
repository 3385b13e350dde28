// npm test: everything, on a machine that may be fresh. `node scripts/test.mjs check` runs the fast circle, other names
// (scripts/suites.mjs) run single steps. One that fails does not stop the rest; the exit status tells at the end.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { buildIfStale } from './build.mjs'
import { electronForTests } from './electron-runtime.mjs'
import { ensureNodePackages } from './node-packages.mjs'
import { runNpm } from './process.mjs'
import { inProject } from './project.mjs'
import { selectSteps, tallyPlaywright, tallyVitest } from './suites.mjs'
import { ensureSystemPackages } from './system-packages.mjs'
import { say, secondsSince } from './terminal.mjs'

const reports = inProject('test-results', 'reports')

/** @typedef {import('./suites.mjs').Tally & { ok: boolean }} Result */

/**
 * @param {import('./suites.mjs').Step} step
 * @param {{ quiet?: boolean }} [options] quiet: keep what it says, to be shown when it is done
 * @returns {Promise<Result & { output: string }>}
 */
async function runStep({ name, command, runner }, { quiet = false } = {}) {
  const report = `${reports}/${name}.json`
  rmSync(report, { force: true })
  const reporting =
    runner === 'vitest'
      ? ['--', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      : runner === 'playwright'
        ? ['--', '--reporter=list,json']
        : []
  const { status, output } = await runNpm(['run', '--silent', ...command, ...reporting], {
    cwd: inProject(),
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    quiet,
  })
  const ok = status === 0
  if (!runner) return { ok, output, passed: 0, failed: ok ? 0 : 1, skipped: 0 }
  if (!existsSync(report)) return { ok: false, output, passed: 0, failed: 1, skipped: 0 } // the runner itself broke
  const value = JSON.parse(readFileSync(report, 'utf8'))
  const tally = runner === 'vitest' ? tallyVitest(value) : tallyPlaywright(value)
  // A runner may fail for what is no test, such as an unhandled rejection.
  return { ok, output, ...tally, failed: !ok && tally.failed === 0 ? 1 : tally.failed }
}

/**
 * Run the steps, each announced, and say each one's outcome. Checks use one core each: two go side by side.
 * @param {readonly import('./suites.mjs').Step[]} chosen
 */
async function runSteps(chosen) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  /** @type {string[]} */
  const summary = []
  /** @param {import('./suites.mjs').Step} step @param {boolean} quiet */
  const runAnnounced = async (step, quiet) => {
    const started = performance.now()
    say(`\n── ${step.title}${quiet ? ' ...' : ''}`)
    const result = await runStep(step, { quiet })
    if (quiet && !result.ok) say(result.output.trimEnd())
    for (const key of /** @type {const} */ (['passed', 'failed', 'skipped'])) total[key] += result[key]
    const counts = step.runner ? ` ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped` : ''
    const line = `${result.ok ? 'ok    ' : 'FAILED'} ${step.name.padEnd(12)}${secondsSince(started).padStart(8)}${counts}`
    summary.push(line)
    say(line)
  }
  const waiting = chosen.filter((step) => !step.runner)
  const lane = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) await runAnnounced(step, true)
  }
  await Promise.all([lane(), lane()])
  for (const step of chosen.filter((step) => step.runner)) await runAnnounced(step, false)
  return { total, summary }
}

/** @param {readonly string[]} names */
async function main(names) {
  const started = performance.now()
  const chosen = selectSteps(names)
  await ensureNodePackages()
  if (chosen.some((step) => step.group === 'suite')) {
    await ensureSystemPackages('tests')
    await buildIfStale()
  }
  if (chosen.some((step) => step.runner === 'playwright')) say(`Electron for the tests: ${await electronForTests()}`)

  mkdirSync(reports, { recursive: true })
  const { total, summary } = await runSteps(chosen)
  say(`\n── summary, ${secondsSince(started)}\n${summary.join('\n')}\n`)
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`)
  return total.failed === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
