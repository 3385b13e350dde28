/**
 * Migrations of every kind, disturbed at random: cables cut and restored, frames lost and damaged, cancelled, broken off,
 * recovered, given up, tried again, gone on with from a kept state, of guests that run or stand still. Whatever happens, one copy
 * of the guest lives and it is right, or its loss is said; and one that stands still does so until somebody lets it go on.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { InputError } from '../../core/base/errors.js'
import type { KeptGraph } from '../../core/base/snapshot.js'
import { milliseconds, seconds } from '../../core/base/units.js'
import { RandomStream } from '../../core/kernel/random.js'
import type { HostMonitor } from '../../core/session/host-monitor.js'
import { channelNames, type LinkName, type MigrationScenario } from '../../core/session/scenario.js'
import type { Session, SessionCommand } from '../../core/session/session.js'
import { bootedSession } from '../support/lab-session.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'
import { expectOneLife, runWatched } from '../support/watched-run.js'

const RAM_OCTETS = 2 ** 20
/** Two chunks and a half: one that is text, one that is empty, part of one. */
const DISK_OCTETS = 2.5 * 2 ** 20
const SLICE_RUNS = 40
/** Runs in one test, so that ten thousand do not make a report of ten thousand lines. */
const RUNS_A_TEST = 20
/** One in so many is run twice, to see that it goes the same. */
const TWICE_IN = 5

/** The console of the first two says nothing but what it is asked, so every character of it can be told beforehand. */
const images = ['kv', 'web', 'stress', 'shell'] as const
type ImageName = (typeof images)[number]

const strategies = ['stop-and-copy', 'precopy', 'precopy', 'postcopy', 'postcopy', 'hybrid', 'hybrid', 'cold'] as const
const hostLinks = ['host-a', 'host-b'] as const satisfies readonly LinkName[]

const booted = new Map<ImageName, KeptGraph<Session>>()

/** A guest that is up: booted once, gone on with in every run. */
function start(image: ImageName): Session {
  let kept = booted.get(image)
  if (kept === undefined) {
    const memory = { ramOctets: RAM_OCTETS, fillOctets: RAM_OCTETS / 4, workingSetPages: 32 }
    const guest = { ...memory, diskOctets: DISK_OCTETS, hasSecrets: false }
    kept = bootedSession({ image, guest: { ...guest, dirtyPagesPerSecond: 500 } }).keep()
    booted.set(image, kept)
  }
  return kept.restore()
}

/** What may be chosen beside the strategy; what a strategy does not go with is refused, and the settings before stay. */
const NO_FEATURES = {
  xbzrle: false,
  compression: 'none',
  autoConverge: false,
  vcpuDirtyLimit: 0,
  stopRule: 'qemu',
  pauseBeforeSwitchover: false,
  zeroPageDetection: 'legacy',
  multifdChannels: 0,
} as const satisfies Partial<MigrationScenario>
const features: readonly Partial<MigrationScenario>[] = [
  NO_FEATURES,
  NO_FEATURES,
  { ...NO_FEATURES, xbzrle: true, xbzrleCacheOctets: 2 ** 18 },
  { ...NO_FEATURES, compression: 'zlib' },
  { ...NO_FEATURES, xbzrle: true, compression: 'zlib', autoConverge: true },
  { ...NO_FEATURES, vcpuDirtyLimit: 2 ** 20, zeroPageDetection: 'none' },
  { ...NO_FEATURES, stopRule: 'xen' },
  { ...NO_FEATURES, stopRule: 'xen-legacy' },
  { ...NO_FEATURES, pauseBeforeSwitchover: true },
  { ...NO_FEATURES, multifdChannels: 2 },
  { ...NO_FEATURES, multifdChannels: 3, zeroPageDetection: 'multifd', compression: 'zlib' },
]

