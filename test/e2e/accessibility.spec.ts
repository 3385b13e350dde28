/** WCAG 2.2 A and AA by axe, in every theme. In Chromium only: axe needs a second page, which Electron cannot give. */
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { inProject } from '../../scripts/project.mjs'
import { themeTitles } from '../../renderer/composables/use-theme.js'
import { button, chooseFromMenu, jumpTo, openCapture, openFirstLab } from './lab-steps.js'
import { expect, test } from './lab-window.js'

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa']
/** What a theme can change: colours, and sizes. */
const rulesOfThemes = ['color-contrast', 'link-in-text-block', 'target-size']

async function expectAccessible(page: Page, place: string): Promise<void> {
  for (const theme of ['light', 'dark', 'high-contrast', 'projector'] as const) {
    await chooseFromMenu(page, themeTitles[theme])
    await page.keyboard.press('Escape')
    const axe = new AxeBuilder({ page })
    // The projector's window is built otherwise, so that everything is looked at anew.
    const isWhole = theme === 'light' || theme === 'projector'
    const { violations } = await (isWhole ? axe.withTags(standards) : axe.withRules(rulesOfThemes)).analyze()
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
    expect(found, `${place}, ${theme}`).toEqual([])
  }
  await chooseFromMenu(page, themeTitles.light)
  await page.keyboard.press('Escape')
}

test('no known barrier at home, in a lab and in a capture', async ({ lab }) => {
  const { page } = lab
  await expect(button(page, /First crossing/).first()).toBeVisible()
  await expectAccessible(page, 'home')
  await button(page, 'A flood of SYNs').click()
  await expect(page.getByText('Everything ended as it should.')).toBeVisible()
  await expectAccessible(page, 'example network')
  await page.getByRole('button', { name: 'Close', exact: true }).click()
  await button(page, 'Tolerate faults').click()
  await button(page, /^host-02:/).click()
  await page.getByRole('group', { name: 'Do to host-02' }).getByRole('button', { name: 'Warn' }).click()
  await button(page, /^host-03:/).click()
  await page.getByRole('group', { name: 'Do to host-03' }).getByRole('button', { name: 'Fail' }).click()
  await page.keyboard.press('d')
  await expectAccessible(page, 'fleet')
  await page.getByRole('tab', { name: 'Moves' }).click()
  await expectAccessible(page, 'moves of a fleet')
  await page.getByRole('button', { name: 'Close', exact: true }).click()
  await openFirstLab(page)
  await expectAccessible(page, 'lab before its guest')
  await jumpTo(page, 4)
  await expectAccessible(page, 'lab after a run')
  await page.getByRole('tab', { name: 'Packets', exact: true }).click()
  await page.getByLabel('Display filter').fill('tcp.prt == 1')
  await expect(page.getByText(/Did you mean/)).toBeVisible()
  await page.getByRole('region', { name: 'Packets', exact: true }).getByRole('button').first().click()
  await expect(page.getByRole('tree')).toBeVisible()
  await expectAccessible(page, 'packets')
  await page.getByRole('tab', { name: 'Network', exact: true }).click()
  await expect(page.getByLabel('Look into')).toBeVisible()
  await expectAccessible(page, 'network')
  await openCapture(lab, inProject('test/fixtures/captures/a_plain.pcapng.gz'))
  await expect(page.getByText(/^Readable:/)).toBeVisible()
  await expectAccessible(page, 'capture')
  expect(lab.problems).toEqual([])
})
