// What the app remembers between starts: the window's place and the files opened lately. Small, so kept in memory and
// written whole and at once: the last change comes while the app is closing. A damaged file counts as none.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { RecentFile } from '../ipc/contract.js'

export interface Bounds {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface WindowState extends Bounds {
  readonly isMaximised: boolean
}

const recentFilesMax = 10

export class Preferences {
  private window: WindowState | undefined
  private recent: readonly string[]

  constructor(private readonly path: string) {
    const read = readPreferences(path)
    this.window = read.window
    this.recent = read.recent
  }

  get windowState(): WindowState | undefined {
    return this.window
  }

  get recentFiles(): readonly RecentFile[] {
    return this.recent.map((path) => ({ path, name: basename(path) }))
  }

  rememberWindow(state: WindowState): void {
    this.window = state
    this.write()
  }

  rememberFile(path: string): void {
    this.recent = [path, ...this.recent.filter((other) => other !== path)].slice(0, recentFilesMax)
    this.write()
  }

  forgetFile(path: string): void {
    this.recent = this.recent.filter((other) => other !== path)
    this.write()
  }

  forgetFiles(): void {
    this.recent = []
    this.write()
  }

  /** A disk that refuses costs the memory of a window's place, not the session. */
  private write(): void {
    const draft = `${this.path}.draft`
    try {
      writeFileSync(draft, JSON.stringify({ window: this.window, recent: this.recent }, undefined, 2))
      renameSync(draft, this.path)
    } catch (error) {
      console.error(`${this.path} cannot be written: ${String(error)}`)
    }
  }
}

function readPreferences(path: string): { window: WindowState | undefined; recent: readonly string[] } {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { window: undefined, recent: [] } // none yet, or damaged
  }
  const { window, recent } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  return {
    window: isWindowState(window) ? window : undefined,
    recent: Array.isArray(recent) ? recent.filter((item) => typeof item === 'string').slice(0, recentFilesMax) : [],
  }
}

function isWindowState(value: unknown): value is WindowState {
  if (typeof value !== 'object' || value === null) return false
  const state = value as Record<string, unknown>
  return (
    ['x', 'y', 'width', 'height'].every((key) => Number.isInteger(state[key])) && typeof state.isMaximised === 'boolean'
  )
}

/**
 * Where the window goes: where it was, if enough of its title bar would be on a display that is still there.
 * @param areas the displays' work areas
 */
export function placeWindow(state: WindowState | undefined, areas: readonly Bounds[]): Partial<Bounds> {
  const smallest = { width: 800, height: 600 }
  if (!state) return { width: 1440, height: 900 }
  const width = Math.max(state.width, smallest.width)
  const height = Math.max(state.height, smallest.height)
  const isReachable = areas.some(
    (area) =>
      state.x + width >= area.x + 100 &&
      state.x <= area.x + area.width - 100 &&
      state.y >= area.y - 10 &&
      state.y <= area.y + area.height - 50,
  )
  return isReachable ? { x: state.x, y: state.y, width, height } : { width, height }
}
