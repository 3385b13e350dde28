/** Mounts the window on an engine: the worker's, or a stand-in while developing and in tests. */
import { createApp } from 'vue'
import App from './App.vue'
import type { EngineSource } from './engine/client.js'
import { desktop } from './desktop.js'
import { browserStore, desktopStore } from './storage/session-store.js'

export function openWindow(selector: string, engine: EngineSource): void {
  const api = desktop()
  createApp(App, { engine, store: api === null ? browserStore() : desktopStore(api) }).mount(selector)
}
