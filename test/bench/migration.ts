/** A migration, whole and by its parts. */
import { CaptureAnalysis } from '../../core/attack/capture-analysis.js'
import { seconds } from '../../core/base/units.js'
import { defaultScenario, type Scenario } from '../../core/session/scenario.js'
import { Session } from '../../core/session/session.js'
import image from '../../labs/guests/shell.elf'
import { add, MIB, printMeasures, ROUNDS, time } from './measures.js'

/** A 64 MiB guest of which all but a few pages are not zero, on a 10 Gbit/s network, up and at work. */
const bigScenario: Scenario = {
  ...defaultScenario,
  bandwidthBps: 10e9,
  guest: { ...defaultScenario.guest, ramOctets: 64 * MIB, fillOctets: 60 * MIB },
  migration: { ...defaultScenario.migration, maxBandwidth: 0 },
}

function booted(scenario: Scenario): Session {
  const session = new Session({ scenario, seed: 'bench', image })
  session.do({ kind: 'boot' })
  session.runFor(seconds(4))
  return session
}

function migrate(session: Session): void {
  session.do({ kind: 'migrate' })
  session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
}

const bootMs = time(
  () => undefined,
  () => booted(bigScenario),
  1,
)
add('boot of a 64 MiB guest that fills 60 MiB, 4 s of virtual time', bootMs, 'ms')

const ready = booted(bigScenario)
// Before anything of it ran: nothing is compiled yet, and no memory was touched.
const coldMs = time(() => ready.fork(), migrate, 1)
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

add(
  '64 MiB in clear at 10 Gbit/s, capture and listener on',
  time(() => ready.fork(), migrate),
  'ms',
  'under 1000',
)
add('  the same the first time in a process', coldMs, 'ms', 'under 1000')
const unheard = time(() => {
  const session = ready.fork()
  session.world.rack.mirrorEnd.output = session.world.rack.tap
  return session
}, migrate)
add('  the same without the listener reading along', unheard, 'ms')

const done = ready.fork()
migrate(done)
const { tap } = done.world.rack
const frames = tap.lastPacket
add('  frames at the mirror port', frames, '')
add('  frames simulated a second of wall time (three hops each)', (frames * 3) / (unheard / 1000), '/s')
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

for (const channel of ['nacl', 'ssh'] as const)
  add(
    `64 MiB over ${channel} at 10 Gbit/s, capture and listener on`,
    time(
      () => {
        const session = ready.fork()
        session.do({ kind: 'configure-migration', settings: { channel } })
        return session
      },
      migrate,
      Math.min(ROUNDS, 3),
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
