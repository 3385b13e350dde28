// What `npm test` runs, in order.
//
// The short checks first, since they name most mistakes within a minute; then the suites, each through its own runner,
// whose JSON report is where the numbers come from.

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {'check' | 'suite'} group check: the fast circle of `npm run check`
 * @property {string} title
 * @property {readonly string[]} command an npm script, or a tool with arguments
 * @property {'vitest' | 'playwright'} [runner]
 */

/** @type {readonly Step[]} */
export const steps = [
  { name: 'format', group: 'check', title: 'layout (prettier)', command: ['format'] },
  { name: 'lint', group: 'check', title: 'lint (eslint)', command: ['lint'] },
  { name: 'types', group: 'check', title: 'types (tsc, vue-tsc)', command: ['types'] },
  { name: 'deps', group: 'check', title: 'import rules (dependency-cruiser)', command: ['deps'] },
  { name: 'unused', group: 'check', title: 'unused code (knip)', command: ['unused'] },
  { name: 'unit', group: 'check', title: 'unit tests', command: ['test:unit'], runner: 'vitest' },
  {
    name: 'conformance',
    group: 'suite',
    title: 'conformance with real tools',
    command: ['test:conformance'],
    runner: 'vitest',
  },
  { name: 'simulation', group: 'suite', title: 'seeded simulations', command: ['test:simulation'], runner: 'vitest' },
  {
    name: 'e2e',
    group: 'suite',
    title: 'the window, in Electron and Chromium',
    command: ['test:e2e'],
    runner: 'playwright',
  },
]

/**
 * The steps of a name or of a group; all without names. Throws for a name that is none.
 * @param {readonly string[]} names
 */
export function selectSteps(names) {
  for (const name of names) {
    if (!steps.some((step) => step.name === name || step.group === name)) {
      throw new Error(
        `There is no step '${name}'; there are: check, suite, ${steps.map((step) => step.name).join(', ')}.`,
      )
    }
  }
  return steps.filter((step) => names.length === 0 || names.includes(step.name) || names.includes(step.group))
}

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

/**
 * Vitest's JSON report. A file that cannot even be loaded has no tests: it counts as one failure.
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests?: number, numTodoTests?: number, testResults?: { status: string, assertionResults: { status: string }[] }[] }} report
 * @returns {Tally}
 */
export function tallyVitest(report) {
  const broken = (report.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
  }
}

/**
 * Playwright's JSON report. Errors outside any test (a set-up that failed) count one each.
 * @param {{ stats: { expected: number, unexpected: number, flaky: number, skipped: number }, errors?: unknown[] }} report
 * @returns {Tally}
 */
export function tallyPlaywright({ stats, errors = [] }) {
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected + errors.length, skipped: stats.skipped }
}
