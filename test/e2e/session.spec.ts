/** What a session can do besides going through a lab: be kept, begun again, stepped, cancelled, exported. */
import { readFile } from 'node:fs/promises'
import type { ReportData } from '../../core/report/report-data.js'
import {
  button,
  chooseFromMenu,
  clock,
  expectDone,
  exported,
  guide,
  jumpTo,
  migrateOver,
  openFirstLab,
  playFor,
  startMigration,
} from './lab-steps.js'
import { tsharkComplaints } from '../support/tshark.js'
import { expect, test } from './lab-window.js'

/** The same page runs in both shells: what does not touch the shell is tried in one. */
const onlyInElectron = { tag: '@electron' }

test('jumps to a step, is kept, and opens again where it was; reset begins anew', async ({ lab }) => {
  const { page } = lab
  await openFirstLab(page)
  const password = await guide(page).locator('code').last().innerText()
  await jumpTo(page, 3)
  const console = page.getByRole('tabpanel', { name: /web console/ })
  await playFor(page, 300)
  const before = { time: await clock(page).innerText(), console: await console.screenshot() }

  await page.reload()
  await expect(page.getByText('2 of 6 steps done').first()).toBeVisible()
  await button(page, 'Continue First crossing').click()
  await expectDone(page, 'Move it while it runs')
  await expect(clock(page)).toHaveText(before.time)
  await expect(page.getByRole('tab', { name: /Findings 26/ })).toBeVisible()
  await expect.poll(async () => (await console.screenshot()).equals(before.console)).toBe(true)

  await button(page, 'Reset to the beginning').click()
  await expect(button(page, 'Boot web')).toBeVisible()
  await expect(clock(page)).toHaveText(/^00:00\.000 000$/)
  await expect(guide(page).locator('code').last()).toHaveText(password)
  expect(lab.problems).toEqual([])
})

test('a migration is cancelled and the guest stays; the clock steps', onlyInElectron, async ({ lab }) => {
  const { page } = lab
  await openFirstLab(page)
  await jumpTo(page, 2)
  await startMigration(page)
  await page.waitForTimeout(400)
  const first = await clock(page).innerText()
  await page.getByRole('region', { name: /^Stage/ }).focus()
  await page.keyboard.press('.')
  await expect(button(page, 'Play')).toBeVisible()
  const packet = await clock(page).innerText()
  expect(packet > first).toBe(true)
  const steps: string[] = [packet]
  for (const to of ['event', 'end of the round']) {
    await button(page, 'Step').first().click()
    await button(page, new RegExp(`^Step to the (next )?${to}`)).click()
    await expect(clock(page)).not.toHaveText(steps.at(-1)!)
    steps.push(await clock(page).innerText())
  }
  expect(steps).toEqual(steps.toSorted())
  await page.getByRole('tab', { name: 'Events' }).click()
  await expect(page.getByRole('region', { name: 'Events' })).toContainText('round 1:')

  await button(page, 'Cancel migration').click()
  await expect(page.getByText('Pre-copy over Clear text: cancelled')).toBeVisible()
  await expect(button(page, 'Migrate web to Host B')).toBeVisible()
  expect(lab.problems).toEqual([])
})

test('a guest moves before its memory; the connection is broken and made again', onlyInElectron, async ({ lab }) => {
  const { page } = lab
  await button(page, /Sandbox/)
    .first()
    .click()
  await page.getByLabel('Strategy').first().selectOption({ label: 'Hybrid' })
  await button(page, 'Settings').click()
  const settings = page.getByRole('group', { name: 'Experiment settings' })
  await settings.locator('summary', { hasText: 'Post-copy' }).click()
  await settings.getByLabel('Go over after').selectOption({ label: 'When I say so' })
  await settings.getByLabel('Bandwidth of what follows').selectOption({ label: '8 MiB/s' })
  await page.keyboard.press('Escape')
  await button(page, 'Boot web').click()
  await page.waitForTimeout(1500) // the guest boots
  await page.getByLabel('Playing speed').selectOption({ label: '0.05×' })
  await startMigration(page)
  await button(page, 'Go over to post-copy').click()
  await expect(page.getByText(/Hybrid over Clear text: guest runs there, its memory follows/).first()).toBeVisible()
  await button(page, 'Interrupt migration').click()
  await expect(page.getByText(/interrupted, the guest may have to wait/).first()).toBeVisible()
  await expect(button(page, 'Give the guest up')).toBeVisible()
  await button(page, 'Recover migration').click()
  await page.getByLabel('Playing speed').selectOption({ label: 'Full speed' })
  await expect(page.getByText('Hybrid over Clear text: completed').first()).toBeVisible({ timeout: 30_000 })
  await expect(button(page, 'Migrate web to Host A')).toBeVisible()
  await expect(page.getByRole('figure', { name: /^Waiting for pages/ })).toBeVisible()
  expect(lab.problems).toEqual([])
})

