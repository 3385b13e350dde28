/** `migrate`: one migration in a laboratory network, watched at the mirror port, measured from the trace. */
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import { disguisePrice } from '../core/metrics/leak/disguise-price.js'
import type { RunMetrics } from '../core/metrics/run-metrics.js'
import { DEFAULT_MIGRATION_OPTIONS } from '../core/migration/migration.js'
import { queryMigrate } from '../core/migration/query-migrate.js'
import { fileStream } from '../core/migration/wire/file-stream.js'
import { DEFAULT_SHAPING } from '../core/secure/shaping/shaping.js'
import type { Scenario } from '../core/session/scenario.js'
import { Session } from '../core/session/session.js'
import { readGuestImage } from './guest-images.js'
import { LiveCapture } from './live-capture.js'
import { runMigration } from './migrate-run.js'
import { scenarioFrom, scenarioOptions, type ScenarioValues } from './migrate-scenario.js'
import { expectWritable, openOutput, writeOutputFile } from './output.js'
import { contentRows, metadataRows, priceRows, structureRows } from './leak-words.js'

const options = {
  ...scenarioOptions,
  leak: { type: 'boolean', default: false },
  json: { type: 'string' },
  pcap: { type: 'string' },
  live: { type: 'string' },
  stream: { type: 'string' },
} as const

export async function migrateCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options })
  const scenario = scenarioFrom(values)
  if (values.stream !== undefined && scenario.migration.multifdChannels > 0)
    throw new InputError('--stream: with --multifd-channels the main stream brings no pages; --pcap has them all')
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
  if (!(await runMigration(session, values, live)))
    process.stderr.write('midstream migrate: the migration was still going on after an hour of virtual time\n')
  const run = world.lastRun()
  const { crossing } = world
  if (run === undefined || crossing === null) throw new InputError('the migration did not start')

  const plain = values.leak && run.disguise !== null ? await plainRun(scenario, values) : null
  const result = {
    status: run.status,
    cause: run.cause,
    source: run.source,
    destination: run.destination,
    strategy: run.strategy,
    channel: run.channel,
    wentClear: run.wentClear,
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
    ramOctetsExact: run.ramOctetsExact,
    findings: run.findings,
    metadata: run.metadata,
    structure: run.structure,
    disguise: run.disguise,
    disguisePrice: plain === null ? null : disguisePrice(run, plain),
    qemu: queryMigrate(crossing.source, session.nowNs),
    traceHash: session.trace.hash(),
  }
  const ms = (value: number | null): string => (value === null ? '-' : `${value.toFixed(2)} ms`)
  output.table(
    ['', ''],
    [
      ...(run.wentClear ? [['channel', `${run.channel}: in clear, for one of the hosts cannot seal`]] : []),
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
  if (values.leak) {
    output.line()
    output.table(['content', ''], contentRows(run))
    output.line()
    output.table(['structure', ''], structureRows(run.structure))
    output.line()
    output.table(['from lengths and times', 'attacker says', 'likely', 'was', 'off by'], metadataRows(run.metadata))
    if (plain !== null) {
      output.line()
      output.table(['price of the disguise', 'without', 'with', 'more'], priceRows(run, plain))
    }
  }
  if (values.pcap !== undefined) await writeOutputFile(values.pcap, world.rack.tap.toPcapng())
  if (values.stream !== undefined && crossing.recording !== null)
    await writeOutputFile(values.stream, fileStream(crossing.recording.recorded()))
  await output.json(result)
  await live?.end()
  return run.status === 'completed' ? 0 : 1
}

/** The same migration without its disguise: what that cost is the difference. Null when it did not come to its end. */
async function plainRun(scenario: Scenario, values: ScenarioValues): Promise<RunMetrics | null> {
  const { roundsMin, roundsMax, ...migration } = scenario.migration
  // As many rounds at most as before, unless they were fixed.
  const rounds = { roundsMin: 0, roundsMax: roundsMin === roundsMax ? DEFAULT_MIGRATION_OPTIONS.roundsMax : roundsMax }
  const plain = { ...scenario, migration: { ...migration, ...rounds, ...DEFAULT_SHAPING } }
  const session = new Session({ scenario: plain, seed: values.seed, image: readGuestImage(values.guest) })
  await runMigration(session, values)
  const run = session.world.lastRun()
  return run?.status === 'completed' ? run : null
}

const pauseWords = {
  none: '',
  before: ' for its last phase; the guest was paused before and is paused now',
  after: ', and the guest is paused now',
} as const

function unconverged(pendingOctets: number | null): string {
  return `, not converging: the guest was stopped with ${pendingOctets ?? 0} octets left to send`
}
