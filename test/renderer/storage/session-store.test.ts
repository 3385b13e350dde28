import { describe, expect, test } from 'vitest'
import type { DesktopApi, SavedSession as KeptFile, SessionToSave } from '../../../electron/ipc/contract.js'
import type { SessionFile } from '../../../renderer/engine/contract.js'
import { desktopStore, isSessionFile, savedSession } from '../../../renderer/storage/session-store.js'

const file: SessionFile = {
  format: 'midstream-session',
  version: 1,
  id: 'one',
  labId: '01-first-crossing',
  seed: '5eed',
  savedAtMs: 1000,
  virtualNs: 2e9,
  stepsDone: 2,
  stepCount: 6,
  title: 'First crossing',
  log: [{ at: 0 }],
}

/** The desktop's files, in memory. */
function desktopInMemory(): DesktopApi {
  const kept = new Map<string, KeptFile>()
  const api: Pick<DesktopApi, 'saveSession' | 'loadSession' | 'listSessions' | 'removeSession'> = {
    saveSession({ id, title, octets }: SessionToSave) {
      kept.set(id, { id, title, savedAtMs: 1, octets: octets.length, contents: octets })
      return Promise.resolve()
    },
    loadSession: (id) => Promise.resolve(kept.get(id)),
    listSessions: () => Promise.resolve([...kept.values()]),
    removeSession(id) {
      kept.delete(id)
      return Promise.resolve()
    },
  }
  return api as DesktopApi
}

describe('desktopStore', () => {
  test('gives back what was kept', async () => {
    const store = desktopStore(desktopInMemory())
    await store.write(file)
    expect(await store.read('one')).toEqual(file)
    expect(await store.list()).toEqual([savedSession(file)])
    await store.remove('one')
    expect(await store.read('one')).toBeNull()
  })

  test('a damaged file is left out of the list', async () => {
    const api = desktopInMemory()
    const store = desktopStore(api)
    await store.write(file)
    await api.saveSession({ id: 'two', title: 'x', octets: new TextEncoder().encode('{"format":') })
    await api.saveSession({ id: 'three', title: 'x', octets: new TextEncoder().encode('{"format":"other"}') })
    expect((await store.list()).map(({ id }) => id)).toEqual(['one'])
  })
})

test('isSessionFile wants every field', () => {
  expect(isSessionFile(file)).toBe(true)
  for (const key of Object.keys(file)) expect(isSessionFile({ ...file, [key]: null }), key).toBe(false)
  expect(isSessionFile(null)).toBe(false)
})