function someSettings(random: RandomStream): Partial<MigrationScenario> {
  return {
    strategy: random.pick(strategies),
    channel: random.pick(channelNames),
    downtimeLimitNs: milliseconds(random.pick([0, 1, 10, 300])),
    maxBandwidth: random.pick([0, 2 ** 23, 2 ** 24]),
    maxPostcopyBandwidth: random.pick([0, 0, 2 ** 22, 2 ** 23]),
    roundsMax: random.pick([0, 1, 5, 30]),
    postcopyAfterRounds: random.pick([0, 1, 3]),
    postcopyPrepagingPages: random.pick([0, 0, 8]),
    copyStorage: random.below(4) === 0,
    zeroBlocks: random.below(2) === 0,
    ...random.pick(features),
  }
}

function someWorkload(random: RandomStream): SessionCommand {
  const workingSetPages = random.pick([1, 32, 128])
  const dirtyPagesPerSecond = random.pick([0, 500, 500, 8000])
  return { kind: 'configure-workload', workload: { workingSetPages, dirtyPagesPerSecond } }
}

function someConditions(random: RandomStream): SessionCommand {
  const conditions = random.pick([
    { loss: 0.01 },
    { loss: 0.2 },
    { corruption: 0.02 },
    { duplication: 0.05 },
    { reordering: 0.1, delayNs: 200_000 },
    { jitterNs: 300_000 },
  ])
  return { kind: 'configure-link', link: random.pick(hostLinks), conditions }
}

const QUIET = { loss: 0, corruption: 0, duplication: 0, reordering: 0, jitterNs: 0 } as const

class DisturbedRun {
  session: Session
  private readonly random: RandomStream
  private readonly image: ImageName
  /** Lines typed on the guest's console, and what had been written on it before. */
  private readonly typed: string[] = []
  private readonly consoleBefore: string
  private wasSwitchedOff = false
  /** Somebody wanted it to stand still, here or where it arrives. */
  private wasStopped = false
  /** The instants at which somebody let it go on. */
  private readonly letGoNs: number[] = []

  constructor(seed: string) {
    this.random = new RandomStream(`migration ${seed}`)
    this.image = this.random.pick(images)
    this.session = start(this.image)
    this.consoleBefore = this.consoleText()
  }

  play(): void {
    const { random } = this
    this.try(someWorkload(random))
    this.try({ kind: 'configure-network', bandwidthBps: random.pick([2e7, 1e8, 1e9]) })
    if (random.below(4) === 0) this.stop(this.session.world.guestDesk.monitoredHosts[0])
    this.migrate()
    for (let count = random.below(10); count > 0; count--) {
      this.letPass(random.pick([300_000, 3_000_000, 20_000_000, 60_000_000]))
      this.disturb()
    }
    this.letPass(20_000_000)
    this.settle()
    this.check()
  }

  private migrate(): void {
    this.try({ kind: 'configure-migration', settings: someSettings(this.random) })
    const count = this.session.trace.count('migration-start')
    if (this.random.below(8) === 0) this.migrateToStandStill()
    else this.try({ kind: 'migrate' })
    const started = this.session.trace.rows('migration-start', count)
    if (started.some(({ strategy }) => strategy === 'cold')) this.wasSwitchedOff = true
  }

  private migrateToStandStill(): void {
    try {
      this.session.world.guestDesk.migrate(undefined, { autostart: false })
      this.wasStopped = true
    } catch (error) {
      if (!(error instanceof InputError)) throw error
    }
  }

  private stop(target: HostMonitor | undefined): void {
    target?.stop()
    this.wasStopped = true
  }

