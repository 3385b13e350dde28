import { describe, expect, it } from 'vitest'
import { installationManner, missingPackages, packagesFor, planInstallation } from '../../scripts/system-packages.mjs'

describe('missingPackages', () => {
  it('accepts any of a package’s names', () => {
    const wanted = [['libasound2', 'libasound2t64'], ['tshark'], ['xvfb']]
    expect(missingPackages(wanted, new Set(['libasound2t64', 'xvfb']))).toEqual([['tshark']])
  })

  it('asks the tests for all that the window needs', () => {
    expect(packagesFor.tests).toEqual(expect.arrayContaining([...packagesFor.window]))
  })
})

describe('planInstallation', () => {
  it('takes the name this archive has and leaves out what it has not', () => {
    const missing = [['libgtk-3-0', 'libgtk-3-0t64'], ['chromium'], ['tshark']]
    expect(planInstallation(missing, new Set(['libgtk-3-0t64', 'tshark']))).toEqual({
      install: ['libgtk-3-0t64', 'tshark'],
      unavailable: ['chromium'],
    })
  })
})

describe('installationManner', () => {
  it('installs as root without a terminal, asks a person, and otherwise prints', () => {
    expect(installationManner({ isRoot: true, interactive: false, hasSudo: false })).toBe('install')
    expect(installationManner({ isRoot: true, interactive: true, hasSudo: false })).toBe('ask')
    expect(installationManner({ isRoot: false, interactive: true, hasSudo: true })).toBe('ask')
    expect(installationManner({ isRoot: false, interactive: true, hasSudo: false })).toBe('print')
    expect(installationManner({ isRoot: false, interactive: false, hasSudo: true })).toBe('print')
  })
})
