// Electron's main process: a shell around the page. Windows, menus, files; no simulation.
import { app, dialog, Menu, protocol } from 'electron'
import { join, resolve } from 'node:path'
import { captureExtensions } from '../ipc/contract.js'
import { serveApp } from './app-protocol.js'
import { registerChannels } from './channels.js'
import { pickCapture, readCapture, saveFile } from './files.js'
import { LabWindow } from './lab-window.js'
import { LiveViewer } from './live-viewer.js'
import { menuTemplate } from './menu.js'
import { Preferences } from './preferences.js'
import { appSchemePrivileges, confineEveryPage, denyPermissions } from './security.js'
import { SessionStore } from './session-store.js'

// Tests and portable installations keep everything in a folder of their own.
const dataFolder = process.env.MIDSTREAM_USER_DATA
if (dataFolder) app.setPath('userData', resolve(dataFolder))

protocol.registerSchemesAsPrivileged([appSchemePrivileges])
confineEveryPage(app)

if (app.requestSingleInstanceLock()) {
  app.whenReady().then(start).catch(stop)
} else {
  app.quit() // the first instance shows its window, and the file if one was named
}

function stop(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  console.error(text)
  dialog.showErrorBox('Midstream cannot start', text)
  app.exit(1)
}

/** A capture named on the command line. */
function captureInArguments(argv: readonly string[]): string | undefined {
  return argv.slice(1).find((argument) => {
    return !argument.startsWith('-') && captureExtensions.some((extension) => argument.endsWith(`.${extension}`))
  })
}

async function start(): Promise<void> {
  const preferences = new Preferences(join(app.getPath('userData'), 'preferences.json'))
  const sessions = new SessionStore(join(app.getPath('userData'), 'sessions'))
  const lab = new LabWindow(join(__dirname, 'preload.js'), preferences)
  const live = new LiveViewer()
  denyPermissions(lab.window.webContents.session)
  serveApp(join(__dirname, '..', 'renderer'))

  const open = async (path: string) => {
    try {
      const opened = await readCapture(path)
      preferences.rememberFile(path)
      return opened
    } catch (error) {
      preferences.forgetFile(path)
      throw error
    } finally {
      updateMenu()
    }
  }
  /** From the menu or the system: shown by the page, or an error said in a dialog. */
  const show = (path: string) => {
    open(path)
      .then((file) => lab.send('capture:opened', file))
      .catch((error: unknown) =>
        dialog.showErrorBox('Midstream', error instanceof Error ? error.message : String(error)),
      )
  }
  const pick = async () => {
    const path = await pickCapture(lab.window)
    if (path) show(path)
  }
  const updateMenu = () => {
    const actions = {
      send: (command: Parameters<Parameters<typeof menuTemplate>[0]['send']>[0]) => lab.send('menu:command', command),
      openCapture: () => void pick(),
      openRecent: show,
      clearRecent: () => {
        preferences.forgetFiles()
        updateMenu()
      },
    }
    const circumstances = {
      isMac: process.platform === 'darwin',
      isDevelopment: !app.isPackaged,
      recentFiles: preferences.recentFiles,
    }
    Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(actions, circumstances)))
  }

  registerChannels({
    'capture:open': async () => {
      const path = await pickCapture(lab.window)
      return path ? open(path) : undefined
    },
    'capture:recent': () => preferences.recentFiles,
    'capture:open-recent': (path) => {
      if (!preferences.recentFiles.some((file) => file.path === path))
        throw new Error('This file is not among the recent ones.')
      return open(path)
    },
    'file:save': (file) => saveFile(lab.window, file),
    'session:save': (session) => sessions.save(session),
    'session:load': (id) => sessions.load(id),
    'session:list': () => sessions.list(),
    'session:remove': (id) => sessions.remove(id),
    'theme:set': (theme) => lab.setTheme(theme),
    'app:about': () => ({
      version: app.getVersion(),
      electron: process.versions.electron ?? '',
      chromium: process.versions.chrome ?? '',
      node: process.versions.node,
    }),
    'wireshark:find': () => live.isInstalled(),
    'wireshark:start': () => live.start(),
    'wireshark:write': (octets) => live.write(octets),
    'wireshark:end': () => live.end(),
    'window:closed': () => lab.closeNow(),
  })

  app.on('second-instance', (_event, argv, workingDirectory) => {
    lab.focus()
    const capture = captureInArguments(argv)
    if (capture) show(resolve(workingDirectory, capture))
  })
  app.on('open-file', (event, path) => {
    event.preventDefault()
    show(path)
  })
  app.on('window-all-closed', () => app.quit())
  lab.window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit') return
    // The kept session brings everything back, so loading again is the whole cure.
    dialog.showErrorBox(
      'Midstream',
      `The window's page stopped (${reason}). It will be loaded again with the kept session.`,
    )
    lab.window.webContents.reload()
  })

  updateMenu()
  await lab.load()
  // The start script tells a window that came up from a process that merely lives.
  if (process.env.MIDSTREAM_SAY_READY) process.stdout.write('midstream: window open\n')
  const capture = captureInArguments(process.argv)
  if (capture) show(resolve(capture))
}
