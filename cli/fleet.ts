/** `fleet`: an orchestrator places guests on up to 40 hosts; what it decides and what comes of it is printed as it happens. */
import { parseArgs } from 'node:util'
import { InputError, LabError } from '../core/base/errors.js'
import { PAGE_OCTETS, seconds } from '../core/base/units.js'
import { printable } from '../core/capture/value-text.js'
import { JOULES_PER_KWH } from '../core/metrics/fleet-energy.js'
import { computeFleet, type FleetMetrics } from '../core/metrics/fleet-metrics.js'
import { Fleet } from '../core/session/fleet/fleet.js'
import {
  FLEET_GUESTS_MAX,
  FLEET_HOSTS_MAX,
  parseFleetScenario,
  type FleetScenario,
} from '../core/session/fleet/fleet-scenario.js'
import { FleetNews } from '../core/session/fleet/fleet-news.js'
import { fleetResult } from '../core/session/fleet/fleet-result.js'
import { findExample } from './example-files.js'
import { readGuestImage } from './guest-images.js'
import { expectWritable, openOutput, writeOutputFile, type Output } from './output.js'
import { YamlFile } from './yaml-file.js'

const STRIDE_NS = seconds(1)
/** Loads of guests that nobody describes, in turn. */
const LOADS = ['10%', '20%', '40%', '60%']

export async function fleetCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      hosts: { type: 'string' },
      guests: { type: 'string' },
      policy: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'string' },
      pcap: { type: 'string' },
    },
  })
  const [path, ...others] = positionals
  if (others.length > 0) throw new InputError('name one file or example: fleet evacuate')
  const scenario = path === undefined ? scenarioOf(values) : scenarioOfFile(path, values)
  await expectWritable(values.json === '-' ? undefined : values.json, values.pcap)
  const output = openOutput(values.json)
  const { title, about, policy, hosts, guests } = scenario
  const guestCount = guests.reduce((sum, { count }) => sum + count, 0)
  output.line(`${printable(title)} (seed ${printable(scenario.seed)})`)
  for (const line of about.trimEnd().split('\n')) if (line !== '') output.line(`  ${printable(line)}`)
  output.line(`${hosts.count} hosts, ${guestCount} guests, policy ${policy}`)
  output.line()
  const fleet = new Fleet(scenario, readGuestImage('stress'))
  runTold(fleet, output)
  const metrics = computeFleet(fleet.kernel.trace, fleet.nowNs)
  printEnd(fleet, metrics, output)
  if (values.pcap !== undefined) await writeOutputFile(values.pcap, fleet.tap.toPcapng())
  await output.json(fleetResult(fleet, metrics))
  return fleet.guests.every((guest) => fleet.hostOf(guest) !== null) ? 0 : 1
}

interface Choices {
  readonly hosts?: string | undefined
  readonly guests?: string | undefined
  readonly policy?: string | undefined
  readonly seconds?: string | undefined
  readonly seed?: string | undefined
}

function chosen({ policy, seconds: span, seed }: Choices): Record<string, string> {
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(span === undefined ? {} : { duration: `${span}s` }),
    ...(seed === undefined ? {} : { seed }),
  }
}

/** Throws `InputError` naming the option. */
function scenarioOf(choices: Choices): FleetScenario {
  const hosts = countOf('hosts', choices.hosts ?? '4', FLEET_HOSTS_MAX)
  const guests = countOf('guests', choices.guests ?? String(2 * hosts), FLEET_GUESTS_MAX)
  const span = Number(choices.seconds ?? 30)
  const { policy = 'balance' } = choices
  const names = Array.from({ length: Math.ceil(hosts / 2) }, (_, index) => `host-${String(index + 1).padStart(2, '0')}`)
  const value = {
    hosts: { count: hosts, ram: Math.max(16, 4 * Math.ceil(guests / hosts)) * 256 * PAGE_OCTETS },
    guests: Array.from({ length: guests }, (_, index) => ({
      load: LOADS[index % LOADS.length],
      // There is nothing to even out in a fleet that starts even.
      ...(policy === 'balance' ? { on: names[index % names.length] } : {}),
    })),
    events:
      policy === 'evacuate'
        ? [
            { at: `${span / 6}s`, host: 'host-01', health: 'warning' },
            { at: `${span / 3}s`, host: 'host-02', fails: true },
          ]
        : [],
    ...chosen(choices),
  }
  try {
    return parseFleetScenario(value)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    const option = { 'hosts.count': 'hosts', duration: 'seconds' }[error.path] ?? error.path
    throw new InputError(`--${option}: ${error.reason}`)
  }
}

function scenarioOfFile(path: string, choices: Choices): FleetScenario {
  if (choices.hosts !== undefined || choices.guests !== undefined)
    throw new InputError('--hosts and --guests are for a fleet without a file: change them in the file')
  const file = new YamlFile(findExample('fleets', path))
  const values = file.values()
  if (typeof values !== 'object' || values === null) throw new InputError(`${file.path}: is no fleet scenario`)
  return file.naming(() => parseFleetScenario({ ...values, ...chosen(choices) }))
}

/** Checked before anything is made of it. Throws `InputError`. */
function countOf(option: string, text: string, max: number): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > max)
    throw new InputError(`--${option} ${text}: write a whole number, at most ${max}`)
  return count
}

function runTold(fleet: Fleet, output: Output): void {
  const news = new FleetNews(fleet.kernel.trace)
  for (let atNs = 0; atNs < fleet.scenario.duration;) {
    atNs = Math.min(fleet.scenario.duration, atNs + STRIDE_NS)
    fleet.runUntil(atNs)
    for (const { atNs: when, text } of news.take()) output.line(`${(when / 1e9).toFixed(3).padStart(9)} s  ${text}`)
  }
}

function printEnd(fleet: Fleet, metrics: FleetMetrics, output: Output): void {
  const { completed, moves, downtimeNs, restarts, energy } = metrics
  output.line()
  output.table(
    ['host', 'is', 'guests', 'off (s)', 'energy (Wh)', ''],
    fleet.hosts.map(({ name, state }) => {
      const guests = fleet.guests.filter((guest) => fleet.hostOf(guest) === name).map((guest) => guest.name)
      const used = energy.byHost.find(({ host }) => host === name)
      const [offSeconds, wattHours] = [(used?.offNs ?? 0) / 1e9, (used?.joules ?? 0) / 3600]
      return [name, state, guests.length, offSeconds.toFixed(1), wattHours.toFixed(3), guests.join(' ')]
    }),
  )
  output.line()
  const longest = `longest downtime ${(downtimeNs.max / 1e6).toFixed(2)} ms, ${(downtimeNs.sum / 1e6).toFixed(2)} ms in all`
  output.line(`moves: ${moves.length}, completed ${completed}; ${longest}`)
  if (restarts.length > 0) output.line(`restarts: ${restarts.length}; the memory of those guests is lost`)
  const saved = energy.joulesAllOn === 0 ? 0 : 100 * (1 - energy.joules / energy.joulesAllOn)
  const kWh = (joules: number): string => (joules / JOULES_PER_KWH).toFixed(6)
  output.line(
    `energy ${kWh(energy.joules)} kWh, with every host on ${kWh(energy.joulesAllOn)} kWh: ${saved.toFixed(1)} % saved`,
  )
  output.line(`trace ${fleet.kernel.trace.hash()}`)
}
