import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SessionStore } from '../../../electron/main/session-store.js'

let folder: string
let clock: number
const now = () => ++clock
const limits = { sessionOctets: 1000, totalOctets: 2000, sessions: 3 }
const octets = (...values: number[]) => new Uint8Array(values)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-sessions-'))
  clock = 0
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('SessionStore', () => {
  it('gives back what was saved, also to a later process', async () => {
    await new SessionStore(folder, limits, now).save({ id: 'a', title: 'Überfahrt\n1', octets: octets(10, 0, 10, 255) })
    const loaded = await new SessionStore(folder, limits, now).load('a')
    expect(loaded).toEqual({
      id: 'a',
      title: 'Überfahrt\n1',
      savedAtMs: 1,
      octets: 4,
      contents: octets(10, 0, 10, 255),
    })
  })

  it('has nothing before the first save, and nothing of an unknown name', async () => {
    const store = new SessionStore(join(folder, 'not-there-yet'), limits, now)
    expect(await store.list()).toEqual([])
    expect(await store.load('a')).toBeUndefined()
    await store.remove('a')
  })

  it('lists the newest first and replaces a session of the same name', async () => {
    const store = new SessionStore(folder, limits, now)
    await Promise.all(
      ['a', 'b', 'a'].map((id, index) => store.save({ id, title: `${id}${index}`, octets: octets(index) })),
    )
    expect((await store.list()).map(({ title }) => title)).toEqual(['a2', 'b1'])
  })

  it('drops the oldest beyond its limits, never the one just saved', async () => {
    const store = new SessionStore(folder, limits, now)
    for (const id of ['a', 'b', 'c', 'd']) await store.save({ id, title: id, octets: octets(1) })
    expect((await store.list()).map(({ id }) => id)).toEqual(['d', 'c', 'b'])
    await store.save({ id: 'e', title: 'e', octets: new Uint8Array(1000) })
    await store.save({ id: 'f', title: 'f', octets: new Uint8Array(1000) })
    expect((await store.list()).map(({ id }) => id)).toEqual(['f', 'e'])
  })

  it('refuses a session that is too large and keeps the one before', async () => {
    const store = new SessionStore(folder, limits, now)
    await store.save({ id: 'a', title: 'a', octets: octets(7) })
    await expect(store.save({ id: 'a', title: 'a', octets: new Uint8Array(1001) })).rejects.toThrow('too large')
    expect((await store.load('a'))?.contents).toEqual(octets(7))
    expect(await readdir(folder)).toEqual(['a.session'])
  })

  it('passes over damaged files', async () => {
    const store = new SessionStore(folder, limits, now)
    await store.save({ id: 'good', title: 'good', octets: octets(1) })
    const head = 'midstream-session 1\n'
    const damaged = [
      '',
      'something else',
      head,
      `${head}{`,
      `${head}null\n`,
      `${head}{"id":"other","title":"t","savedAtMs":1}\n`,
    ]
    for (const [index, text] of damaged.entries()) await writeFile(join(folder, `bad-${index}.session`), text)
    expect((await store.list()).map(({ id }) => id)).toEqual(['good'])
    expect(await store.load('bad-3')).toBeUndefined()
  })

  it('refuses names that would leave its folder', async () => {
    await expect(new SessionStore(folder).load('../secret')).rejects.toThrow('not the name')
  })
})
