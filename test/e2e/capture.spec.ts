/** Captures from outside: chosen, dropped, and files that are none. */
import { readFile } from 'node:fs/promises'
import { inProject } from '../../scripts/project.mjs'
import { button, openCapture } from './lab-steps.js'
import { expect, test } from './lab-window.js'

const captures = inProject('test/fixtures/captures')

test('reads a real capture in clear, and says what it cannot read', async ({ lab }) => {
  const { page } = lab
  await openCapture(lab, `${captures}/a_plain.pcapng.gz`)
  await expect(page.getByText(/^Readable: 18,447 pages of guest RAM were rebuilt, and \d+ secrets/)).toBeVisible()
  await expect(page.getByRole('row').filter({ hasText: '4111111111111111' })).toContainText('0x800033d8')

  // What was given away is a click from the packet that did.
  await page.getByRole('row').filter({ hasText: '4111111111111111' }).getByRole('button').first().click()
  await expect(page.getByRole('region', { name: /^Packet \d+/ })).toBeVisible()
  await page.getByLabel('Display filter').fill('qevm')
  await expect(page.getByText(/^[\d,]+ of [\d,]+ frames in this file/)).toBeVisible()
  await page.getByRole('tab', { name: 'What it gives away' }).click()

  // Dropped on the window, wherever.
  const octets = await readFile(`${captures}/a_tls.pcapng.gz`, 'base64')
  await page.evaluate((base64) => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], 'a_tls.pcapng.gz'))
    document.querySelector('main')?.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }))
  }, octets)
  await expect(page.getByText('Nothing readable: what crossed was TLS.')).toBeVisible()

  await openCapture(lab, inProject('package.json'))
  await expect(page.getByRole('alert')).toContainText('package.json: is text')
  await button(page, 'Dismiss').click()
  await button(page, 'Close').click()
  await expect(page.getByRole('heading', { name: 'Labs' })).toBeVisible()
  expect(lab.problems).toEqual([])
})
