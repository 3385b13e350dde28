// The menu bar. Accelerators keep away from Ctrl with a letter where shells use it: the terminals need those keys.
import type { MenuItemConstructorOptions } from 'electron'
import type { MenuCommand, RecentFile } from '../ipc/contract.js'

export interface MenuActions {
  send(command: MenuCommand): void
  openCapture(): void
  openRecent(path: string): void
  clearRecent(): void
}

export interface MenuCircumstances {
  readonly isMac: boolean
  readonly isDevelopment: boolean
  readonly recentFiles: readonly RecentFile[]
}

export function menuTemplate(actions: MenuActions, circumstances: MenuCircumstances): MenuItemConstructorOptions[] {
  const { isMac, isDevelopment, recentFiles } = circumstances
  const command = (label: string, name: MenuCommand, accelerator?: string): MenuItemConstructorOptions => ({
    id: name,
    label,
    click: () => actions.send(name),
    ...(accelerator && { accelerator }),
  })
  const separator: MenuItemConstructorOptions = { type: 'separator' }
  const recentItems: MenuItemConstructorOptions[] = recentFiles.map(({ name, path }) => ({
    label: name,
    toolTip: path,
    click: () => actions.openRecent(path),
  }))

  const file: MenuItemConstructorOptions[] = [
    { id: 'open-capture', label: 'Open Capture…', accelerator: 'CmdOrCtrl+O', click: () => actions.openCapture() },
    {
      label: 'Open Recent',
      enabled: recentItems.length > 0,
      submenu: [...recentItems, separator, { label: 'Clear Recent', click: () => actions.clearRecent() }],
    },
    separator,
    command('Export Report…', 'export-report', 'CmdOrCtrl+Shift+E'),
    command('Export Data (JSON)…', 'export-json'),
    command('Save Capture…', 'save-capture', 'CmdOrCtrl+Shift+S'),
    command('Capture in Wireshark', 'wireshark', 'CmdOrCtrl+Shift+W'),
    separator,
    isMac ? { role: 'close' } : { role: 'quit' },
  ]
  const session: MenuItemConstructorOptions[] = [
    command('Play or Pause', 'play-pause', 'F8'),
    command('Step', 'step', 'F10'),
    separator,
    command('Reset…', 'reset', 'CmdOrCtrl+Shift+Backspace'),
  ]
  const view: MenuItemConstructorOptions[] = [
    command('Command Palette', 'command-palette', 'CmdOrCtrl+Shift+P'),
    command('Presenter View', 'presenter-view', 'F9'),
    {
      label: 'Theme',
      submenu: [
        command('Same as System', 'theme-system'),
        command('Light', 'theme-light'),
        command('Dark', 'theme-dark'),
        command('High Contrast', 'theme-high-contrast'),
        command('Projector (Large Type)', 'theme-projector'),
      ],
    },
    separator,
    { role: 'zoomIn' },
    { role: 'zoomOut' },
    { role: 'resetZoom' },
    { role: 'togglefullscreen' },
    ...(isDevelopment ? [separator, { role: 'reload' } as const, { role: 'toggleDevTools' } as const] : []),
  ]
  const help: MenuItemConstructorOptions[] = [
    command('First Steps', 'first-steps', 'F1'),
    command('Keyboard Shortcuts', 'shortcuts'),
    separator,
    command('About Midstream', 'about'),
  ]
  return [
    ...(isMac ? [{ role: 'appMenu' } as const] : []),
    { label: '&File', submenu: file },
    { role: 'editMenu' },
    { label: '&Session', submenu: session },
    { label: '&View', submenu: view },
    { role: 'help', label: '&Help', submenu: help },
  ]
}
