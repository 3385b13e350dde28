/** `migrate`: one migration in a laboratory network, watched at the mirror port, measured from the trace. */
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import {
  PAGE_OCTETS,
  parseBitRate,
  parseDuration,
  parseEventRate,
  parseFraction,
  parseOctets,
  milliseconds,
  seconds,
} from '../core/base/units.js'
import { hypervisorNames } from '../core/hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../core/hypervisor/profiles/profiles.js'
import { queryMigrate } from '../core/migration/query-migrate.js'
import { fileStream } from '../core/migration/wire/file-stream.js'
import { parseGuestOption } from '../core/session/guest-options.js'
import type { LinkConditions } from '../core/session/link-conditions.js'
import { congestionControls, defaultScenario, scenarioProblem, type Scenario } from '../core/session/scenario.js'
import { Session } from '../core/session/session.js'
import { readGuestImage } from './guest-images.js'
import { LiveCapture } from './live-capture.js'
import { migrationFrom, migrationOptions } from './migration-options.js'
import { expectWritable, openOutput, writeOutputFile } from './output.js'
import { oneOf, quantity } from './quantities.js'

/** The guest boots, makes its secrets and works for a while before it is moved. */
const BEFORE_NS = seconds(3)
/** Time for the client to find the guest again. */
const AFTER_NS = seconds(1)
/** What is captured is handed to a viewer this often, in virtual time. */
const LIVE_STRIDE_NS = milliseconds(10)
/** A migration that has not ended by then never will. */
const PATIENCE_NS = seconds(3600)

const options = {
  profile: { type: 'string', default: defaultScenario.profile },
  guest: { type: 'string', default: defaultScenario.guest.image },
  ram: { type: 'string', default: '16MiB' },
  fill: { type: 'string' },
  disk: { type: 'string', default: '0' },
  'working-set': { type: 'string', default: '1MiB' },
  'dirty-rate': { type: 'string', default: '2000/s' },
  'no-secrets': { type: 'boolean', default: false },
  'qemu-board': { type: 'boolean', default: false },
  paused: { type: 'boolean', default: false },
  'guest-option': { type: 'string', multiple: true },
  ...migrationOptions,
  bandwidth: { type: 'string', default: '1Gbit' },
  latency: { type: 'string', default: '100us' },
  jitter: { type: 'string' },
  loss: { type: 'string' },
  duplicate: { type: 'string' },
  reorder: { type: 'string' },
  corrupt: { type: 'string' },
  queue: { type: 'string' },
  congestion: { type: 'string', default: 'cubic' },
  'no-sack': { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
  pcap: { type: 'string' },
  live: { type: 'string' },
  stream: { type: 'string' },
} as const

export async function migrateCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options })
  const scenario = scenarioFrom(values)
  // Standard output is one thing at a time.
  if (values.live === '-' && values.json === '-') throw new InputError('--live - and --json - cannot both be')
  const output = openOutput(
    values.json,
    (text) => void (values.live === '-' ? process.stderr : process.stdout).write(text),
  )
  await expectWritable(values.json === '-' ? undefined : values.json, values.pcap, values.stream)
  const session = new Session({ scenario, seed: values.seed, image: readGuestImage(values.guest) })
  const { world } = session
  world.guestDesk.evidence = { hashRam: values.json !== undefined, recordStream: values.stream !== undefined }
  const live = values.live === undefined ? null : await LiveCapture.open(values.live, world.rack.tap)
  session.do({ kind: 'boot' })
  await runWatched(session, () => true, BEFORE_NS, live)
  if (world.liveVm()?.state !== 'running')
    throw new InputError(`the guest ${values.guest} did not stay up for three seconds`)
  if (values.paused) session.do({ kind: 'type', console: 'operator', text: `virsh suspend ${world.guestName}\r` })
  session.do({ kind: 'migrate' })
  const holdNs = quantity('pause-before-switchover', values['pause-before-switchover'] ?? '0s', parseDuration)
  if (values['pause-before-switchover'] !== undefined) {
    await runWatched(session, ({ world }) => world.crossingUnderWay?.isHeld === false, PATIENCE_NS, live)
    await runWatched(session, ({ isMigrating }) => isMigrating, holdNs, live)
    if (world.crossingUnderWay?.isHeld === true) session.do({ kind: 'continue-migration' })
  }
  if (await runWatched(session, ({ isMigrating }) => isMigrating, PATIENCE_NS, live))
    await runWatched(session, () => true, AFTER_NS, live)
  else process.stderr.write('midstream migrate: the migration was still going on after an hour of virtual time\n')
  const run = world.lastRun()
  const { crossing } = world
  if (run === undefined || crossing === null) throw new InputError('the migration did not start')

  const result = {
    status: run.status,
    cause: run.cause,
    source: run.source,
    destination: run.destination,
    strategy: run.strategy,
    channel: run.channel,
    seed: values.seed,
    rounds: run.rounds.map(({ zeroPages, normalPages, xbzrlePages, octets, startNs, endNs, dirtiedPages, paused }) => ({
      pages: zeroPages + normalPages + xbzrlePages,
      zeroPages,
      normalPages,
      xbzrlePages,
      octets,
      durationMs: (endNs - startNs) / 1e6,
      dirtiedPages,
      paused,
    })),
    converged: run.downtimeMs === null ? null : !run.forced,
    totalTimeMs: run.totalTimeMs,
    downtimeMs: run.downtimeMs,
    ownPause: run.ownPause,
    clientGapMs: run.clientGapMs,
    wireOctets: run.wireOctets,
    diskOctets: run.diskOctets,
    ramHashSource: crossing.ramHashes?.source ?? null,
    ramHashDestination: crossing.ramHashes?.destination ?? null,
    secretsPlanted: run.secretsPlanted,
    secretsFound: run.secretsFound,
    ramOctetsRecovered: run.ramOctetsRecovered,
    findings: run.findings,
    qemu: queryMigrate(crossing.source, session.nowNs),
    traceHash: session.trace.hash(),
  }
  const ms = (value: number | null): string => (value === null ? '-' : `${value.toFixed(2)} ms`)
  output.table(
    ['', ''],
    [
      ['status', run.cause === '' ? run.status : `${run.status}: ${run.cause}`],
      ['total time', ms(run.totalTimeMs)],
      ['downtime', `${ms(run.downtimeMs)}${pauseWords[run.ownPause]}`],
      ['gap at the client', ms(run.clientGapMs)],
      ['rounds', `${run.rounds.length}${run.forced ? unconverged(run.pendingAtStopOctets) : ''}`],
      ['octets on the wire', String(run.wireOctets)],
      ...(run.diskOctets === 0 ? [] : [['octets of the disk', String(run.diskOctets)]]),
      ['secrets found', `${run.secretsFound} of ${run.secretsPlanted}`],
      ['RAM recovered', `${run.ramOctetsRecovered} of ${run.ramOctets} octets`],
      ['trace', result.traceHash],
    ],
  )
  if (values.pcap !== undefined) await writeOutputFile(values.pcap, world.rack.tap.toPcapng())
  if (values.stream !== undefined && crossing.recording !== null)
    await writeOutputFile(values.stream, fileStream(crossing.recording.recorded()))
  await output.json(result)
  await live?.end()
  return run.status === 'completed' ? 0 : 1
}

