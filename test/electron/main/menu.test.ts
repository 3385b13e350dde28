import type { MenuItemConstructorOptions } from 'electron'
import { describe, expect, it } from 'vitest'
import { menuCommands } from '../../../electron/ipc/contract.js'
import { menuTemplate } from '../../../electron/main/menu.js'

function items(template: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions[] {
  return template.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? items(item.submenu) : [])])
}

const circumstances = { isMac: false, isDevelopment: false, recentFiles: [{ name: 'a.pcapng', path: '/a.pcapng' }] }

function click(item: MenuItemConstructorOptions | undefined): void {
  ;(item?.click as (() => void) | undefined)?.()
}

describe('menuTemplate', () => {
  it('offers every command once and sends it', () => {
    const sent: string[] = []
    const actions = {
      send: (command: string) => sent.push(command),
      openCapture() {},
      openRecent() {},
      clearRecent() {},
    }
    for (const item of items(menuTemplate(actions, circumstances))) if (item.id !== undefined) click(item)
    expect(sent.sort()).toEqual([...menuCommands].sort())
  })

  it('gives no key twice, and leaves shells their Ctrl with a letter', () => {
    const actions = { send() {}, openCapture() {}, openRecent() {}, clearRecent() {} }
    const keys = items(menuTemplate(actions, circumstances)).flatMap(({ accelerator }) => accelerator ?? [])
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.filter((key) => /^CmdOrCtrl\+[A-Z]$/.test(key))).toEqual(['CmdOrCtrl+O'])
  })

  it('reopens recent files and reloads only in development', () => {
    const opened: string[] = []
    const actions = { send() {}, openCapture() {}, openRecent: (path: string) => opened.push(path), clearRecent() {} }
    const template = menuTemplate(actions, circumstances)
    click(items(template).find(({ label }) => label === 'a.pcapng'))
    expect(opened).toEqual(['/a.pcapng'])
    expect(items(template).some(({ role }) => role === 'reload')).toBe(false)
    expect(
      items(menuTemplate(actions, { ...circumstances, isDevelopment: true })).some(({ role }) => role === 'reload'),
    ).toBe(true)
  })
})
