/** What a person does in the window again and again, by what is to be seen there. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, type LabWindow } from './lab-window.js'

export const clock = (page: Page) => page.getByRole('timer', { name: 'Virtual time' })
export const guide = (page: Page) => page.getByRole('complementary', { name: 'Guide' })
export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

export async function openFirstLab(page: Page): Promise<void> {
  await button(page, /^First crossing/).click()
  await expect(button(page, 'Boot web')).toBeVisible()
}

/** Begin again and let the reference solution play up to the start of a step. */
export async function jumpTo(page: Page, step: number): Promise<void> {
  await guide(page).getByText('For the instructor').click()
  await button(page, new RegExp(`^Jump to step ${step},`)).click()
  await expect(guide(page).getByRole('img', { name: `${step - 1} of 6 steps done` })).toBeVisible({ timeout: 30_000 })
}

/** Let the clock run, stop it, and wait until it stands still and the session is kept. */
export async function playFor(page: Page, ms: number): Promise<void> {
  await button(page, 'Play').click()
  await page.waitForTimeout(ms)
  await button(page, 'Pause').click()
  await expect(button(page, 'Play')).toBeVisible()
  await page.waitForTimeout(300) // the session is written
}

export async function logIn(page: Page): Promise<void> {
  const password = await guide(page)
    .locator('code')
    .filter({ hasText: /-.*\d{4}$/ })
    .first()
    .innerText()
  await page.waitForTimeout(2500) // the guest boots
  await typeIn(page, /web console/, 'alice')
  await page.waitForTimeout(500) // it asks for the password
  await page.keyboard.type(password, { delay: 15 })
  await page.keyboard.press('Enter')
}

export async function expectDone(page: Page, title: string): Promise<void> {
  await expect(button(page, new RegExp(`${title} ?, done`))).toBeVisible({ timeout: 30_000 })
}

export async function typeIn(page: Page, terminal: RegExp, text: string): Promise<void> {
  await page.getByRole('tab', { name: terminal }).click()
  await page.getByRole('tabpanel', { name: terminal }).click()
  await page.keyboard.type(text, { delay: 15 })
  await page.keyboard.press('Enter')
}

export async function startMigration(page: Page, channel?: string): Promise<void> {
  if (channel !== undefined) await page.getByLabel('Channel').first().selectOption({ label: channel })
  await button(page, /^Migrate web to/).click()
  await expect(button(page, 'Cancel migration')).toBeVisible()
}

export async function migrateOver(page: Page, channel: string): Promise<void> {
  await startMigration(page, channel)
  await expect(button(page, /^Migrate web to/)).toBeVisible({ timeout: 60_000 })
}

export async function chooseFromMenu(page: Page, item: string | RegExp): Promise<void> {
  await button(page, 'Menu').click()
  await button(page, item).last().click()
}

/** Choose what the open dialog would give. */
export async function openCapture(lab: LabWindow, path: string): Promise<void> {
  if (lab.app !== undefined) {
    await lab.app.evaluate(
      ({ dialog }, filePaths) => {
        dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths })
      },
      [path],
    )
    return chooseFromMenu(lab.page, /^Open a capture/)
  }
  const chooser = lab.page.waitForEvent('filechooser')
  await chooseFromMenu(lab.page, /^Open a capture/)
  await (await chooser).setFiles(path)
}

/** What the menu's item saves, by the dialog in Electron and as a download in a browser. */
export async function exported(lab: LabWindow, item: RegExp, folder: string): Promise<string> {
  const path = join(folder, 'exported')
  await rm(path, { force: true })
  if (lab.app === undefined) {
    const download = lab.page.waitForEvent('download')
    await chooseFromMenu(lab.page, item)
    await (await download).saveAs(path)
  } else {
    await lab.app.evaluate(({ dialog }, filePath) => {
      dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath })
    }, path)
    await chooseFromMenu(lab.page, item)
    await expect
      .poll(() =>
        readFile(path).then(
          (octets) => octets.length,
          () => 0,
        ),
      )
      .toBeGreaterThan(0)
  }
  return path
}
