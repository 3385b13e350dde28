import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { placeWindow, Preferences } from '../../../electron/main/preferences.js'

let path: string
beforeEach(async () => (path = join(await mkdtemp(join(tmpdir(), 'midstream-preferences-')), 'preferences.json')))
afterEach(() => rm(join(path, '..'), { recursive: true, force: true }))

const state = { x: 10, y: 20, width: 1200, height: 800, isMaximised: false }

describe('Preferences', () => {
  it('remembers the window and the latest ten files', () => {
    const preferences = new Preferences(path)
    preferences.rememberWindow(state)
    for (let n = 0; n < 12; n++) preferences.rememberFile(`/captures/${n}.pcapng`)
    preferences.rememberFile('/captures/5.pcapng')

    const again = new Preferences(path)
    expect(again.windowState).toEqual(state)
    expect(again.recentFiles).toHaveLength(10)
    expect(again.recentFiles.slice(0, 2).map(({ name }) => name)).toEqual(['5.pcapng', '11.pcapng'])
    again.forgetFiles()
    expect(new Preferences(path).recentFiles).toEqual([])
  })

  it.each(['', 'not json', 'null', '[]', '{"window":{"x":"0"},"recent":[1,null]}', '{"window":7,"recent":{}}'])(
    'takes a damaged file for none: %j',
    async (text) => {
      await writeFile(path, text)
      const preferences = new Preferences(path)
      expect(preferences.windowState).toBeUndefined()
      expect(preferences.recentFiles).toEqual([])
    },
  )
})

describe('placeWindow', () => {
  const display = { x: 0, y: 0, width: 1920, height: 1080 }

  it('puts the window where it was', () => {
    expect(placeWindow(state, [display])).toEqual({ x: 10, y: 20, width: 1200, height: 800 })
  })

  it('leaves the place to the system when its display is gone', () => {
    expect(placeWindow({ ...state, x: 2500 }, [display])).toEqual({ width: 1200, height: 800 })
    expect(placeWindow({ ...state, y: -400 }, [display])).not.toHaveProperty('x')
  })

  it('never makes it too small to use', () => {
    expect(placeWindow({ ...state, width: 1, height: 1 }, [display])).toMatchObject({ width: 800, height: 600 })
  })
})
