/**
 * The window, as far as a stopwatch sees it: when it can be used, and how even its frames are while a guest migrates in
 * slow motion, alone or in a fleet. In Electron from the start of its process, and served to Chromium from the start of
 * loading; both without a GPU, so the numbers of a desktop with one are better.
 */
import { _electron, chromium, type Page } from '@playwright/test'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { ByteStream } from '../../core/base/byte-stream.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { joinPorts } from '../../core/net/frame-port.js'
import { HostStack } from '../../core/net/host-stack.js'
import { Link } from '../../core/net/link.js'
import { Switch } from '../../core/net/switch/switch.js'
import { Tap } from '../../core/net/tap.js'

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser']
const ROUNDS = 3

interface Frames {
  readonly intervalsMs: readonly number[]
  readonly longTasksMs: readonly number[]
  /** The most of the elements looked for that were there at once. */
  readonly mostElements: number
}

declare global {
  interface Window {
    measured: { intervalsMs: number[]; longTasksMs: number[]; mostElements: number; stop: boolean }
    echoesMs: number[]
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

/** Begins to measure frames: all of them, or only those that begin while there is such an element. */
async function countFrames(page: Page, selector: string | null): Promise<void> {
  await page.evaluate((wanted) => {
    const frames = { intervalsMs: [] as number[], longTasksMs: [] as number[], mostElements: 0, stop: false }
    window.measured = frames
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) frames.longTasksMs.push(duration)
    }).observe({ type: 'longtask' })
    let lastMs: number | null = null
    const frame = (nowMs: number) => {
      const elements = wanted === null ? 1 : document.querySelectorAll(wanted).length
      frames.mostElements = Math.max(frames.mostElements, elements)
      if (lastMs !== null) frames.intervalsMs.push(nowMs - lastMs)
      lastMs = elements > 0 ? nowMs : null
      if (!frames.stop) requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  }, selector)
}

async function countedFrames(page: Page): Promise<Frames> {
  return page.evaluate(() => {
    window.measured.stop = true
    return window.measured
  })
}

/** Frames of one whole migration at the speed the window chooses, from the click to the end. */
async function migrate(page: Page): Promise<Frames> {
  await countFrames(page, null)
  await page.getByRole('button', { name: /^Migrate web to/ }).click()
  await page.getByRole('button', { name: 'Cancel migration' }).waitFor()
  await page.getByRole('button', { name: /^Migrate web to/ }).waitFor({ timeout: 120_000 })
  return countedFrames(page)
}

const FLEET_FRAMES = 300
/** The line of a guest that is on its way. */
const WAY = 'svg[aria-label=Hosts] .way[stroke-dasharray]'

/** Frames in which forty hosts are on show and guests are on their way between them, at the speed the window chooses. */
async function moveInFleet(page: Page): Promise<Frames> {
  await page.getByRole('button', { name: 'A hall at night' }).click()
  const stage = page.getByRole('group', { name: 'Hosts' })
  await stage.getByRole('button').nth(39).waitFor()
  await countFrames(page, WAY)
  await page.getByRole('button', { name: 'Play' }).click()
  await page.waitForFunction((count) => window.measured.intervalsMs.length >= count, FLEET_FRAMES, { timeout: 120_000 })
  return countedFrames(page)
}

const KEYS = 40

/**
 * From a key pressed on the guest's console to the frame after the engine handed over its echo. The page is loaded again,
 * so that its worker can be listened to.
 */
async function echo(page: Page): Promise<readonly number[]> {
  await page.addInitScript(() => {
    window.echoesMs = []
    let pressedMs: number | null = null
    window.addEventListener('keydown', () => (pressedMs = performance.now()), true)
    const PageWorker = window.Worker
    window.Worker = class extends PageWorker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options)
        this.addEventListener('message', ({ data }: MessageEvent<{ newConsoleText?: { guest: string } }>) => {
          const from = pressedMs
          if (from === null || (data.newConsoleText?.guest ?? '') === '') return
          pressedMs = null
          requestAnimationFrame(() => window.echoesMs.push(performance.now() - from))
        })
      }
    }
  })
  await page.reload()
  await page
    .getByRole('button', { name: /Sandbox/ })
    .first()
    .click()
  await page.getByRole('button', { name: 'Boot web' }).click()
  await page.waitForTimeout(3000)
  await page.getByRole('tabpanel', { name: /web console/ }).click()
  // Not in step with the counter line, which is a line of console text too.
  for (let key = 0; key < KEYS; key++) {
    await page.keyboard.press('abcdefgh'.charAt(key % 8))
    await page.waitForTimeout(70)
  }
  return page.evaluate(() => window.echoesMs)
}