/** As `Session.runWhile`, and whoever watches the capture gets it meanwhile. */
async function runWatched(
  session: Session,
  isGoingOn: (session: Session) => boolean,
  spanNs: number,
  live: LiveCapture | null,
): Promise<boolean> {
  const untilNs = session.nowNs + spanNs
  while (session.nowNs < untilNs) {
    if (session.runWhile(isGoingOn, Math.min(LIVE_STRIDE_NS, untilNs - session.nowNs))) return true
    await live?.pump()
  }
  return false
}

const pauseWords = {
  none: '',
  before: ' for its last phase; the guest was paused before and is paused now',
  after: ', and the guest is paused now',
} as const

function unconverged(pendingOctets: number | null): string {
  return `, not converging: the guest was stopped with ${pendingOctets ?? 0} octets left to send`
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

/** Of the source's cable. */
function linkConditionsFrom(values: Values): Partial<LinkConditions> {
  const given = (
    option: 'jitter' | 'loss' | 'duplicate' | 'reorder' | 'corrupt' | 'queue',
    parse: (text: string) => number,
  ) => {
    const text = values[option]
    return text === undefined ? null : quantity(option, text, parse)
  }
  const conditions = {
    jitterNs: given('jitter', parseDuration),
    loss: given('loss', parseFraction),
    duplication: given('duplicate', parseFraction),
    reordering: given('reorder', parseFraction),
    corruption: given('corrupt', parseFraction),
    queueOctets: given('queue', parseOctets),
  }
  return Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== null))
}

function scenarioFrom(values: Values): Scenario {
  const ramOctets = quantity('ram', values.ram, parseOctets)
  const profile = oneOf('profile', values.profile, hypervisorNames)
  const scenario: Scenario = {
    ...defaultScenario,
    bandwidthBps: quantity('bandwidth', values.bandwidth, parseBitRate),
    latencyNs: quantity('latency', values.latency, parseDuration),
    links: { 'host-a': linkConditionsFrom(values) },
    profile,
    tcp: {
      congestionControl: oneOf('congestion', values.congestion, congestionControls),
      hasSack: !values['no-sack'],
    },
    guest: {
      ...defaultScenario.guest,
      image: values.guest,
      ramOctets,
      fillOctets: values.fill === undefined ? Math.floor(ramOctets / 2) : quantity('fill', values.fill, parseOctets),
      diskOctets: values.disk === '0' ? 0 : quantity('disk', values.disk, parseOctets),
      workingSetPages: Math.ceil(quantity('working-set', values['working-set'], parseOctets) / PAGE_OCTETS),
      dirtyPagesPerSecond: quantity('dirty-rate', values['dirty-rate'], parseEventRate),
      hasSecrets: !values['no-secrets'],
      qemuBoard: values['qemu-board'],
      options: (values['guest-option'] ?? []).reduce(
        (options, text) => ({ ...options, ...parseGuestOption(values.guest, text) }),
        {},
      ),
    },
    migration: migrationFrom(values, profiles[profile]),
  }
  if (values.stream !== undefined && scenario.migration.multifdChannels > 0)
    throw new InputError('--stream: with --multifd-channels the main stream brings no pages; --pcap has them all')
  const problem = scenarioProblem(scenario)
  if (problem !== null) throw new InputError(`--${problem.setting}: ${problem.reason}`)
  return scenario
}
