/** The first lab in the middle of its first crossing, and with its three runs done. */
import type { Page } from '@playwright/test'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { projectRoot } from '../../scripts/project.mjs'
import { expect, test } from './lab-window.js'

const folder = join(projectRoot, 'docs', 'screenshots')
test.setTimeout(180_000)

async function migrateOver(page: Page, channel: string): Promise<void> {
  await page.getByLabel('Channel').first().selectOption({ label: channel })
  await page.getByRole('button', { name: /^Migrate web to/ }).click()
}

async function settled(page: Page): Promise<void> {
  await expect(page.getByRole('button', { name: /^Migrate web to/ })).toBeVisible({ timeout: 60_000 })
  await page.waitForTimeout(1500)
}

for (const theme of ['light', 'dark'] as const) {
  test(`the first lab, ${theme}`, async ({ lab }) => {
    const { page } = lab
    await mkdir(folder, { recursive: true })
    await lab.app?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setContentSize(1440, 900))
    await page.emulateMedia({ colorScheme: theme })
    const picture = (name: string) => page.screenshot({ path: join(folder, `${name}-${theme}.png`) })
    await page.getByText('First crossing').first().click()
    await page.getByRole('button', { name: 'Boot web' }).click()
    const guide = page.getByRole('complementary', { name: 'Guide' })
    const password = await guide
      .locator('code')
      .filter({ hasText: /\d{4}$/ })
      .first()
      .innerText()
    await page.waitForTimeout(2200)
    await page.getByRole('tabpanel', { name: /web console/ }).click()
    await page.keyboard.type('alice\n', { delay: 20 })
    await page.waitForTimeout(400)
    await page.keyboard.type(`${password}\n`, { delay: 20 })
    await page.waitForTimeout(1200)
    await migrateOver(page, 'Clear text')
    await page.waitForTimeout(1100)
    await picture('lab')
    await settled(page)
    await page.getByRole('tabpanel', { name: /attacker/ }).click()
    await page.keyboard.type('search\n', { delay: 20 })
    for (const channel of ['NaCl', 'SSH tunnel']) {
      await migrateOver(page, channel)
      await settled(page)
    }
    await picture('compared')
  })
}
