// The page's only door to the main process. It runs sandboxed, before the page's scripts.
import { contextBridge, ipcRenderer } from 'electron'
import type { Channel, DesktopApi, IpcAnswer, IpcContract, IpcEvents } from '../ipc/contract.js'

async function ask<C extends Channel>(
  channel: C,
  ...args: Parameters<IpcContract[C]>
): Promise<ReturnType<IpcContract[C]>> {
  const answer = (await ipcRenderer.invoke(channel, ...args)) as IpcAnswer<ReturnType<IpcContract[C]>>
  if (!answer.ok) throw new Error(answer.message)
  return answer.value
}

function listen<E extends keyof IpcEvents>(event: E, listener: (value: IpcEvents[E]) => void): () => void {
  // The page never sees Electron's event object: it carries the sender.
  const forward = (_event: Electron.IpcRendererEvent, value: IpcEvents[E]) => listener(value)
  ipcRenderer.on(event, forward)
  return () => void ipcRenderer.off(event, forward)
}

const closingListeners = new Set<() => Promise<void> | void>()
listen('window:closing', () => {
  void Promise.allSettled([...closingListeners].map(async (listener) => listener())).then(() => ask('window:closed'))
})

const api: DesktopApi = {
  openCapture: () => ask('capture:open'),
  recentCaptures: () => ask('capture:recent'),
  openRecentCapture: (path) => ask('capture:open-recent', path),
  saveFile: (file) => ask('file:save', file),
  saveSession: (session) => ask('session:save', session),
  loadSession: (id) => ask('session:load', id),
  listSessions: () => ask('session:list'),
  removeSession: (id) => ask('session:remove', id),
  setTheme: (theme) => ask('theme:set', theme),
  about: () => ask('app:about'),
  hasWireshark: () => ask('wireshark:find'),
  startWireshark: () => ask('wireshark:start'),
  writeToWireshark: (octets) => ask('wireshark:write', octets),
  endWireshark: () => ask('wireshark:end'),
  onCaptureOpened: (listener) => listen('capture:opened', listener),
  onMenuCommand: (listener) => listen('menu:command', listener),
  onClosing: (listener) => {
    closingListeners.add(listener)
    return () => void closingListeners.delete(listener)
  },
}

contextBridge.exposeInMainWorld('midstream', api)