test('the sandbox takes every setting', onlyInElectron, async ({ lab }) => {
  const { page } = lab
  await button(page, /Sandbox/)
    .first()
    .click()
  await button(page, 'Boot web').click()
  await page.getByLabel('Playing speed').selectOption({ label: 'Full speed' })
  await button(page, 'Settings').click()
  const settings = page.getByRole('group', { name: 'Experiment settings' })
  await settings.getByLabel('Dirty rate').selectOption({ label: '2,000 pages/s' })
  await settings.getByLabel('Working set').selectOption({ label: '64 pages (256 KiB)' })
  await page.keyboard.press('Escape')
  await page.getByLabel('Bandwidth of every link').first().selectOption({ label: '100 Mbit/s' })
  await page.getByLabel('Strategy').first().selectOption({ label: 'Stop-and-copy' })
  await button(page, /^Migrate web to/).click()
  const row = page
    .getByRole('region', { name: /Runs compared/ })
    .getByRole('row')
    .nth(1)
  await expect(row).toContainText('stop', { timeout: 30_000 })
  await expect(button(page, 'Migrate web to Host A')).toBeVisible({ timeout: 30_000 })
  // All of its memory over 100 Mbit/s: the guest stood still for most of a second.
  await expect(row.getByRole('cell').nth(1)).toHaveText(/^[5-9]\d\d ms$/)
  expect(lab.problems).toEqual([])
})

test(
  'the sandbox runs every guest; a web server answers its client while it moves',
  onlyInElectron,
  async ({ lab }) => {
    const { page } = lab
    await button(page, /Sandbox/)
      .first()
      .click()
    const settings = page.getByRole('group', { name: 'Experiment settings' })
    await button(page, 'Settings').click()
    const guests = settings.getByLabel(/^Guest/)
    const titles = (await guests.getByRole('option').allInnerTexts()).map((title) => title.trim())
    expect(titles.length).toBeGreaterThanOrEqual(4)
    for (const title of [...titles.filter((each) => each !== 'Web server'), 'Web server']) {
      await guests.selectOption({ label: title })
      await expect(button(page, /^Boot /)).toBeVisible()
      await page.keyboard.press('Escape')
      await button(page, /^Boot /).click()
      await expect(clock(page)).toHaveText(/^00:00\.[1-9]/, { timeout: 30_000 })
      await button(page, 'Settings').click()
    }
    await page.keyboard.press('Escape')
    await page.getByLabel('Playing speed').selectOption({ label: 'Full speed' })
    await expect(clock(page)).toHaveText(/^00:0[1-9]/, { timeout: 30_000 })
    await migrateOver(page, 'NaCl')
    await expect(
      page
        .getByRole('region', { name: /Runs compared/ })
        .getByRole('row')
        .nth(1),
    ).toContainText('NaCl')
    expect(lab.problems).toEqual([])
  },
)

test('exports the report, the data and the capture; evidence leads to its packet', async ({ lab, userData }) => {
  const { page } = lab
  await openFirstLab(page)
  await jumpTo(page, 4)

  const html = await readFile(await exported(lab, /^Export the report/, userData), 'utf8')
  expect(html.match(/<svg/g)?.length).toBeGreaterThanOrEqual(5)
  expect(html).toContain('Look at what the listener has')
  expect(html).toMatch(/26\s*(of|\/)\s*26/)
  expect(html).not.toMatch(/<script|<link|<img|url\(|@import|\son\w+=|(src|href)\s*=/i)

  const json = JSON.parse(await readFile(await exported(lab, /^Export the data/, userData), 'utf8')) as ReportData
  expect(json.runs).toHaveLength(1)
  expect(json.runs[0]).toMatchObject({ secretsFound: 26, secretsPlanted: 26 })
  for (const step of json.steps.slice(0, 3)) expect(html).toContain(step.title)

  const capture = await readFile(await exported(lab, /^Save the attacker/, userData))
  expect(tsharkComplaints(capture, { decodeAs: ['tcp.port==49152,data'] })).toEqual([])

  await page.getByRole('tab', { name: /Findings/ }).click()
  for (const place of [page.getByRole('tabpanel', { name: /Findings/ }), guide(page)]) {
    const link = place.getByRole('button', { name: /^Open packet/ }).last()
    const packet = /\d+/.exec((await link.getAttribute('aria-label')) ?? (await link.innerText()))![0]
    await link.click()
    await expect(page.getByRole('region', { name: `Packet ${packet}`, exact: true })).toBeVisible()
    await expect(button(page, new RegExp(`^${packet} `))).toBeInViewport()
  }
  expect(lab.problems).toEqual([])
})

test('the keyboard reaches what is used most', onlyInElectron, async ({ lab }) => {
  const { page } = lab
  await openFirstLab(page)
  await page.getByRole('region', { name: /^Stage/ }).focus()
  await page.keyboard.press('m')
  await expect(button(page, /^Migrate web to/)).toBeVisible()
  await page.keyboard.press('Space')
  await expect(button(page, 'Play')).toBeVisible()
  await page.keyboard.press('Space')
  await expect(button(page, 'Pause')).toBeVisible()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: /Keyboard shortcuts/ })).toContainText('Step to the next packet')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('projector')
  await page.keyboard.press('Enter')
  await expect(page.locator('html')).toHaveAttribute('data-size', 'projector')
  // Large type: two panes, the guide among the inspector's tabs, nothing beyond the window's edge.
  await expect(page.getByRole('tab', { name: 'Guide' })).toBeVisible()
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  await page.getByRole('region', { name: /^Stage/ }).focus()
  await page.keyboard.press('p')
  await expect(page.locator('html')).toHaveAttribute('data-size', 'desk')
  await chooseFromMenu(page, 'Home')
  await expect(button(page, /Continue First crossing/)).toBeVisible()
  expect(lab.problems).toEqual([])
})