  /** At either host's monitor, whatever the guest is doing. */
  private stopOrGoOn(): void {
    const target = this.random.pick(this.session.world.guestDesk.monitoredHosts)
    try {
      if (this.random.below(2) === 0) this.stop(target)
      else {
        target.cont()
        this.letGoNs.push(this.session.nowNs)
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
    }
    expectOneLife(this.session)
  }

  private letPass(spanNs: number): void {
    runWatched(this.session, this.random.below(spanNs))
  }

  private try(command: SessionCommand): void {
    try {
      this.session.do(command)
      if (command.kind === 'boot') this.letGoNs.push(this.session.nowNs)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
    }
  }

  private disturb(): void {
    const { random } = this
    const link = random.pick(hostLinks)
    switch (random.below(19)) {
      case 0:
      case 1:
        return this.try({ kind: 'cut-link', link })
      case 2:
      case 3:
        return this.try({ kind: 'restore-link', link })
      case 4:
        return this.try(someConditions(random))
      case 5:
        return this.try({ kind: 'cancel-migration' })
      case 6:
        return this.try({ kind: 'start-postcopy' })
      case 7:
        return this.try({ kind: 'pause-migration' })
      case 8:
        return this.try({ kind: 'recover-migration' })
      case 9:
        if (random.below(4) === 0) this.try({ kind: 'abandon-postcopy' })
        return
      case 10:
        return this.migrate()
      case 11:
        return this.try(someWorkload(random))
      case 12:
        this.session = this.session.keep().restore()
        return
      case 13:
        if (random.below(4) === 0) this.switchOff()
        return
      case 14:
        return this.try({ kind: random.pick(['switch-over', 'continue-migration']) })
      case 15:
      case 16:
        return this.stopOrGoOn()
      default:
        return this.typeLine()
    }
  }

  private typeLine(): void {
    const line = `x${this.typed.length}-${this.random.below(1e9)}`
    this.typed.push(line)
    for (let at = 0; at < line.length; at += 4) {
      this.session.do({ kind: 'type', console: 'guest', text: line.slice(at, at + 4) })
      this.letPass(1_000_000)
    }
    this.session.do({ kind: 'type', console: 'guest', text: '\r' })
  }

  /** The guest ends of its own accord, and is booted again. */
  private switchOff(): void {
    this.wasSwitchedOff = true
    this.session.do({ kind: 'type', console: 'guest', text: '\rpoweroff\r' })
    this.letPass(40_000_000)
    this.try({ kind: 'boot' })
  }

  /** The network is whole again: what is under way comes to an end. */
  private settle(): void {
    for (const link of hostLinks) {
      this.try({ kind: 'restore-link', link })
      this.try({ kind: 'configure-link', link, conditions: QUIET })
    }
    this.try({ kind: 'configure-network', bandwidthBps: 1e9 })
    for (let waits = 0; waits < 2000 && this.session.isMigrating; waits++) {
      if (waits % 50 === 0) this.try({ kind: 'recover-migration' })
      if (waits % 20 === 0) this.try({ kind: 'continue-migration' })
      // A pre-copy that never gets there is given up.
      if (waits > 100) this.try({ kind: 'cancel-migration' })
      runWatched(this.session, milliseconds(5))
    }
    expect(this.session.isMigrating, 'still under way').toBe(false)
    if (this.session.world.liveVm()?.state === 'paused') {
      expect(this.wasStopped, 'stands still, and nobody wanted it to').toBe(true)
      this.letGoNs.push(this.session.nowNs)
      this.session.world.guestDesk.resumeVm(this.session.world.guestName)
    }
    // What was typed while it stood still is answered now.
    runWatched(this.session, milliseconds(20))
    if (this.wasSwitchedOff) {
      runWatched(this.session, seconds(1))
      this.try({ kind: 'boot' })
      runWatched(this.session, seconds(1))
    }
  }

  private check(): void {
    const { session } = this
    const { world, trace } = session
    const [vm, ...others] = world.allVms()
    expect(others).toHaveLength(0)
    const losses = trace.rows('migration-loss')
    expect(vm?.state).toBe(losses.length > 0 && !this.wasSwitchedOff ? 'internal-error' : 'running')
    for (const host of world.hosts)
      expect(host.freeRamOctets()).toBe(host.options.ramOctets - (host.name === vm?.hostName ? RAM_OCTETS : 0))
    expect(vm?.missingPages === 0 || vm?.state === 'internal-error').toBe(true)
    const runs = world.runs()
    for (const { status, cause } of runs) {
      expect(status).toMatch(/^(completed|failed|cancelled)$/)
      if (status === 'failed') expect(cause).not.toBe('')
    }
    const completed = runs.filter(({ status }) => status === 'completed').length
    const compared = trace.rows('migration-compare')
    expect(compared.length).toBeGreaterThanOrEqual(completed)
    // TCP keeps damaged frames away from it: nothing that arrives may be refused.
    expect(trace.rows('migration-refused')).toEqual([])
    for (const row of compared)
      expect(row).toMatchObject({ ramDifferences: 0, deviceDifferences: 0, diskDifferences: 0 })
    const last = runs.at(-1)
    if (last !== undefined && losses.length === 0 && !this.wasSwitchedOff)
      expect(vm?.hostName).toBe(last.status === 'completed' ? last.destination : last.source)
    this.checkPauses()
    if (vm?.state !== 'running') return
    this.typeLine()
    const before = vm.instructions
    runWatched(session, milliseconds(20))
    expect(vm.instructions).toBeGreaterThan(before)
    this.checkConsole()
  }

  /** A copy that runs after its guest was stopped, or arrived to stand still, was let go on. */
  private checkPauses(): void {
    const { trace } = this.session
    const arrivals = trace.rows('migration-arrived-paused').map(({ atNs }) => ({ atNs, host: '', state: 'arrived' }))
    const states = [...trace.rows('vm-state'), ...arrivals].sort((a, b) => a.atNs - b.atNs)
    const before = new Map<string, string>()
    let isStill = false
    for (const { atNs, host, state } of states) {
      if (state === 'arrived' || (state === 'paused' && before.get(host) === 'running')) isStill = true
      if (state === 'running') {
        if (isStill) expect(this.letGoNs, 'runs, and nobody let it go on').toContain(atNs)
        isStill = false
      }
      before.set(host, state)
    }
  }

  /** Every character typed was echoed once, every line answered once. */
  private checkConsole(): void {
    if (this.wasSwitchedOff) return
    if (this.image === 'kv' || this.image === 'web') {
      const answers = this.typed.map((line) => `${line}\n${line}: not a command; try help\n${this.image}> `)
      expect(this.consoleText()).toBe(this.consoleBefore + answers.join(''))
    } else {
      const ticks = [...this.consoleText().matchAll(/\[tick (\d+)\]/g)].map(([, tick]) => Number(tick))
      expect(ticks).toEqual(ticks.map((_, index) => index + 1))
    }
  }

  private consoleText(): string {
    return this.session.world.consoles.guest.from(0).replaceAll('\r', '')
  }
}

const seeds = simulationSeeds(SLICE_RUNS)
const batches = Array.from({ length: Math.ceil(seeds.length / RUNS_A_TEST) }, (_, index) =>
  seeds.slice(index * RUNS_A_TEST, (index + 1) * RUNS_A_TEST),
)

/** What the runs came to, so that a change which makes most of them come to nothing is seen. */
const outcomes = new Map<string, number>()

describe('migrations, disturbed at random', () => {
  it.each(batches.map((batch) => ({ batch, from: batch[0], to: batch.at(-1) })))('$from to $to', ({ batch }) => {
    batch.forEach((seed, index) => {
      withSeed(seed, () => {
        const run = new DisturbedRun(seed)
        run.play()
        for (const { strategy, status } of run.session.world.runs()) {
          const outcome = `${strategy} ${status}`
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        }
        if (index % TWICE_IN !== 0) return
        const again = new DisturbedRun(seed)
        again.play()
        expect(again.session.trace.hash()).toBe(run.session.trace.hash())
      })
    })
  })

  afterAll(() => {
    if (process.env['SIMULATION_RUNS'] !== undefined)
      process.stdout.write(`${JSON.stringify(Object.fromEntries([...outcomes].sort()), null, 2)}\n`)
  })
})
