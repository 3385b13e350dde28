import { describe, expect, it } from 'vitest'
import {
  chooseRuntime,
  electronExecutableName,
  hasDisplay,
  overriddenElectron,
} from '../../scripts/electron-runtime.mjs'

const nothing = {
  override: undefined,
  runtime: undefined,
  hasDisplay: true,
  official: undefined,
  agreedRegistry: undefined,
}
const everything = { ...nothing, override: '/mine', official: '/official', agreedRegistry: '/registry' }

describe('chooseRuntime', () => {
  it('takes what the user named before anything else', () => {
    expect(chooseRuntime(everything)).toMatchObject({ kind: 'electron', path: '/mine' })
  })

  it('takes the official binary before the one of the registry', () => {
    expect(chooseRuntime({ ...everything, override: undefined })).toMatchObject({ kind: 'electron', path: '/official' })
  })

  it('takes the registry-only runtime without asking again', () => {
    expect(chooseRuntime({ ...nothing, agreedRegistry: '/registry' })).toMatchObject({
      kind: 'electron',
      path: '/registry',
    })
  })

  it('downloads the official one before it offers the other', () => {
    expect(chooseRuntime(nothing)).toEqual({ kind: 'fetch', sources: ['download-official', 'offer-registry'] })
  })

  it('obeys --runtime', () => {
    const asked = { ...everything, override: undefined }
    expect(chooseRuntime({ ...asked, runtime: 'registry' })).toMatchObject({ path: '/registry' })
    expect(chooseRuntime({ ...nothing, runtime: 'registry' })).toEqual({ kind: 'fetch', sources: ['fetch-registry'] })
    expect(chooseRuntime({ ...nothing, agreedRegistry: '/registry', runtime: 'official' })).toEqual({
      kind: 'fetch',
      sources: ['download-official'],
    })
    expect(chooseRuntime({ ...everything, runtime: 'browser' })).toMatchObject({ kind: 'browser' })
  })

  it('serves where there is no display, whatever is installed, and fetches nothing', () => {
    for (const runtime of [undefined, 'official', 'registry'] as const) {
      const choice = chooseRuntime({ ...everything, runtime, hasDisplay: false })
      expect(choice).toMatchObject({ kind: 'browser', why: expect.stringContaining('no display') as string })
    }
  })
})

describe('hasDisplay', () => {
  it('believes Linux only when a display is named', () => {
    expect(hasDisplay({}, 'linux')).toBe(false)
    expect(hasDisplay({ DISPLAY: ':0' }, 'linux')).toBe(true)
    expect(hasDisplay({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toBe(true)
    expect(hasDisplay({}, 'darwin')).toBe(true)
    expect(hasDisplay({}, 'win32')).toBe(true)
  })
})

describe('overriddenElectron', () => {
  it('prefers the flag, then MIDSTREAM_ELECTRON, then ELECTRON_OVERRIDE_DIST_PATH', () => {
    const env = { MIDSTREAM_ELECTRON: process.execPath, ELECTRON_OVERRIDE_DIST_PATH: '/nowhere' }
    expect(overriddenElectron(undefined, env)).toBe(process.execPath)
    expect(overriddenElectron(undefined, {})).toBeUndefined()
    expect(() => overriddenElectron('/nowhere/electron', env)).toThrow('/nowhere/electron')
  })
})

describe('electronExecutableName', () => {
  it('follows the platform', () => {
    expect(electronExecutableName('win32')).toBe('electron.exe')
    expect(electronExecutableName('darwin')).toMatch(/Electron$/)
  })
})
