// The one window: made where it was last, kept until its page has put its session away.
import { BrowserWindow, nativeTheme, screen } from 'electron'
import type { IpcEvents, Theme } from '../ipc/contract.js'
import { placeWindow } from './preferences.js'
import type { Preferences } from './preferences.js'
import { appUrl, webPreferences } from './security.js'

/** How long a page may take to keep its session when the window closes. */
const closingMs = 2000

export class LabWindow {
  readonly window: BrowserWindow
  private isPageLoaded = false
  private mayClose = false
  private isClosing = false
  private readonly waiting: (() => void)[] = []

  constructor(
    preload: string,
    private readonly preferences: Preferences,
  ) {
    const state = preferences.windowState
    this.window = new BrowserWindow({
      ...placeWindow(
        state,
        screen.getAllDisplays().map((display) => display.workArea),
      ),
      minWidth: 800,
      minHeight: 600,
      title: 'Midstream',
      show: false, // until it has something to show
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#0c121b' : '#eef1f5',
      webPreferences: webPreferences(preload),
    })
    if (state?.isMaximised) this.window.maximize()
    this.window.once('ready-to-show', () => this.window.show())
    this.window.on('close', (event) => this.onClose(event))
    this.window.webContents.on('did-start-loading', () => (this.isPageLoaded = false))
    this.window.webContents.on('did-finish-load', () => this.onLoaded())
  }

  /** Throws when the page cannot be loaded; a window closed or reloaded meanwhile is no failure. */
  async load(): Promise<void> {
    try {
      await this.window.loadURL(appUrl)
    } catch (error) {
      const isAborted = error instanceof Error && 'code' in error && error.code === 'ERR_ABORTED'
      if (!this.isClosing && !isAborted) throw error
    }
  }

  /** Tell the page, as soon as it can hear. */
  send<E extends keyof IpcEvents>(event: E, value: IpcEvents[E]): void {
    if (this.window.isDestroyed()) return
    const deliver = () => this.window.webContents.send(event, value)
    if (this.isPageLoaded) deliver()
    else this.waiting.push(deliver)
  }

  setTheme(theme: Theme): void {
    nativeTheme.themeSource =
      theme === 'dark' || theme === 'high-contrast' ? 'dark' : theme === 'system' ? 'system' : 'light'
  }

  /** The page has kept what it had to keep. */
  closeNow(): void {
    if (this.window.isDestroyed()) return
    this.mayClose = true
    this.window.close()
  }

  focus(): void {
    if (this.window.isMinimized()) this.window.restore()
    this.window.focus()
  }

  private onLoaded(): void {
    this.isPageLoaded = true
    for (const deliver of this.waiting.splice(0)) deliver()
  }

  private onClose(event: Electron.Event): void {
    this.isClosing = true
    if (this.mayClose) return
    const bounds = this.window.getNormalBounds()
    this.preferences.rememberWindow({ ...bounds, isMaximised: this.window.isMaximized() })
    if (!this.isPageLoaded || this.window.webContents.isCrashed()) return
    event.preventDefault()
    this.window.webContents.send('window:closing', null)
    setTimeout(() => this.closeNow(), closingMs)
  }
}
