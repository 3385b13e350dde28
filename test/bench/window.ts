/**
 * The window, as far as a stopwatch sees it: when it can be used, and how even its frames are while a guest migrates in
 * slow motion. Served to Chromium without a GPU; the numbers of a desktop with one are better.
 */
import { chromium, type Browser, type Page } from '@playwright/test'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser']
const ROUNDS = 3

interface Frames {
  readonly intervalsMs: readonly number[]
  readonly longTasksMs: readonly number[]
}

declare global {
  interface Window {
    measured: { intervalsMs: number[]; longTasksMs: number[]; stop: boolean }
  }
}

async function serve(commandLine: string): Promise<{ address: string; stop: () => void }> {
  const child = spawn(process.execPath, [commandLine, 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    child.on('exit', (status) => reject(new Error(`serve ended with status ${status}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      const address = /http:\S+/.exec(chunk.toString())?.[0]
      if (address !== undefined) resolve({ address, stop: () => void child.kill() })
    })
  })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

/** Frames of one whole migration at the speed the window chooses, from the click to the end. */
async function migrate(page: Page): Promise<Frames> {
  await page.evaluate(() => {
    const frames = { intervalsMs: [] as number[], longTasksMs: [] as number[], stop: false }
    window.measured = frames
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) frames.longTasksMs.push(duration)
    }).observe({ type: 'longtask' })
    let lastMs = performance.now()
    const frame = (nowMs: number) => {
      frames.intervalsMs.push(nowMs - lastMs)
      lastMs = nowMs
      if (!frames.stop) requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
  await page.getByRole('button', { name: /^Migrate web to/ }).click()
  await page.getByRole('button', { name: 'Cancel migration' }).waitFor()
  await page.getByRole('button', { name: /^Migrate web to/ }).waitFor({ timeout: 120_000 })
  return page.evaluate(() => {
    window.measured.stop = true
    return window.measured
  })
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)
const quantile = (values: readonly number[], share: number): number =>
  sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
const ms = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`

async function measure(browser: Browser, address: string): Promise<void> {
  const home: number[] = []
  const lab: number[] = []
  const intervals: number[] = []
  const longTasks: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    const page = await context.newPage()
    const first = page.getByRole('button', { name: /^First crossing/ })
    home.push(
      await timed(async () => {
        await page.goto(address)
        await first.waitFor()
      }),
    )
    lab.push(
      await timed(async () => {
        await first.click()
        await page.getByRole('button', { name: 'Boot web' }).waitFor()
      }),
    )
    await page.getByRole('button', { name: 'Boot web' }).click()
    await page.waitForTimeout(1500)
    const frames = await migrate(page)
    intervals.push(...frames.intervalsMs)
    longTasks.push(...frames.longTasksMs)
    await context.close()
  }
  const late = intervals.filter((interval) => interval > 50).length
  console.log(`window: home usable after           ${ms(quantile(home, 0.5))} (median of ${ROUNDS})`)
  console.log(`window: lab usable after            ${ms(quantile(lab, 0.5))} more`)
  console.log(
    `window: frames while migrating      ${ms(quantile(intervals, 0.5))} median, ${ms(quantile(intervals, 0.99))} at 99 %`,
  )
  console.log(
    `window: slowest frame               ${ms(Math.max(...intervals))}; ${late} of ${intervals.length} over 50 ms`,
  )
  console.log(`window: tasks over 50 ms            ${longTasks.length}, ${ms(Math.max(0, ...longTasks))} the longest`)
}

const executablePath = process.env.MIDSTREAM_CHROMIUM ?? BROWSERS.find((path) => existsSync(path))
if (executablePath === undefined) console.log('window: not measured, no Chromium here (apt-get install chromium)')
else {
  const server = await serve(process.argv[2]!) // the built command line
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] })
  try {
    await measure(browser, server.address)
  } finally {
    await browser.close()
    server.stop()
  }
}