const PACKETS = 200_000
const FILTERS = ['tcp.port == 5001 && tcp.len > 0', 'ip.addr == 10.0.0.2', 'tcp.analysis.flags || icmp', '']

/** A capture of that many small packets, in gzip and base64, as a file to be dropped. */
function manyPackets(): string {
  const kernel = new Kernel('bench')
  const tap = new Tap(kernel, 'bench')
  const device = new Switch(kernel, 's1')
  const hosts = [1, 2].map((number) => {
    const host = new HostStack(kernel, {
      name: `h${number}`,
      mac: number,
      address: 0x0a00_0000 + number,
      tcp: { mss: 120 },
    })
    const link = new Link(kernel, host.name, { rateBps: 1e9, delayNs: 20_000 })
    joinPorts(host, link.a)
    joinPorts(link.b, device.addPort())
    if (number === 1) link.watch(tap)
    return host
  })
  const [from, to] = hosts
  if (from === undefined || to === undefined) throw new Error('two hosts')
  const silent = { streamOpened() {}, streamWritable() {}, streamEnded() {}, streamFailed() {} }
  const reader = { ...silent, streamReadable: (stream: ByteStream) => void stream.read(stream.readableOctets()) }
  to.listen(5001, { connectionAccepted: (stream) => void (stream.owner = reader) })
  const write = (stream: ByteStream) => stream.write(new Uint8Array(stream.writableOctets()).fill(0x61))
  const writer = { ...silent, streamReadable() {}, streamOpened: write, streamWritable: write }
  from.connect(to.address, 5001).owner = writer
  while (tap.lastPacket < PACKETS && kernel.step());
  return gzipSync(tap.toPcapng()).toString('base64')
}

interface PacketView {
  readonly intervalsMs: readonly number[]
  /** Rows in sight that were blank when their frame was drawn, of all. */
  readonly blank: number
  readonly filterMs: readonly number[]
}

/** The list of many packets: scrolled from end to end, and filtered. */
async function packetView(page: Page, capture: string): Promise<PacketView> {
  await page.evaluate((base64) => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], 'many.pcapng.gz'))
    document.querySelector('main')?.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }))
  }, capture)
  await page.getByRole('tab', { name: 'Packets' }).click({ timeout: 60_000 })
  const counted = page.getByText(new RegExp(`^${PACKETS.toLocaleString('en')} frames in this file`))
  await counted.waitFor({ timeout: 60_000 })
  const scrolled = await page.evaluate(async () => {
    const list = document.querySelector<HTMLElement>('[role=region][aria-label=Packets]')!
    const intervalsMs: number[] = []
    let blank = 0
    const frames = 240
    let lastMs = await new Promise<number>(requestAnimationFrame)
    for (let frame = 0; frame <= frames; frame++) {
      // To and fro, a hundred rows a frame, and now and then a leap.
      list.scrollTop =
        frame % 60 === 59 ? Math.random() * list.scrollHeight : list.scrollTop + (frame % 120 < 60 ? 2200 : -2200)
      const nowMs = await new Promise<number>(requestAnimationFrame)
      intervalsMs.push(nowMs - lastMs)
      lastMs = nowMs
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    for (const row of list.querySelectorAll('.row')) if (row.textContent?.trim() === '') blank++
    return { intervalsMs, blank }
  })
  const filterMs: number[] = []
  for (const filter of FILTERS) {
    const field = page.getByLabel('Display filter')
    await field.fill(filter)
    filterMs.push(
      await page.evaluate(async () => {
        const count = document.querySelector('.count')!
        const before = count.textContent
        const startedMs = performance.now()
        document
          .querySelector<HTMLElement>('[aria-label="Display filter"]')!
          .dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
        while (count.textContent === before || (count.textContent ?? '').includes('still to be looked at')) {
          await new Promise(requestAnimationFrame)
          if (performance.now() - startedMs > 5000) break
        }
        return performance.now() - startedMs
      }),
    )
  }
  return { ...scrolled, filterMs }
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)
const quantile = (values: readonly number[], share: number): number =>
  sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
