// What the page and the main process say to each other: the only place where channels are named and typed. Octets cross
// by copy; errors cross as data.

/** Capture files the lab opens: their extensions, without the dot. `.gz` may follow any of the others. */
export const captureExtensions = ['pcapng', 'pcap', 'qevm', 'gz'] as const

export interface OpenedFile {
  readonly name: string
  readonly octets: Uint8Array
}

export interface RecentFile {
  readonly name: string
  readonly path: string
}

export const savedKinds = ['html', 'json', 'pcapng', 'csv', 'md', 'svg', 'qevm'] as const
/** What a saved file is; also its extension. */
export type SavedKind = (typeof savedKinds)[number]

export interface FileToSave {
  readonly kind: SavedKind
  /** Offered in the dialog: a file name without folder. */
  readonly suggestedName: string
  readonly octets: Uint8Array
}

/** `cancelled`: the person closed the dialog. */
export type SaveOutcome = { readonly status: 'saved'; readonly path: string } | { readonly status: 'cancelled' }

export interface SessionToSave {
  /** Lower-case letters, digits and hyphens, 64 at most: it names the file. */
  readonly id: string
  readonly title: string
  readonly octets: Uint8Array
}

export interface SessionEntry {
  readonly id: string
  readonly title: string
  /** Milliseconds since 1970. */
  readonly savedAtMs: number
  readonly octets: number
}

export interface SavedSession extends SessionEntry {
  readonly contents: Uint8Array
}

export const themes = ['system', 'light', 'dark', 'high-contrast', 'projector'] as const
export type Theme = (typeof themes)[number]

export interface AboutApp {
  readonly version: string
  readonly electron: string
  readonly chromium: string
  readonly node: string
}

/** From the page: each is asked and answered. */
export interface IpcContract {
  /** Shows a dialog; nothing when the person closes it. */
  'capture:open': () => OpenedFile | undefined
  'capture:recent': () => readonly RecentFile[]
  /** Only paths that `capture:recent` lists. */
  'capture:open-recent': (path: string) => OpenedFile
  'file:save': (file: FileToSave) => SaveOutcome
  'session:save': (session: SessionToSave) => void
  'session:load': (id: string) => SavedSession | undefined
  /** The newest first. */
  'session:list': () => readonly SessionEntry[]
  'session:remove': (id: string) => void
  /** So that dialogs, menus and the window's ground follow the page. */
  'theme:set': (theme: Theme) => void
  'app:about': () => AboutApp
  /** Whether Wireshark is installed. */
  'wireshark:find': () => boolean
  /** Opens Wireshark on a capture that comes piece by piece; one at a time. */
  'wireshark:start': () => void
  /** Answered when Wireshark has taken it. False once it was closed. At most 16 MiB. */
  'wireshark:write': (octets: Uint8Array) => boolean
  /** No more comes; Wireshark stays open. */
  'wireshark:end': () => void
  /** The page kept what it had to keep: the window may close now. */
  'window:closed': () => void
}

export type Channel = keyof IpcContract

export type IpcAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string }

export const menuCommands = [
  'export-report',
  'export-json',
  'save-capture',
  'wireshark',
  'play-pause',
  'step',
  'reset',
  'presenter-view',
  'command-palette',
  'theme-system',
  'theme-light',
  'theme-dark',
  'theme-high-contrast',
  'theme-projector',
  'first-steps',
  'shortcuts',
  'about',
] as const
export type MenuCommand = (typeof menuCommands)[number]

/** To the page. */
export interface IpcEvents {
  'capture:opened': OpenedFile
  'menu:command': MenuCommand
  /** The window is about to close: keep what must be kept, then `window:closed`. */
  'window:closing': null
}

/** What the preload script puts at `window.midstream`. Absent in a browser. Refusals throw an Error with a message to show. */
export interface DesktopApi {
  openCapture(): Promise<OpenedFile | undefined>
  recentCaptures(): Promise<readonly RecentFile[]>
  openRecentCapture(path: string): Promise<OpenedFile>
  saveFile(file: FileToSave): Promise<SaveOutcome>
  saveSession(session: SessionToSave): Promise<void>
  loadSession(id: string): Promise<SavedSession | undefined>
  listSessions(): Promise<readonly SessionEntry[]>
  removeSession(id: string): Promise<void>
  setTheme(theme: Theme): Promise<void>
  about(): Promise<AboutApp>
  hasWireshark(): Promise<boolean>
  startWireshark(): Promise<void>
  /** Resolves when Wireshark has taken it: false once it was closed. */
  writeToWireshark(octets: Uint8Array): Promise<boolean>
  endWireshark(): Promise<void>
  /** Each returns a function that stops the listening. */
  onCaptureOpened(listener: (file: OpenedFile) => void): () => void
  onMenuCommand(listener: (command: MenuCommand) => void): () => void
  /** The window waits up to two seconds for the promise before it closes. */
  onClosing(listener: () => Promise<void> | void): () => void
}
