/** Where sessions are kept between two starts: the desktop's files, or the browser's IndexedDB. */
import type { DesktopApi } from '../../electron/ipc/contract.js'
import type { SavedSession, SessionFile } from '../engine/contract.js'

export interface SessionStore {
  /** The newest first. */
  list(): Promise<readonly SavedSession[]>
  read(id: string): Promise<SessionFile | null>
  write(file: SessionFile): Promise<void>
  remove(id: string): Promise<void>
}

const MOST_LISTED = 12

export function isSessionFile(value: unknown): value is SessionFile {
  if (typeof value !== 'object' || value === null) return false
  const file = value as Partial<Record<keyof SessionFile, unknown>>
  return (
    file.format === 'midstream-session' &&
    file.version === 1 &&
    typeof file.id === 'string' &&
    typeof file.labId === 'string' &&
    typeof file.seed === 'string' &&
    typeof file.title === 'string' &&
    typeof file.savedAtMs === 'number' &&
    typeof file.virtualNs === 'number' &&
    typeof file.stepsDone === 'number' &&
    typeof file.stepCount === 'number' &&
    (file.guest === undefined || typeof file.guest === 'string') &&
    (file.profile === undefined || typeof file.profile === 'string') &&
    Array.isArray(file.log)
  )
}

export function savedSession({
  id,
  labId,
  title,
  savedAtMs,
  virtualNs,
  stepsDone,
  stepCount,
}: SessionFile): SavedSession {
  return { id, labId, title, savedAtMs, virtualNs, stepsDone, stepCount }
}

export function desktopStore(api: DesktopApi): SessionStore {
  async function read(id: string): Promise<SessionFile | null> {
    const saved = await api.loadSession(id)
    if (saved === undefined) return null
    const value: unknown = JSON.parse(new TextDecoder().decode(saved.contents))
    return isSessionFile(value) ? value : null
  }
  return {
    read,
    async list() {
      const entries = await api.listSessions()
      const files = await Promise.all(entries.slice(0, MOST_LISTED).map(({ id }) => read(id).catch(() => null)))
      return files.filter((file) => file !== null).map(savedSession)
    },
    write: (file) =>
      api.saveSession({ id: file.id, title: file.title, octets: new TextEncoder().encode(JSON.stringify(file)) }),
    remove: (id) => api.removeSession(id),
  }
}

const DATABASE = 'midstream'
const SESSIONS = 'sessions'

export function browserStore(factory: IDBFactory = indexedDB): SessionStore {
  let opened: Promise<IDBDatabase> | null = null
  function open(): Promise<IDBDatabase> {
    opened ??= new Promise((resolve, reject) => {
      const request = factory.open(DATABASE, 1)
      request.onupgradeneeded = () => request.result.createObjectStore(SESSIONS, { keyPath: 'id' })
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('The browser refused to keep data'))
    })
    return opened
  }
  async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const database = await open()
    return new Promise((resolve, reject) => {
      const request = act(database.transaction(SESSIONS, mode).objectStore(SESSIONS))
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('The browser refused to keep data'))
    })
  }
  return {
    async list() {
      const files: unknown[] = await run('readonly', (store) => store.getAll())
      return files
        .filter(isSessionFile)
        .map(savedSession)
        .sort((a, b) => b.savedAtMs - a.savedAtMs)
        .slice(0, MOST_LISTED)
    },
    async read(id) {
      const file: unknown = await run('readonly', (store) => store.get(id))
      return isSessionFile(file) ? file : null
    },
    async write(file) {
      await run('readwrite', (store) => store.put(file))
    },
    async remove(id) {
      await run('readwrite', (store) => store.delete(id))
    },
  }
}
