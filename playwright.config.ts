import { defineConfig } from '@playwright/test'
import type { ShellOptions } from './test/e2e/lab-window.js'

// The built app in both of its shells: the same tests run in Electron's window and, served, in Chromium.
export default defineConfig<object, ShellOptions>({
  testDir: 'test/e2e',
  outputDir: 'test-results',
  globalSetup: './test/e2e/global-setup.ts',
  timeout: 120_000,
  expect: { timeout: 10_000 },
  // The engine keeps a core busy: two windows at once would only measure each other.
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list']],
  use: { screenshot: 'only-on-failure' },
  projects: [
    {
      name: 'electron',
      testMatch: '**/*.spec.ts',
      testIgnore: '**/accessibility.spec.ts',
      use: { shell: 'electron' },
    },
    {
      name: 'chromium',
      testMatch: '**/*.spec.ts',
      testIgnore: '**/desktop.spec.ts',
      grepInvert: /@electron/,
      use: { shell: 'chromium' },
    },
    { name: 'screenshots', testMatch: '**/*.shots.ts', use: { shell: 'electron' } },
  ],
})
