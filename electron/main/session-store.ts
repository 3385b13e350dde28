// Sessions kept on disk, one file each:
//
//   midstream-session 1 LF
//   {"id":…,"title":…,"savedAtMs":…} LF
//   the page's octets, to the end of the file
import { mkdir, open, readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SavedSession, SessionEntry, SessionToSave } from '../ipc/contract.js'
import { writeAtomically } from './atomic-file.js'

export interface SessionStoreLimits {
  /** Octets of one session. */
  readonly sessionOctets: number
  /** Octets of all; the oldest go first. */
  readonly totalOctets: number
  readonly sessions: number
}

const mebioctet = 1024 * 1024
const defaultLimits: SessionStoreLimits = {
  sessionOctets: 512 * mebioctet,
  totalOctets: 2048 * mebioctet,
  sessions: 50,
}

const magic = 'midstream-session 1\n'
const headOctetsMax = 4096

export function isSessionId(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,63}$/.test(value)
}

/** The entry and where the contents start, or nothing for a file of another kind. */
function readHead(head: Buffer, octets: number): { entry: SessionEntry; start: number } | undefined {
  if (head.toString('latin1', 0, magic.length) !== magic) return undefined
  const end = head.indexOf(0x0a, magic.length)
  if (end < 0) return undefined
  try {
    const value: unknown = JSON.parse(head.toString('utf8', magic.length, end))
    if (typeof value !== 'object' || value === null || !('id' in value && 'title' in value && 'savedAtMs' in value))
      return undefined
    const { id, title, savedAtMs } = value
    if (!isSessionId(id) || typeof title !== 'string' || typeof savedAtMs !== 'number') return undefined
    return { entry: { id, title, savedAtMs, octets: octets - end - 1 }, start: end + 1 }
  } catch {
    return undefined // a damaged head
  }
}

export class SessionStore {
  /** One write after another: two saves of the same session must not meet. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly folder: string,
    private readonly limits: SessionStoreLimits = defaultLimits,
    private readonly now: () => number = Date.now,
  ) {}

  save({ id, title, octets }: SessionToSave): Promise<void> {
    return this.inTurn(async () => {
      if (octets.length > this.limits.sessionOctets) {
        throw new Error(
          `The session is too large to keep: ${octets.length} octets of at most ${this.limits.sessionOctets}.`,
        )
      }
      await mkdir(this.folder, { recursive: true })
      const head = `${magic}${JSON.stringify({ id, title: title.slice(0, 200), savedAtMs: this.now() })}\n`
      await writeAtomically(this.path(id), head, octets)
      await this.prune(id)
    })
  }

  load(id: string): Promise<SavedSession | undefined> {
    return this.inTurn(async () => {
      let file: Buffer
      try {
        file = await readFile(this.path(id))
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
      const head = readHead(file, file.length)
      return head && { ...head.entry, contents: new Uint8Array(file.subarray(head.start)) }
    })
  }

  list(): Promise<readonly SessionEntry[]> {
    return this.inTurn(() => this.entries())
  }

  remove(id: string): Promise<void> {
    return this.inTurn(() => rm(this.path(id), { force: true }))
  }

  private path(id: string): string {
    if (!isSessionId(id)) throw new Error('This is not the name of a session.')
    return join(this.folder, `${id}.session`)
  }

  private async entries(): Promise<SessionEntry[]> {
    let names: string[]
    try {
      names = await readdir(this.folder)
    } catch (error) {
      if (isNotFound(error)) return []
      throw error
    }
    const entries: SessionEntry[] = []
    for (const name of names.filter((name) => name.endsWith('.session'))) {
      const path = join(this.folder, name)
      const file = await open(path)
      try {
        const head = Buffer.alloc(headOctetsMax)
        const { bytesRead } = await file.read(head, 0, headOctetsMax, 0)
        const read = readHead(head.subarray(0, bytesRead), (await stat(path)).size)
        if (read && name === `${read.entry.id}.session`) entries.push(read.entry)
      } finally {
        await file.close()
      }
    }
    return entries.sort((a, b) => b.savedAtMs - a.savedAtMs)
  }

  /** Keep within the limits, and the session just saved in any case. */
  private async prune(kept: string): Promise<void> {
    let octets = 0
    let sessions = 0
    const entries = await this.entries()
    entries.sort((a, b) => Number(b.id === kept) - Number(a.id === kept)) // stable: the rest stays newest first
    for (const entry of entries) {
      octets += entry.octets
      sessions += 1
      if (octets <= this.limits.totalOctets && sessions <= this.limits.sessions) continue
      if (entry.id !== kept) await rm(this.path(entry.id), { force: true })
    }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work, work)
    this.last = result.catch(() => undefined) // whoever asked sees the error; the next in turn does not
    return result
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
