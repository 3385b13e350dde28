// Pictures for the README and the documents: npm run screenshots.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { projectRoot } from '../../scripts/project.mjs'
import { expect, test } from './lab-window.js'

const folder = join(projectRoot, 'docs', 'screenshots')

for (const theme of ['light', 'dark'] as const) {
  test(`home, ${theme}`, async ({ lab }) => {
    await mkdir(folder, { recursive: true })
    await lab.app?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setContentSize(1440, 900))
    await lab.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await expect(lab.page.getByRole('button', { name: /^First crossing/ })).toBeVisible()
    await lab.page.screenshot({ path: join(folder, `home-${theme}.png`), animations: 'disabled' })
  })
}
