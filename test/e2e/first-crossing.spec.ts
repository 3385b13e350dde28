/** Lab 01 from the first click to the report, through what a student sees and nothing else. */
import type { Page } from '@playwright/test'
import { expectDone, logIn, migrateOver, openFirstLab, typeIn } from './lab-steps.js'
import { expect, test } from './lab-window.js'

test.setTimeout(Number(process.env.LAB_TIMEOUT_MS ?? 180_000))

const step = (page: Page, title: string) =>
  page.getByRole('listitem').filter({ has: page.getByRole('button', { name: title }) })

test('the whole of the first lab', async ({ lab }) => {
  const { page } = lab
  await openFirstLab(page)

  // Boot, and log in with the password the guide gives.
  await page.getByRole('button', { name: 'Boot web' }).click()
  await logIn(page)
  await expectDone(page, 'Boot the guest and log in')

  await migrateOver(page, 'Clear text')
  await expectDone(page, 'Move it while it runs')

  // What the listener has.
  await typeIn(page, /attacker/, 'search')
  await page.getByRole('tab', { name: /Findings/ }).click()
  const tokenRow = page.getByRole('row').filter({ hasText: 'api.token' })
  const token = await tokenRow.locator('.value').first().innerText()
  await page.getByRole('textbox', { name: 'Your answer', exact: true }).fill(token)
  await page.getByRole('button', { name: 'Answer' }).first().click()
  await page.getByRole('tab', { name: /Charts/ }).click()
  const downtime = await page
    .getByRole('region', { name: /Runs compared/ })
    .getByRole('cell')
    .nth(1)
    .innerText()
  await page.getByRole('textbox', { name: 'Your answer in ms' }).fill(downtime)
  await page.getByRole('button', { name: 'Answer' }).last().click()
  await expectDone(page, 'Look at what the listener has')

  await migrateOver(page, 'NaCl')
  await expectDone(page, 'Encrypt the stream')
  await migrateOver(page, 'SSH tunnel')
  await expectDone(page, 'Send it through an SSH tunnel')

  await page.getByText("Sealing every octet takes time on the host's processor", { exact: false }).click()
  await page.getByText('That a machine moved, between which hosts', { exact: false }).click()
  await expectDone(page, 'Compare the three')
  await expect(step(page, 'Compare the three')).toContainText('Confidentiality cost time')

  // Three runs side by side: only the clear one leaked.
  const rows = page.getByRole('region', { name: /Runs compared/ }).getByRole('row')
  await expect(rows).toHaveCount(4)
  await expect(rows.nth(1)).toContainText('26/26, 100')
  await expect(rows.nth(2)).toContainText('0/26, 0')
  await expect(rows.nth(3)).toContainText('0/26, 0')
  expect(lab.problems).toEqual([])
})
