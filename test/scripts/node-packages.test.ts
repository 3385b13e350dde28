import { describe, expect, it } from 'vitest'
import { nodeIsTooOld, staleNodePackages } from '../../scripts/node-packages.mjs'

const locked = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/vue': { version: '3.5.45' },
    'node_modules/@esbuild/win32-x64': { version: '0.28.2', optional: true },
  },
}

describe('staleNodePackages', () => {
  it('is content when all but other platforms’ packages are there', () => {
    expect(staleNodePackages(locked, { packages: { 'node_modules/vue': { version: '3.5.45' } } })).toEqual([])
  })

  it('names what is missing or of another version', () => {
    expect(staleNodePackages(locked, undefined)).toEqual(['node_modules/vue'])
    expect(staleNodePackages(locked, { packages: { 'node_modules/vue': { version: '3.5.44' } } })).toEqual([
      'node_modules/vue',
    ])
  })
})

describe('nodeIsTooOld', () => {
  it.each(['v18.20.0', 'v20.18.3'])('%s is', (version) => expect(nodeIsTooOld(version)).toBe(true))
  it.each(['v20.19.0', 'v22.0.0', 'v24.1.0'])('%s is not', (version) => expect(nodeIsTooOld(version)).toBe(false))
})
