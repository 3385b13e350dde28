// An attacker who acts: his cable moves to an ordinary port, and what he does there the guest shows.
import { button, openFirstLab, typeIn } from './lab-steps.js'
import { expect, test } from './lab-window.js'

test('a man in the middle changes a migration in flight', async ({ lab }) => {
  const { page } = lab
  await openFirstLab(page)
  await button(page, 'Boot web').click()
  await page.getByLabel('Playing speed').selectOption({ label: 'Full speed' })
  await page.getByRole('tab', { name: 'Network', exact: true }).click()
  const network = page.getByRole('group', { name: 'Network' })
  await network.getByLabel('Look into').selectOption({ label: 'Switch s1' })
  await network.getByLabel('Mallory’s cable').selectOption({ label: 'An ordinary port' })
  await expect(page.getByText('switch port', { exact: true })).toBeVisible()

  await typeIn(page, /attacker/, 'filter replace "Login incorrect" "All yours, Eve!"')
  await typeIn(page, /attacker/, 'ettercap host-a host-b')
  await page.getByRole('tab', { name: 'Events', exact: true }).click()
  const events = page.getByRole('region', { name: 'Events' })
  await expect(events.getByText(/poison: 10\.0\.0\.1 is at/)).toBeVisible()
  await button(page, /^Migrate web to/).click()
  await expect(events.getByText(/edit: replace at 0x8000/)).toBeVisible({ timeout: 30_000 })
  await expect(button(page, 'Migrate web to Host A')).toBeVisible({ timeout: 60_000 })
  await expect(page.getByText(/both copies compared: \d+ octets of memory/)).not.toContainText(': 0 octets')
  expect(lab.problems).toEqual([])
})

test('an attack of the list is typed for whoever asks, and played apart against a defence', async ({ lab }) => {
  const { page } = lab
  await openFirstLab(page)
  await button(page, 'Boot web').click()
  await page.getByLabel('Playing speed').selectOption({ label: 'Full speed' })
  await page.waitForTimeout(1500)
  await page.getByRole('tab', { name: 'Attacks', exact: true }).click()
  const attacks = page.getByRole('group', { name: 'Attacks' })
  await attacks.getByText('A guest sent to the attacker’s own host').click()
  await attacks.getByLabel('Against').selectOption({ label: 'closed-monitors' })
  await attacks.getByRole('button', { name: 'Play', exact: true }).click()
  await expect(attacks.getByText(/^Stopped against closed-monitors:/)).toBeVisible({ timeout: 30_000 })
  await expect(attacks.getByText('host-a has closed-monitors')).toBeVisible()

  await button(page, 'Type it for me').click()
  await expect(page.getByText('switch port', { exact: true })).toBeVisible()
  await expect(page.getByText('has web itself: running')).toBeVisible({ timeout: 60_000 })
  await expect(page.getByRole('img', { name: /the attacker did \d+ things besides/ })).toBeVisible()
  expect(lab.problems).toEqual([])
})
