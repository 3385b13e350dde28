/** Pictures of the first lab in its first crossing and with its three runs done, of a capture, a network and a fleet: npm run screenshots. */
import { mkdir } from 'node:fs/promises'
import { inProject } from '../../scripts/project.mjs'
import { button, clock, expectDone, jumpTo, logIn, openCapture, openFirstLab, startMigration } from './lab-steps.js'
import { expect, test } from './lab-window.js'

const folder = inProject('docs/screenshots')

for (const theme of ['light', 'dark'] as const) {
  test(`the first lab and a capture, ${theme}`, async ({ lab }) => {
    const { page } = lab
    await mkdir(folder, { recursive: true })
    await lab.app?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setContentSize(1440, 900))
    await page.emulateMedia({ colorScheme: theme })
    const picture = (name: string) => page.screenshot({ path: `${folder}/${name}-${theme}.png` })

    await openFirstLab(page)
    await button(page, 'Boot web').click()
    await logIn(page)
    await expectDone(page, 'Boot the guest and log in')
    await startMigration(page)
    await expect(page.getByRole('tab', { name: /^Findings ([5-9]|\d\d)$/ })).toBeVisible()
    await picture('lab')

    await button(page, 'Cancel migration').click()
    await jumpTo(page, 6)
    await page.getByRole('group', { name: 'Charts' }).evaluate((charts) => charts.scrollTo(0, charts.scrollHeight))
    await page.waitForTimeout(500) // charts are drawn ten times a second
    await picture('compared')

    await page.getByRole('tab', { name: 'Packets', exact: true }).click()
    await page.getByLabel('Display filter').fill('qevm')
    await page.keyboard.press('Enter')
    await button(page, 'Widen').click()
    const rows = page.getByRole('region', { name: 'Packets', exact: true }).getByRole('button')
    await rows.first().click()
    await page.keyboard.press('Home') // the list stays at its end while packets come
    await expect(rows.first()).toContainText('QEVM')
    await rows.nth(8).click()
    await page.getByRole('treeitem', { name: /^QEMU/ }).first().dblclick()
    await page.getByRole('treeitem', { name: /^QEMU/ }).first().click()
    await page.waitForTimeout(300)
    await picture('packets')
    await button(page, 'Narrow').click()

    await openCapture(lab, inProject('test/fixtures/captures/a_plain.pcapng.gz'))
    await expect(page.getByText(/^Readable:/)).toBeVisible()
    await picture('capture')
    await page.getByRole('button', { name: 'Close', exact: true }).click()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('Home')
    await page.keyboard.press('Enter')
    await button(page, 'A hijacked route').click()
    await expect(page.getByText('Everything ended as it should.')).toBeVisible()
    await page.locator('summary', { hasText: 'traceroute' }).nth(1).click()
    await page.waitForTimeout(500)
    await picture('network')
  })

  test(`a fleet, ${theme}`, async ({ lab }) => {
    const { page } = lab
    await lab.app?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setContentSize(1440, 900))
    await page.emulateMedia({ colorScheme: theme })
    await button(page, 'A hall at night').click()
    await page.getByLabel('Playing speed').selectOption({ label: 'Full speed' })
    await button(page, 'Play').click()
    await expect(clock(page)).toHaveText(/^00:1[0-9]/, { timeout: 60_000 })
    await button(page, 'Pause').click()
    await page.waitForTimeout(500)
    await page.screenshot({ path: `${folder}/fleet-${theme}.png` })
  })
}
