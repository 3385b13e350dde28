/** A migration, whole and by its parts. */
import { performance } from 'node:perf_hooks'
import { CaptureAnalysis } from '../../core/attack/capture-analysis.js'
import { Fuzzer } from '../../core/attack/fuzz/fuzzer.js'
import { restoreSeeds } from '../../core/attack/fuzz/restore-seeds.js'
import { seconds } from '../../core/base/units.js'
import { receiverFixNames } from '../../core/hypervisor/vulnerable-receiver/fixes.js'
import { RandomStream } from '../../core/kernel/random.js'
import { ReceiverTarget } from '../../core/session/attacker/receiver-target.js'
import { defaultScenario, type Scenario } from '../../core/session/scenario.js'
import type { Session } from '../../core/session/session.js'
import { add, MIB, printMeasures, ROUNDS, time } from './measures.js'
import { migrationParts } from './migration-parts.js'
import { bigScenario, booted, migrate } from './moving-guest.js'

const noCapture = (session: Session): void => {
  const { rack } = session.world
  rack.placeAttacker('access')
}

/** Resident memory that a process takes more while a guest crosses, the highest of many looks, and the wall time. */
function firstCrossing(): { readonly mebibytes: number; readonly milliseconds: number } {
  const before = process.memoryUsage.rss()
  const session = booted(bigScenario)
  noCapture(session)
  const start = performance.now()
  session.do({ kind: 'migrate' })
  let highest = 0
  let steps = 0
  session.runWhile(({ isMigrating }) => {
    if (++steps % 5000 === 0) highest = Math.max(highest, process.memoryUsage.rss())
    return isMigrating
  }, seconds(60))
  return { mebibytes: (highest - before) / MIB, milliseconds: performance.now() - start }
}
// First of all: nothing is compiled yet, and nothing else has taken memory.
const first = firstCrossing()
add('memory of moving a 64 MiB guest, without capture', first.mebibytes, 'MiB', 'under 192: twice the guest and 64 MiB')

const FUZZ_RUNS = 50_000
const fuzzMs = time(
  () => new Fuzzer(new ReceiverTarget(receiverFixNames), restoreSeeds, new RandomStream('bench')),
  (fuzzer) => {
    while (fuzzer.runs < FUZZ_RUNS) fuzzer.step()
  },
)
add('hostile streams to the mended receiver of migrations', FUZZ_RUNS / (fuzzMs / 1000), '/s')

const bootMs = time(
  () => undefined,
  () => booted(bigScenario),
  1,
)
add('boot of a 64 MiB guest that fills 60 MiB, 4 s of virtual time', bootMs, 'ms')

/** The guest goes to and fro; what is counted is each crossing from the command to its end, the comparison included. */
function crossings(session: Session, prepare: (session: Session) => void = () => undefined): number {
  prepare(session)
  migrate(session) // compiled, and memory touched
  return time(() => session, migrate)
}
const noListener = (session: Session): void => {
  session.world.attacker.listener = session.world.rack.tap
}
// As a person has them who opened a lab and booted its guest: before any session was copied.
add('64 MiB in clear at 10 Gbit/s, without capture', crossings(booted(bigScenario), noCapture), 'ms', 'under 150')
const captured = crossings(booted(bigScenario), noListener)
add('  with capture', captured, 'ms', 'under 300')
add('  with capture and a listener that reads along', crossings(booted(bigScenario)), 'ms')
add('  without capture, the first time in a process', first.milliseconds, 'ms')

const ready = booted(bigScenario)
add(
  'keeping that session, the first time',
  time(
    () => ready.fork(),
    (session) => void session.keep(),
  ),
  'ms',
)
const state = ready.keep()
add(
  '  again, with everything shared',
  time(
    () => undefined,
    () => void ready.keep(),
  ),
  'ms',
)
add(
  '  coming back to it',
  time(
    () => undefined,
    () => void state.restore(),
  ),
  'ms',
)
add('64 MiB without capture, in a session that was kept and come back to', crossings(state.restore(), noCapture), 'ms')

const { parts, ram } = migrationParts(state.restore())
for (const [what, milliseconds] of parts) add(`  part: ${what}`, milliseconds, 'ms')
add('  octets of RAM', ram / MIB, 'MiB')

const idleScenario: Scenario = {
  ...bigScenario,
  guest: { ...defaultScenario.guest, ramOctets: 1024 * MIB, fillOctets: 0 },
}
const large = booted(idleScenario)
add(
  '1 GiB, mostly zero',
  time(() => large, migrate, Math.min(ROUNDS, 3)),
  'ms',
  'under 2000',
)

const done = ready.fork()
migrate(done)
const { tap } = done.world.rack
const frames = tap.lastPacket
add('  frames at the mirror port', frames, '')
add('  frames simulated a second of wall time (three hops each)', (frames * 3) / (captured / 1000), '/s')
const listenMs = time(
  () => new CaptureAnalysis(),
  (analysis) => {
    for (let packet = 1; packet <= frames; packet++)
      analysis.addFrame(tap.frame(packet) ?? new Uint8Array(0), tap.timeNs(packet) ?? 0, packet)
  },
)
add('  the listener alone, from the capture', listenMs, 'ms')
add(
  '  writing the pcapng',
  time(
    () => tap,
    (each) => each.toPcapng(),
  ),
  'ms',
)
add(
  '  trace hash',
  time(
    () => done,
    (each) => each.trace.hash(),
  ),
  'ms',
)
add(
  '  metrics of the run',
  time(
    () => done,
    (each) => each.world.runs(),
  ),
  'ms',
)

/** An endless loop of eight instructions, and the guest's own workload. */
const spin = booted({ ...defaultScenario, guest: { ...defaultScenario.guest, dirtyPagesPerSecond: 1e6 } })
const before = spin.world.liveVm()?.instructions ?? 0
const spinMs = time(
  () => spin,
  (session) => session.runFor(seconds(0.5)),
)
const instructions = ((spin.world.liveVm()?.instructions ?? 0) - before) / ROUNDS
add('instructions a second, guest workload, a hart at full load', instructions / (spinMs / 1000) / 1e6, 'M/s')

const idle = booted(defaultScenario)
add(
  '10 s of virtual time of a guest at little work, probes on',
  time(
    () => idle.fork(),
    (session) => session.runFor(seconds(10)),
    3,
  ),
  'ms',
)

printMeasures()
