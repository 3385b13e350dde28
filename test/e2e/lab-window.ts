// The built app in one of its shells, as a Playwright fixture.
import { _electron, chromium, test as base } from '@playwright/test'
import type { ElectronApplication, Page } from '@playwright/test'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from '../../scripts/project.mjs'

export interface ShellOptions {
  /** Which shell the project runs. */
  shell: 'electron' | 'chromium'
}

export interface LabWindow {
  readonly shell: ShellOptions['shell']
  readonly page: Page
  /** Absent in Chromium. */
  readonly app: ElectronApplication | undefined
  /** Console errors and uncaught exceptions so far. */
  readonly problems: readonly string[]
}

const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

function collectProblems(page: Page): string[] {
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => problems.push(error.stack ?? error.message))
  return problems
}

/** How the built app is started in Electron. `userData` keeps what it remembers. */
export function electronStart(userData: string, args: readonly string[] = []) {
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return {
    executablePath: process.env.MIDSTREAM_ELECTRON!, // the global setup found it
    args: [projectRoot, ...asRoot, ...args],
    env: { ...(process.env as Record<string, string>), MIDSTREAM_USER_DATA: userData },
  }
}

/** Start the built app in Electron: a second launch with the same `userData` finds the first one's session. */
export async function launchElectron(userData: string): Promise<ElectronApplication> {
  const launch = () => _electron.launch({ ...electronStart(userData), timeout: 20_000 })
  // On a busy machine the driver now and then misses the moment in which Electron says where to reach it.
  return launch().catch(launch)
}

/** The served window's address. */
function startServer(): Promise<{ address: string; stop: () => void }> {
  const child = spawn(process.execPath, [join(projectRoot, 'dist/cli/main.js'), 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (status) => reject(new Error(`serve ended with status ${status}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      const address = /http:\S+/.exec(chunk.toString())?.[0]
      if (address) resolve({ address, stop: () => void child.kill() })
    })
  })
}

export const test = base.extend<{ userData: string; lab: LabWindow }, ShellOptions>({
  shell: ['electron', { option: true, scope: 'worker' }],

  // Playwright reads a fixture's needs from its first parameter's pattern.
  userData: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'midstream-e2e-'))
    await use(folder)
    await rm(folder, { recursive: true, force: true })
  },

  lab: async ({ shell, userData }, use) => {
    if (shell === 'electron') {
      const app = await launchElectron(userData)
      const page = await app.firstWindow()
      await use({ shell, app, page, problems: collectProblems(page) })
      await app.close()
      return
    }
    const server = await startServer()
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: chromiumFlags })
    try {
      // A context of its own: axe opens a second page beside.
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
      const page = await context.newPage()
      const problems = collectProblems(page)
      await page.goto(server.address)
      await use({ shell, app: undefined, page, problems })
    } finally {
      await browser.close()
      server.stop()
    }
  },
})

export { expect } from '@playwright/test'
