// Every security setting of the window, in one place (test/electron/main/security.test.ts reads them).
import type { App, IpcMainInvokeEvent, Session, WebContents, WebPreferences } from 'electron'

/** The page's origin. A scheme of our own: nothing else on the machine can answer for it. */
export const appScheme = 'app'
const appHost = 'midstream'
export const appUrl = `${appScheme}://${appHost}/`

export const appSchemePrivileges = {
  scheme: appScheme,
  privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
}

/** @param preload absolute path of the preload script */
export function webPreferences(preload: string): WebPreferences {
  return {
    preload,
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    // A migration that is playing goes on behind other windows.
    backgroundThrottling: false,
  }
}

/** Compares protocol and host, since the `origin` of a scheme like this one is the string 'null' in Node. */
export function isAppUrl(url: string): boolean {
  try {
    const { protocol, host } = new URL(url)
    return protocol === `${appScheme}:` && host === appHost
  } catch {
    return false // no URL at all
  }
}

/** Only the top frame of our own page may ask anything of the main process. */
export function isTrustedSender({ senderFrame }: Pick<IpcMainInvokeEvent, 'senderFrame'>): boolean {
  return senderFrame !== null && senderFrame.parent === null && isAppUrl(senderFrame.url)
}

/** The clipboard is for copying from terminals; the page needs nothing else. */
function isAllowedPermission(permission: string): boolean {
  return permission === 'clipboard-sanitized-write'
}

export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, answer) => answer(isAllowedPermission(permission)))
  session.setPermissionCheckHandler((_contents, permission) => isAllowedPermission(permission))
  session.setDevicePermissionHandler(() => false)
}

/** No page but ours, and ours in one window: whatever links, drops and scripts try. */
export function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  contents.on('will-navigate', (event, url) => {
    if (!isAppUrl(url)) event.preventDefault()
  })
  contents.on('will-redirect', (event, url) => {
    if (!isAppUrl(url)) event.preventDefault()
  })
  contents.on('will-attach-webview', (event) => event.preventDefault())
}

/** Applies to every page the app will ever make. */
export function confineEveryPage(app: App): void {
  app.on('web-contents-created', (_event, contents) => confine(contents))
}
