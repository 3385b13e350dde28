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

/**
 * @param {import('./suites.mjs').Step} step
 * @returns {Promise<import('./suites.mjs').Tally & { ok: boolean }>}
 */
async function runStep({ name, command, runner }) {
  const report = `${reports}/${name}.json`
  rmSync(report, { force: true })
  const reporting =
    runner === 'vitest'
      ? ['--', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      : runner === 'playwright'
        ? ['--', '--reporter=list,json']
        : []
  const { status } = await runNpm(['run', '--silent', ...command, ...reporting], {
    cwd: inProject(),
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
  })
  const ok = status === 0
  if (!runner) return { ok, passed: 0, failed: ok ? 0 : 1, skipped: 0 }
  if (!existsSync(report)) return { ok: false, passed: 0, failed: 1, skipped: 0 } // the runner itself broke
  const value = JSON.parse(readFileSync(report, 'utf8'))
  const tally = runner === 'vitest' ? tallyVitest(value) : tallyPlaywright(value)
  // A runner may fail for what is no test, such as an unhandled rejection.
  return { ok, ...tally, failed: !ok && tally.failed === 0 ? 1 : tally.failed }
}

/** @param {readonly string[]} names */
async function main(names) {
  const started = performance.now()
  const chosen = selectSteps(names)
  await ensureNodePackages()
  const hasSuites = chosen.some((step) => step.group === 'suite')
  if (hasSuites) {
    await ensureSystemPackages('tests')
    await buildIfStale()
  }
  if (chosen.some((step) => step.runner === 'playwright')) say(`Electron for the tests: ${await electronForTests()}`)

  mkdirSync(reports, { recursive: true })
  const total = { passed: 0, failed: 0, skipped: 0 }
  /** @type {string[]} */
  const summary = []
  for (const step of chosen) {
    const stepStarted = performance.now()
    say(`\n── ${step.title}`)
    const result = await runStep(step)
    for (const key of /** @type {const} */ (['passed', 'failed', 'skipped'])) total[key] += result[key]
    const counts = step.runner ? ` ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped` : ''
    summary.push(
      `${result.ok ? 'ok    ' : 'FAILED'} ${step.name.padEnd(12)}${secondsSince(stepStarted).padStart(8)}${counts}`,
    )
    say(summary.at(-1) ?? '')
  }
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
