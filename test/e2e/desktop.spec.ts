// What only the desktop does: kept sessions, files, menus, the window's place.
import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ElectronApplication, Page } from '@playwright/test'
import { CaptureReader } from '../../core/net/wire/capture-reader.js'
import type { DesktopApi, OpenedFile } from '../../electron/ipc/contract.js'
import { button, clock, expectDone, jumpTo, openFirstLab, playFor } from './lab-steps.js'
import { expect, electronStart, launchElectron, test } from './lab-window.js'

declare global {
  interface Window {
    heard: unknown[]
    readonly midstream?: DesktopApi
  }
}

const desktop = (page: Page) => page.evaluateHandle(() => window.midstream as DesktopApi)

test('a session outlives the window, and a killed process', async ({ userData }) => {
  const first = await launchElectron(userData)
  const api = await desktop(await first.firstWindow())
  await api.evaluate((midstream) =>
    midstream.saveSession({ id: 'lab-01', title: 'The first crossing', octets: new Uint8Array([1, 2, 3]) }),
  )
  first.process().kill('SIGKILL')

  const second = await launchElectron(userData)
  const page = await second.firstWindow()
  const loaded = await (
    await desktop(page)
  ).evaluate(async (midstream) => {
    const session = await midstream.loadSession('lab-01')
    return session && { title: session.title, contents: [...session.contents] }
  })
  expect(loaded).toEqual({ title: 'The first crossing', contents: [1, 2, 3] })

  // The page may put its work away while the window closes.
  await page.evaluate(() => {
    window.midstream?.onClosing(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      await window.midstream?.saveSession({ id: 'late', title: 'Kept while closing', octets: new Uint8Array([4]) })
    })
  })
  await second.close()
  const kept = await readFile(join(userData, 'sessions', 'late.session'), 'latin1')
  expect(kept).toContain('Kept while closing')
})

test('a lab goes on where it was after its process was killed, and after its window was closed', async ({
  userData,
}) => {
  const first = await launchElectron(userData)
  const before = await first.firstWindow()
  await openFirstLab(before)
  await jumpTo(before, 3)
  await playFor(before, 300)
  const killedAt = await clock(before).innerText()
  first.process().kill('SIGKILL')

  const second = await launchElectron(userData)
  const again = await second.firstWindow()
  await button(again, 'Continue First crossing').click()
  await expectDone(again, 'Move it while it runs')
  await expect(clock(again)).toHaveText(killedAt)
  await button(again, 'Play').click()
  await again.waitForTimeout(700)
  const closedAfter = await clock(again).innerText()
  await second.close()

  const third = await launchElectron(userData)
  const last = await third.firstWindow()
  await button(last, 'Continue First crossing').click()
  await expectDone(last, 'Move it while it runs')
  expect((await clock(last).innerText()) >= closedAfter).toBe(true)
  await third.close()
})

test('refuses what the contract does not allow', async ({ lab }) => {
  const api = await desktop(lab.page)
  const refusals = await api.evaluate(async (midstream) => {
    const refusal = (asked: Promise<unknown>) =>
      asked.then(
        () => 'allowed',
        (error: unknown) => String(error),
      )
    return [
      await refusal(midstream.loadSession('../../etc/passwd')),
      await refusal(midstream.openRecentCapture('/etc/passwd')),
      await refusal(midstream.setTheme('__proto__' as 'dark')),
    ]
  })
  expect(refusals[0]).toContain('Refused: not a session id')
  expect(refusals[1]).toContain('not among the recent ones')
  expect(refusals[2]).toContain('Refused: not a theme')
})

test('menu commands reach the page', async ({ lab }) => {
  await lab.page.evaluate(() => {
    window.heard = []
    window.midstream?.onMenuCommand((command) => window.heard.push(command))
  })
  await clickMenu(lab.app, 'theme-projector')
  await clickMenu(lab.app, 'step')
  await expect.poll(() => lab.page.evaluate(() => window.heard)).toEqual(['theme-projector', 'step'])
})

test('opens captures by the dialog and lists them, saves files where the person says', async ({ lab, userData }) => {
  const capture = join(userData, 'seen.pcapng')
  const report = join(userData, 'report.html')
  await writeFile(capture, new Uint8Array([0x0a, 0x0d, 0x0d, 0x0a]))
  await lab.app?.evaluate(
    ({ dialog }, paths) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [paths.capture] })
      dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: paths.report })
    },
    { capture, report },
  )
  const api = await desktop(lab.page)
  const seen = await api.evaluate(async (midstream) => {
    const describe = (file: OpenedFile | undefined) => file && `${file.name} ${[...file.octets].join()}`
    const opened = describe(await midstream.openCapture())
    const recent = await midstream.recentCaptures()
    return {
      opened,
      recent,
      reopened: describe(await midstream.openRecentCapture(recent[0]?.path ?? '')),
      saved: await midstream.saveFile({ kind: 'html', suggestedName: 'report', octets: new Uint8Array([60, 62]) }),
    }
  })
  expect(seen.opened).toBe('seen.pcapng 10,13,13,10')
  expect(seen.recent).toEqual([{ name: 'seen.pcapng', path: capture }])
  expect(seen.reopened).toBe(seen.opened)
  expect(seen.saved).toEqual({ status: 'saved', path: report })
  expect(await readFile(report, 'latin1')).toBe('<>')
})

