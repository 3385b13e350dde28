import { describe, expect, it } from 'vitest'
import { contentSecurityPolicy, securityHeaders } from '../../../electron/assets/content-security-policy.js'
import {
  appSchemePrivileges,
  confine,
  denyPermissions,
  isAppUrl,
  isTrustedSender,
  webPreferences,
} from '../../../electron/main/security.js'

type Confined = Parameters<typeof confine>[0]
type Denied = Parameters<typeof denyPermissions>[0]
type Sender = Parameters<typeof isTrustedSender>[0]

describe('webPreferences', () => {
  it('isolates the page from Node and from the preload script', () => {
    expect(webPreferences('/preload.js')).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webviewTag: false,
    })
  })

  it('leaves the same-origin policy alone', () => {
    expect(webPreferences('/preload.js')).not.toHaveProperty('webSecurity')
    expect(webPreferences('/preload.js')).not.toHaveProperty('allowRunningInsecureContent')
    expect(appSchemePrivileges.privileges).not.toHaveProperty('bypassCSP')
  })
})

describe('content security policy', () => {
  it('allows our own scripts and WebAssembly, and no eval or inline script', () => {
    const scripts = contentSecurityPolicy.split('; ').find((directive) => directive.startsWith('script-src'))
    expect(scripts).toBe("script-src 'self' 'wasm-unsafe-eval'")
    expect(contentSecurityPolicy).toContain("default-src 'none'")
    expect(securityHeaders['Content-Security-Policy']).toBe(contentSecurityPolicy)
  })

  it('names no other origin', () => {
    expect(contentSecurityPolicy).not.toMatch(/https?:|\*/)
  })
})

describe('isAppUrl', () => {
  it.each(['app://midstream/', 'app://midstream/assets/worker.js?x#y'])('knows %s', (url) => {
    expect(isAppUrl(url)).toBe(true)
  })

  it.each([
    'app://other/',
    'app://midstream.example/',
    'file:///etc/passwd',
    'https://midstream/',
    'data:text/html,x',
    '',
    'null',
  ])('refuses %j', (url) => expect(isAppUrl(url)).toBe(false))
})

describe('isTrustedSender', () => {
  const sender = (senderFrame: unknown) => isTrustedSender({ senderFrame } as Sender)

  it('trusts the top frame of the page alone', () => {
    expect(sender({ url: 'app://midstream/', parent: null })).toBe(true)
    expect(sender({ url: 'app://midstream/', parent: {} })).toBe(false)
    expect(sender({ url: 'https://example.com/', parent: null })).toBe(false)
    expect(sender(null)).toBe(false)
  })
})

describe('confine', () => {
  it('denies new windows, leaving the app and webviews', () => {
    let openWindow: (details: { url: string }) => unknown = () => undefined
    const listeners = new Map<string, (event: { preventDefault(): void }, url: string) => void>()
    confine({
      setWindowOpenHandler: (handler: typeof openWindow) => (openWindow = handler),
      on: (name: string, listener: (event: { preventDefault(): void }, url: string) => void) =>
        listeners.set(name, listener),
    } as never as Confined)
    const isPrevented = (name: string, url: string) => {
      let prevented = false
      listeners.get(name)?.({ preventDefault: () => (prevented = true) }, url)
      return prevented
    }

    expect(openWindow({ url: 'app://midstream/' })).toEqual({ action: 'deny' })
    expect(isPrevented('will-navigate', 'https://example.com/')).toBe(true)
    expect(isPrevented('will-redirect', 'file:///etc/passwd')).toBe(true)
    expect(isPrevented('will-attach-webview', '')).toBe(true)
    expect(isPrevented('will-navigate', 'app://midstream/')).toBe(false)
  })
})

describe('denyPermissions', () => {
  it('grants writing to the clipboard and nothing else', () => {
    const granted: string[] = []
    let mayUseDevices: () => boolean = () => true
    const all = [
      'media',
      'geolocation',
      'notifications',
      'clipboard-read',
      'clipboard-sanitized-write',
      'usb',
      'openExternal',
    ]
    denyPermissions({
      setPermissionRequestHandler: (
        handler: (contents: null, name: string, answer: (yes: boolean) => void) => void,
      ) => {
        for (const name of all) handler(null, name, (yes) => yes && granted.push(`request ${name}`))
      },
      setPermissionCheckHandler: (handler: (contents: null, name: string) => boolean) => {
        granted.push(...all.filter((name) => handler(null, name)).map((name) => `check ${name}`))
      },
      setDevicePermissionHandler: (handler: () => boolean) => (mayUseDevices = handler),
    } as never as Denied)
    expect(granted).toEqual(['request clipboard-sanitized-write', 'check clipboard-sanitized-write'])
    expect(mayUseDevices()).toBe(false)
  })
})
