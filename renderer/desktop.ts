/** The desktop's side of the window: files, menus, kept sessions. Null in a browser. */
import type { DesktopApi } from '../electron/ipc/contract.js'

declare global {
  interface Window {
    readonly midstream?: DesktopApi
  }
}

export function desktop(): DesktopApi | null {
  return window.midstream ?? null
}
