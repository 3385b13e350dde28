// A fleet in the window: watched to its end, disturbed by hand, and done again on the command line.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from '@playwright/test'
import { projectRoot } from '../../scripts/project.mjs'
import { button, clock, exported } from './lab-steps.js'
import { expect, test } from './lab-window.js'

const hosts = (page: Page) => page.getByRole('group', { name: 'Hosts' })
const traceHash = (page: Page) => page.getByText(/^trace [0-9a-f]{64}$/)

/** The trace hash that `midstream fleet` prints, also when guests are lost at the end: then its status is not 0. */
async function hashOnCommandLine(...args: string[]): Promise<string> {
  const command = [join(projectRoot, 'dist/cli/main.js'), 'fleet', ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command).catch((error: { stdout: string }) => error)
  return `trace ${/^trace (\w+)$/m.exec(stdout)?.[1]}`
}

test('a fleet runs to its end as on the command line, and again with a host that failed by hand', async ({
  lab,
  userData,
}) => {
  const { page } = lab
  await button(page, 'Tolerate faults').click()
  await expect(hosts(page).getByRole('button')).toHaveCount(5)
  await page.getByLabel('Seed').fill('7')
  await page.getByLabel('Seed').press('Enter')
  await page.getByLabel('Playing speed').selectOption({ label: 'Full speed' })
  await page.keyboard.press('Escape')
  await button(page, 'Play').click()
  await expect(page.getByLabel('Policy')).toBeDisabled()
  await expect(clock(page)).toHaveText(/^00:20\.000/, { timeout: 60_000 })
  await expect(traceHash(page)).toHaveText(await hashOnCommandLine('evacuate', '--seed', '7'))
  await page.getByRole('tab', { name: 'Moves' }).click()
  await expect(page.getByRole('row', { name: /shop-2 host-02 → host-\d\d host-02 is warning.*moved/ })).toBeVisible()
  await expect(page.getByRole('row', { name: /started anew, memory lost/ })).toHaveCount(2)
  await page.getByRole('tab', { name: 'Decisions' }).click()
  await expect(page.getByText(/^fence host-04: /)).toBeVisible()
  await page.getByRole('tab', { name: 'Packets' }).click()
  await expect(page.getByText(/^[\d,]+ frames at the orchestrator’s port/)).toBeVisible()

  await button(page, 'Reset to the beginning').click()
  await expect(clock(page)).toHaveText(/^00:00\.000/)
  await page.getByRole('tab', { name: 'Decisions' }).click()
  await page.keyboard.press('d')
  await expect(page.getByText(/^move shop-2 from host-02/)).toBeVisible()
  await hosts(page).getByRole('button').first().focus()
  for (const key of ['ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key)
  await page.getByRole('group', { name: 'Do to host-03' }).getByRole('button', { name: 'Fail' }).click()
  await expect(button(page, /^host-03: failed, .* shop-3 \(lost\)/)).toBeVisible()
  await page.keyboard.press('d')
  await expect(page.getByText(/^move shop-7 from host-02/)).toBeVisible()
  const file = await exported(lab, /^Export the fleet as it was played/, userData)
  await expect(traceHash(page)).toHaveText(await hashOnCommandLine(file))

  await page.keyboard.press('Control+k')
  await page.keyboard.type('First steps')
  await page.keyboard.press('Enter')
  await expect(button(page, 'Boot web')).toBeVisible()
  expect(lab.problems).toEqual([])
})