test('says when a file cannot be opened', async ({ lab, userData }) => {
  await mkdir(join(userData, 'folder.pcapng'))
  await lab.app?.evaluate(
    ({ dialog }, path) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path] })
    },
    join(userData, 'folder.pcapng'),
  )
  const outcome = await (
    await desktop(lab.page)
  ).evaluate((midstream) =>
    midstream.openCapture().then(
      () => 'opened',
      (error: unknown) => String(error),
    ),
  )
  expect(outcome).toContain('folder.pcapng cannot be opened')
})

test('the window comes back where it was', async ({ userData }) => {
  const place = { x: 60, y: 50, width: 1000, height: 700 }
  const placeOf = (app: ElectronApplication) =>
    app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getNormalBounds())
  const first = await launchElectron(userData)
  await (await first.firstWindow()).waitForLoadState()
  await first.evaluate(({ BrowserWindow }, bounds) => BrowserWindow.getAllWindows()[0]?.setBounds(bounds), place)
  await expect.poll(() => placeOf(first)).toEqual(place)
  await first.close()
  const second = await launchElectron(userData)
  await second.firstWindow()
  await expect.poll(() => placeOf(second)).toEqual(place)
  await second.close()
})

test('a window closed while it loads leaves nothing behind', async ({ userData }) => {
  const app = await launchElectron(userData)
  const ended = new Promise((resolve) => app.process().once('exit', resolve))
  await app.evaluate(({ app }) => app.quit()).catch(() => undefined) // the answer may not come back any more
  expect(await ended).toBe(0)
})

test('a capture named on the command line is opened by the running window', async ({ lab, userData }) => {
  const capture = join(userData, 'named.pcap')
  await writeFile(capture, new Uint8Array([7]))
  await lab.page.evaluate(() => {
    window.heard = []
    window.midstream?.onCaptureOpened((file) => window.heard.push(file.name))
  })
  // The second instance hands over and ends: started by itself, because a driver would take its end for a failure.
  const { executablePath, args, env } = electronStart(userData, [capture])
  const second = spawn(executablePath, args, { env, stdio: 'ignore' })
  expect(await new Promise((resolve) => second.once('exit', resolve))).toBe(0)
  await expect.poll(() => lab.page.evaluate(() => window.heard)).toEqual(['named.pcap'])
})

test('goes nowhere else and opens no windows', async ({ lab }) => {
  const before = lab.page.url()
  await lab.page.evaluate(() => {
    window.open('https://example.com/')
    location.href = 'https://example.com/'
  })
  await expect.poll(() => lab.app?.windows().length).toBe(1)
  expect(lab.page.url()).toBe(before)
})

async function clickMenu(app: ElectronApplication | undefined, id: string): Promise<void> {
  await app?.evaluate(({ Menu }, item) => {
    Menu.getApplicationMenu()?.getMenuItemById(item)?.click()
  }, id)
}

test('the capture goes into Wireshark while the lab runs', async ({ userData }) => {
  // A Wireshark that keeps what it is fed.
  const tools = join(userData, 'tools')
  await mkdir(tools, { recursive: true })
  await writeFile(join(tools, 'wireshark'), `#!/bin/sh\nexec cat > "${join(tools, 'fed')}"\n`, { mode: 0o755 })
  const { PATH = '' } = process.env
  process.env.PATH = `${tools}:${PATH}`
  const app = await launchElectron(userData).finally(() => (process.env.PATH = PATH))
  const page = await app.firstWindow()
  await openFirstLab(page)
  await button(page, 'Boot web').click()
  await page.getByRole('tab', { name: 'Packets', exact: true }).click()
  await button(page, 'Open in Wireshark').click()
  await expect(button(page, 'Stop Wireshark')).toBeVisible()
  const fed = async () => {
    const octets = await readFile(join(tools, 'fed')).catch(() => new Uint8Array(0))
    if (octets.length === 0) return 0 // it has begun, and was fed nothing yet
    const reader = new CaptureReader(octets)
    let packets = 0
    while (reader.next() !== null) packets++
    return packets
  }
  await expect.poll(fed, { timeout: 15_000 }).toBeGreaterThan(50)
  const soFar = await fed()
  await expect.poll(fed, { timeout: 15_000 }).toBeGreaterThan(soFar)
  await button(page, 'Stop Wireshark').click()
  await expect(button(page, 'Open in Wireshark')).toBeVisible()
  await app.close()
})
