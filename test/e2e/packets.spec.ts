// Packets and the network, as somebody looks into them while the lab runs.
import type { Page } from '@playwright/test'
import { button, clock, startMigration } from './lab-steps.js'
import { expect, test } from './lab-window.js'

const tab = (page: Page, name: string) => page.getByRole('tab', { name, exact: true })
const rows = (page: Page) => page.getByRole('region', { name: 'Packets', exact: true }).getByRole('button')
const filter = (page: Page) => page.getByLabel('Display filter')

async function openSandbox(page: Page): Promise<void> {
  await button(page, /^Sandbox/).click()
  await button(page, /^Boot /).click()
  await expect(clock(page)).not.toHaveText(/^00:00\.0/)
}

/** A clear migration, over, with the clock standing still. */
async function migrateInClear(page: Page): Promise<void> {
  await openSandbox(page)
  await page.getByLabel('Playing speed').selectOption({ label: 'Full speed' })
  await startMigration(page)
  await expect(button(page, /^Migrate web to Host A/)).toBeVisible({ timeout: 30_000 })
  await button(page, 'Pause').click()
  await tab(page, 'Packets').click()
}

test('packets are listed, filtered, taken apart to the octet, followed and counted', async ({ lab }) => {
  const { page } = lab
  await migrateInClear(page)
  await expect(rows(page).first()).toBeVisible()
  await expect(page.getByText(/^[\d,]+ frames at the attacker’s mirror port/)).toBeVisible()

  await filter(page).fill('tcp.prt == 1')
  await expect(page.getByRole('alert')).toContainText('Did you mean tcp.port')
  await filter(page).fill('qevm && tcp.port == 4915')
  await filter(page).pressSequentially('2')
  await expect(page.getByText(/^[\d,]+ of [\d,]+ frames/)).toBeVisible()
  await expect(rows(page).filter({ hasText: 'QEVM' }).first()).toBeVisible()

  // The list has the keyboard: down to the third, whose octets are marked field by field.
  await rows(page).first().click()
  const details = page.getByRole('region', { name: /^Packet \d+/ })
  await page.getByRole('region', { name: 'Packets', exact: true }).focus()
  const title = await details.locator('strong').innerText()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await expect(details.locator('strong')).not.toHaveText(title)
  const tree = details.getByRole('tree')
  await tree.getByRole('treeitem', { name: /^Internet Protocol/ }).focus()
  await page.keyboard.press('ArrowRight')
  await tree.getByRole('treeitem', { name: /^Time to live: 64/ }).click()
  await expect(details.locator('.marked')).toHaveCount(2) // one octet, in hexadecimal and as text
  await expect(details.locator('.marked').first()).toHaveText('40')

  await details.getByRole('button', { name: /^Follow stream/ }).click()
  const stream = page.getByRole('dialog', { name: 'Stream' })
  await expect(stream.locator('pre').first()).toContainText('QEVM')
  await stream.getByRole('button', { name: 'Show its packets' }).click()
  await expect(filter(page)).toHaveValue(/^tcp\.stream == \d+$/)

  await button(page, 'Statistics…').click()
  const statistics = page.getByRole('dialog', { name: 'Statistics of the capture' })
  await expect(statistics.getByRole('row', { name: /^tcp / })).toBeVisible()
  await statistics.getByRole('tab', { name: 'TCP' }).click()
  await expect(statistics.getByRole('row', { name: /10\.0\.0\.2:49152/ })).toBeVisible()
  await statistics.getByRole('button', { name: 'Close' }).click()

  await button(page, 'Widen').click()
  await expect(page.getByRole('main')).toBeHidden()
  await button(page, 'Narrow').click()
  await expect(page.getByRole('main')).toBeVisible()
  expect(lab.problems).toEqual([])
})

test('a filter is completed from the keyboard', async ({ lab }) => {
  const { page } = lab
  await openSandbox(page)
  await tab(page, 'Packets').click()
  await filter(page).pressSequentially('icmp.ty')
  await expect(page.getByRole('option', { name: /^icmp\.type/ })).toBeVisible()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(filter(page)).toHaveValue('icmp.type')
  await page.keyboard.type(' == 8')
  await expect(rows(page).first()).toContainText('request')
})

test('a cable is cut, restored and disturbed, and the frames on it are seen', async ({ lab }) => {
  const { page } = lab
  await openSandbox(page)
  await tab(page, 'Network').click()
  const network = page.getByRole('group', { name: 'Network' })
  await network.getByLabel('Look into').selectOption({ label: 'Cable of Client' })
  await network.getByRole('button', { name: 'Cut the cable' }).click()
  await expect(page.getByRole('group', { name: 'Topology' }).getByText('cut')).toBeVisible()
  // The client goes on asking.
  await expect(network.getByRole('row', { name: /^lost to a cut/ })).not.toHaveText(/lost to a cut\s*0\s*0\s*0\s*0/)
  await network.getByRole('button', { name: 'Restore the cable' }).click()
  await network.getByLabel('Loss').selectOption({ label: '5 %' })
  await expect(page.getByRole('group', { name: 'Topology' }).getByText('disturbed')).toBeVisible()
  await network.getByLabel('Look into').selectOption({ label: 'Switch s1' })
  await expect(network.getByRole('row', { name: /52:54:00:12:34:56/ })).toBeVisible()
  await network.getByLabel('Look into').selectOption({ label: 'Host A' })
  await expect(network.getByRole('row', { name: /^\*:49152/ })).toContainText('LISTEN')
  expect(lab.problems).toEqual([])
})

test('an example network is played, and its packets are there', async ({ lab }) => {
  const { page } = lab
  await button(page, 'VLANs and a router on a stick').click()
  await expect(page.getByText('Everything ended as it should.')).toBeVisible({ timeout: 30_000 })
  await expect(rows(page).first()).toBeVisible()
  await filter(page).fill('vlan')
  await expect(page.getByText(/^[\d,]+ of [\d,]+ frames/)).toBeVisible()
  await rows(page).first().click()
  await expect(page.getByRole('treeitem', { name: /^802\.1Q Virtual LAN, PRI/ })).toBeVisible()
  await page.locator('summary', { hasText: 'ping' }).first().click()
  await expect(page.getByText(/packets transmitted/).first()).toBeVisible()
  await page.getByRole('button', { name: 'Close', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Networks' })).toBeVisible()
  expect(lab.problems).toEqual([])
})
