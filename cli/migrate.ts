/** `migrate`: one migration in a laboratory network, watched at the mirror port, measured from the trace. */
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import { octetsOf, pagesIn } from './quantities.js'
import { parseBitRate, parseDuration, parseEventRate, parseOctetRate, seconds } from '../core/base/units.js'
import { fileStream } from '../core/migration/wire/file-stream.js'
import { channelNames, defaultScenario, strategies, type Scenario } from '../core/session/scenario.js'
import { Session } from '../core/session/session.js'
import { readGuestImage } from './guest-images.js'
import { openOutput, writeOutputFile } from './output.js'

/** The guest boots, makes its secrets and works for a while before it is moved. */
const BEFORE_NS = seconds(3)
/** Time for the client to find the guest again. */
const AFTER_NS = seconds(1)
const PATIENCE_NS = seconds(3600)

const options = {
  guest: { type: 'string', default: defaultScenario.guest.image },
  ram: { type: 'string', default: '16MiB' },
  fill: { type: 'string' },
  'working-set': { type: 'string', default: '1MiB' },
  'dirty-rate': { type: 'string', default: '2000/s' },
  'no-secrets': { type: 'boolean', default: false },
  strategy: { type: 'string', default: 'precopy' },
  channel: { type: 'string', default: 'none' },
  bandwidth: { type: 'string', default: '1Gbit' },
  latency: { type: 'string', default: '100us' },
  'downtime-limit': { type: 'string', default: '300ms' },
  'max-bandwidth': { type: 'string', default: '128MiB/s' },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
  pcap: { type: 'string' },
  stream: { type: 'string' },
} as const

export async function migrateCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options })
  const scenario = scenarioFrom(values)
  const output = openOutput(values.json)
  const session = new Session({ scenario, seed: values.seed, image: readGuestImage(values.guest) })
  const { world } = session
  world.evidence = { hashRam: values.json !== undefined, recordStream: values.stream !== undefined }
  session.do({ kind: 'boot' })
  session.runFor(BEFORE_NS)
  if (world.liveVm()?.state !== 'running')
    throw new InputError(`the guest ${values.guest} did not stay up for three seconds`)
  session.do({ kind: 'migrate' })
  session.runWhile(({ isMigrating }) => isMigrating, PATIENCE_NS)
  session.runFor(AFTER_NS)
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
    rounds: run.rounds.map(({ zeroPages, normalPages, octets, startNs, endNs, dirtiedPages, paused }) => ({
      pages: zeroPages + normalPages,
      zeroPages,
      normalPages,
      octets,
      durationMs: (endNs - startNs) / 1e6,
      dirtiedPages,
      paused,
    })),
    totalTimeMs: run.totalTimeMs,
    downtimeMs: run.downtimeMs,
    clientGapMs: run.clientGapMs,
    wireOctets: run.wireOctets,
    ramHashSource: crossing.ramHashes?.source ?? null,
    ramHashDestination: crossing.ramHashes?.destination ?? null,
    secretsPlanted: run.secretsPlanted,
    secretsFound: run.secretsFound,
    ramOctetsRecovered: run.ramOctetsRecovered,
    findings: run.findings,
    traceHash: session.trace.hash(),
  }
  const ms = (value: number | null): string => (value === null ? '-' : `${value.toFixed(2)} ms`)
  output.table(
    ['', ''],
    [
      ['status', run.cause === '' ? run.status : `${run.status}: ${run.cause}`],
      ['total time', ms(run.totalTimeMs)],
      ['downtime', ms(run.downtimeMs)],
      ['gap at the client', ms(run.clientGapMs)],
      ['rounds', String(run.rounds.length)],
      ['octets on the wire', String(run.wireOctets)],
      ['secrets found', `${run.secretsFound} of ${run.secretsPlanted}`],
      ['RAM recovered', `${run.ramOctetsRecovered} of ${run.ramOctets} octets`],
      ['trace', result.traceHash],
    ],
  )
  if (values.pcap !== undefined) await writeOutputFile(values.pcap, world.rack.tap.toPcapng())
  if (values.stream !== undefined && crossing.recording !== null)
    await writeOutputFile(values.stream, fileStream(crossing.recording.recorded()))
  await output.json(result)
  return run.status === 'completed' ? 0 : 1
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

function scenarioFrom(values: Values): Scenario {
  const ramOctets = octetsOf(values.ram, '--ram')
  const maxBandwidth = values['max-bandwidth'] === '0' ? 0 : parseOctetRate(values['max-bandwidth'])
  return {
    ...defaultScenario,
    bandwidthBps: parseBitRate(values.bandwidth),
    latencyNs: parseDuration(values.latency),
    guest: {
      ...defaultScenario.guest,
      image: values.guest,
      ramOctets,
      fillOctets: values.fill === undefined ? Math.floor(ramOctets / 2) : octetsOf(values.fill, '--fill'),
      workingSetPages: pagesIn(values['working-set'], '--working-set'),
      dirtyPagesPerSecond: parseEventRate(values['dirty-rate']),
      hasSecrets: !values['no-secrets'],
    },
    migration: {
      ...defaultScenario.migration,
      strategy: oneOf(strategies, values.strategy, '--strategy'),
      channel: oneOf(channelNames, values.channel, '--channel'),
      downtimeLimitNs: parseDuration(values['downtime-limit']),
      maxBandwidth,
    },
  }
}

function oneOf<T extends string>(names: readonly T[], value: string, option: string): T {
  const found = names.find((name) => name === value)
  if (found === undefined) throw new InputError(`${option} ${value}: choose one of ${names.join(', ')}`)
  return found
}
