import { describe, expect, it } from 'vitest'
import { selectSteps, steps, tallyPlaywright, tallyVitest } from '../../scripts/suites.mjs'

describe('selectSteps', () => {
  it('takes all, a group, or steps by name, in their order', () => {
    expect(selectSteps([])).toEqual(steps)
    expect(selectSteps(['check']).map(({ name }) => name)).toContain('unit')
    expect(selectSteps(['e2e', 'lint']).map(({ name }) => name)).toEqual(['lint', 'e2e'])
    expect(() => selectSteps(['lnit'])).toThrow("no step 'lnit'")
  })
})

describe('tallies', () => {
  it('count a test file that does not load as a failure', () => {
    const report = {
      numPassedTests: 3,
      numFailedTests: 1,
      numPendingTests: 2,
      testResults: [
        { status: 'failed', assertionResults: [{ status: 'failed' }] },
        { status: 'failed', assertionResults: [] },
        { status: 'passed', assertionResults: [{ status: 'passed' }] },
      ],
    }
    expect(tallyVitest(report)).toEqual({ passed: 3, failed: 2, skipped: 2 })
  })

  it('count Playwright’s errors outside tests', () => {
    const stats = { expected: 5, unexpected: 1, flaky: 1, skipped: 1 }
    expect(tallyPlaywright({ stats, errors: ['the set-up broke'] })).toEqual({ passed: 6, failed: 2, skipped: 1 })
  })
})