const ms = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`

/** A window at its home view, or on its way there. */
interface Opened {
  readonly page: Page
  readonly close: () => Promise<void>
}

async function measure(shell: string, open: () => Promise<Opened>): Promise<void> {
  const home: number[] = []
  const lab: number[] = []
  const intervals: number[] = []
  const longTasks: number[] = []
  const echoes: number[] = []
  const scrolls: number[] = []
  const filters: number[] = []
  const fleetFrames: number[] = []
  let mostMoves = 0
  let blankRows = 0
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now()
    const { page, close } = await open()
    const first = page.getByRole('button', { name: /^First crossing/ })
    await first.waitFor()
    home.push(performance.now() - startedMs)
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
    echoes.push(...(await echo(page)))
    await close()
    const again = await open()
    await again.page.getByRole('button', { name: /^First crossing/ }).waitFor()
    const { intervalsMs, blank, filterMs } = await packetView(again.page, capture)
    scrolls.push(...intervalsMs)
    filters.push(...filterMs)
    blankRows += blank
    await again.close()
    const hall = await open()
    const fleet = await moveInFleet(hall.page)
    fleetFrames.push(...fleet.intervalsMs)
    mostMoves = Math.max(mostMoves, fleet.mostElements)
    await hall.close()
  }
  const late = intervals.filter((interval) => interval > 50).length
  const say = (what: string, value: string): void => console.log(`${shell}: ${what}`.padEnd(36) + value)
  say('home usable after', `${ms(quantile(home, 0.5))} (median of ${ROUNDS})`)
  say('lab usable after', `${ms(quantile(lab, 0.5))} more`)
  say('frames while migrating', `${ms(quantile(intervals, 0.5))} median, ${ms(quantile(intervals, 0.99))} at 99 %`)
  say('slowest frame', `${ms(Math.max(...intervals))}; ${late} of ${intervals.length} over 50 ms`)
  say('echo of a key', `${ms(quantile(echoes, 0.5))} median, ${ms(quantile(echoes, 0.95))} at 95 % of ${echoes.length}`)
  say(
    'frames while a fleet moves',
    `${ms(quantile(fleetFrames, 0.5))} median, ${ms(quantile(fleetFrames, 0.99))} at 99 %`,
  )
  say(
    '  slowest frame',
    `${ms(Math.max(...fleetFrames))} of ${fleetFrames.length}, up to ${mostMoves} moves at once (aim: 50 ms)`,
  )
  const isLate = scrolls.filter((interval) => interval > 20).length
  say('scrolling 200,000 packets', `${ms(quantile(scrolls, 0.5))} a frame, ${ms(quantile(scrolls, 0.95))} at 95 %`)
  say('  frames over 20 ms', `${isLate} of ${scrolls.length}; ${blankRows} blank rows at the end`)
  say(
    '  a filter answered after',
    `${ms(quantile(filters, 0.5))}, ${ms(Math.max(...filters))} the slowest (aim: 200 ms)`,
  )
  say('tasks over 50 ms', `${longTasks.length}, ${ms(Math.max(0, ...longTasks))} the longest`)
}

/** The built app in its own process, with nothing remembered. */
async function openElectron(executablePath: string): Promise<Opened> {
  const userData = mkdtempSync(join(tmpdir(), 'midstream-bench-'))
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const app = await _electron.launch({
    executablePath,
    args: [project, ...asRoot],
    env: { ...(process.env as Record<string, string>), MIDSTREAM_USER_DATA: userData },
  })
  return {
    page: await app.firstWindow(),
    close: async () => {
      await app.close()
      rmSync(userData, { recursive: true, force: true })
    },
  }
}

async function measureServed(executablePath: string): Promise<void> {
  const server = await serve(join(project, 'dist/cli/main.js'))
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] })
  try {
    await measure('chromium', async () => {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
      const page = await context.newPage()
      await page.goto(server.address)
      return { page, close: () => context.close() }
    })
  } finally {
    await browser.close()
    server.stop()
  }
}

const project = process.argv[2]!
const capture = manyPackets()
const electronPath = process.env.MIDSTREAM_ELECTRON
if (electronPath === undefined) console.log('electron: not measured, there is no Electron or no display here')
else await measure('electron', () => openElectron(electronPath))
const chromiumPath = process.env.MIDSTREAM_CHROMIUM ?? BROWSERS.find((path) => existsSync(path))
if (chromiumPath === undefined) console.log('chromium: not measured, it is not here (apt-get install chromium)')
else await measureServed(chromiumPath)
