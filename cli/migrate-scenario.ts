/** What `migrate` and `sweep` can be told of a migration, and the scenario that comes of it. */
import type { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import {
  PAGE_OCTETS,
  parseBitRate,
  parseDuration,
  parseEventRate,
  parseFraction,
  parseOctets,
} from '../core/base/units.js'
import { hypervisorNames } from '../core/hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../core/hypervisor/profiles/profiles.js'
import type { CostTable } from '../core/secure/costs.js'
import { parseCostTable } from '../core/session/cost-table-file.js'
import { parseGuestOption } from '../core/session/guest-options.js'
import type { LinkConditions } from '../core/session/link-conditions.js'
import { congestionControls, defaultScenario, scenarioProblem, type Scenario } from '../core/session/scenario.js'
import { migrationFrom, migrationOptions } from './migration-options.js'
import { oneOf, quantity } from './quantities.js'
import { YamlFile } from './yaml-file.js'

/** What makes the scenario and the seed. */
export const scenarioOptions = {
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
  costs: { type: 'string' },
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
} as const

export type ScenarioValues = ReturnType<typeof parseArgs<{ options: typeof scenarioOptions }>>['values']

/** Of the source's cable. */
function linkConditionsFrom(values: ScenarioValues): Partial<LinkConditions> {
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

/** Throws `InputError` naming the option. */
export function scenarioFrom(values: ScenarioValues): Scenario {
  const ramOctets = quantity('ram', values.ram, parseOctets)
  const profile = oneOf('profile', values.profile, hypervisorNames)
  const measuredCosts = values.costs === undefined ? null : readCostTable(values.costs)
  const migration = migrationFrom(values, profiles[profile])
  const scenario: Scenario = {
    ...defaultScenario,
    ...(measuredCosts === null ? {} : { measuredCosts }),
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
    // Whoever gives a table means it.
    migration:
      measuredCosts !== null && values['host-cpu'] === undefined ? { ...migration, hostCpu: 'measured' } : migration,
  }
  const problem = scenarioProblem(scenario)
  if (problem !== null) throw new InputError(`--${problem.setting}: ${problem.reason}`)
  return scenario
}

function readCostTable(path: string): CostTable {
  const file = new YamlFile(path)
  return file.naming(() => parseCostTable(file.values()))
}
