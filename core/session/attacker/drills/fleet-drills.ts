/** Attacks on whoever places the guests of a fleet, and on the hosts that obey him. */
import { ForgedAdverts } from '../../../attack/control/forged-adverts.js'
import { PowerCommands, type PowerOptions } from '../../../attack/control/power-commands.js'
import type { Verdict } from '../../../attack/catalogue/attack-definition.js'
import type { ConfigurationName } from '../../../attack/catalogue/configurations.js'
import type { Attack } from '../../../attack/reach.js'
import { assert } from '../../../base/errors.js'
import { seconds, type Nanos } from '../../../base/units.js'
import type { TimedRow, TraceKind } from '../../../kernel/trace-tables.js'
import { Fleet } from '../../fleet/fleet.js'
import { parseFleetScenario } from '../../fleet/fleet-scenario.js'
import type { AttackerComputer } from '../attacker-computer.js'
import type { Drill, DrillEvidence, DrillParts, DrillRun } from './drill.js'

const EVIDENCE_ROWS_MAX = 10
const VICTIM = 'host-01'
/** How busy the victim has to become for the attack to have been worth it, and from when that is measured. */
const CROWDED_SHARE = 0.9
const SETTLED_NS = seconds(6)
const LIES_NS = seconds(8)
const POWER_NS = seconds(24)

const defencesOf: Readonly<Partial<Record<ConfigurationName, object>>> = {
  'signed-adverts': { signedAdverts: true },
  'command-token': { commands: 'token' },
  'command-signature': { commands: 'signature' },
  'command-timestamp': { commands: 'timestamp' },
  'command-nonce': { commands: 'nonce' },
}

class FleetLab {
  readonly fleet: Fleet
  readonly attacker: AttackerComputer

  constructor({ configuration, seed, image }: DrillParts, plan: object, decisions = '1s') {
    const scenario = parseFleetScenario({
      attacker: 'hub',
      ...plan,
      orchestrator: { adverts: '500ms', decisions, ...defencesOf[configuration] },
    })
    this.fleet = new Fleet(scenario, image('stress'), seed)
    assert(this.fleet.attacker !== null, 'the scenario has an attacker')
    this.attacker = this.fleet.attacker
  }

  run(attack: Attack, untilNs: number): void {
    this.attacker.run(attack)
    this.fleet.runUntil(untilNs)
  }

  /** Instructions a second of each guest, from one instant to another. */
  work(fromNs: Nanos, toNs: Nanos): (guest: string) => number {
    const counts = (): ReadonlyMap<string, number> =>
      new Map(this.fleet.guests.map(({ name, desk }) => [name, desk.liveVm()?.instructions ?? 0]))
    this.fleet.runUntil(fromNs)
    const before = counts()
    this.fleet.runUntil(toNs)
    const after = counts()
    return (guest) => Math.round((((after.get(guest) ?? 0) - (before.get(guest) ?? 0)) / (toNs - fromNs)) * 1e9)
  }

  rows<K extends TraceKind>(kind: K): readonly TimedRow<K>[] {
    return this.fleet.kernel.trace.rows(kind)
  }

  evidence<K extends TraceKind>(kind: K, words: (row: TimedRow<K>) => string | null): DrillEvidence[] {
    return this.rows(kind)
      .flatMap((row) => {
        const text = words(row)
        return text === null ? [] : [{ atNs: row.atNs, text }]
      })
      .slice(0, EVIDENCE_ROWS_MAX)
  }

  end(verdict: Verdict, summary: string, evidence: readonly DrillEvidence[]): DrillRun {
    const { framesSent, octetsSent } = this.attacker
    const stages = this.evidence('attack-stage', ({ stage, text }) => `${stage}: ${text}`)
    const refused = [
      ...this.evidence('advert-refused', ({ host, source }) => `an advert of ${host}, from ${source}, is not believed`),
      ...this.evidence('command-refused', ({ host, reason }) => `the controller of ${host} refuses: ${reason}`),
    ]
    const inOrder = [...stages, ...refused, ...evidence].toSorted((a, b) => a.atNs - b.atNs)
    const { trace } = this.fleet.kernel
    return { outcome: { verdict, summary, evidence: inOrder, framesSent, octetsSent }, trace, capture: this.fleet.tap }
  }
}

/** Guests are pushed onto a host that is busy already, until its own suffer. */
export const falseAdvert: Drill = (parts) => {
  const lab = new FleetLab(parts, {
    hosts: { count: 3, cores: 1 },
    guests: [
      { name: 'resident', count: 2, load: '40%', on: VICTIM },
      { name: 'crowd', count: 4, load: '35%', on: ['host-02', 'host-03'] },
    ],
  })
  lab.run(new ForgedAdverts(lab.attacker, VICTIM), LIES_NS)
  const pushed = lab.rows('fleet-move').filter((row) => row.destination === VICTIM && row.outcome === 'completed')
  const shares = lab.rows('host-power').filter(({ host, atNs }) => host === VICTIM && atNs >= SETTLED_NS)
  const busy = Math.max(0, ...shares.map(({ busyShare }) => busyShare))
  const moves = lab.evidence('fleet-move', ({ vm, source, destination, outcome }) =>
    destination === VICTIM ? `${vm} is moved from ${source} to ${destination}: ${outcome}` : null,
  )
  const words = `${pushed.length} guests were pushed onto ${VICTIM}, which is ${(busy * 100).toFixed(0)} % busy now`
  if (pushed.length === 0) return lab.end('stopped', `no guest was pushed onto ${VICTIM}`, moves)
  return lab.end(busy >= CROWDED_SHARE ? 'succeeded' : 'residual', words, moves)
}

/** A host that saved energy is on again, and is switched off with what runs on it. */
const switchedOff =
  (way: PowerOptions['way']): Drill =>
  (parts) => {
    const lab = new FleetLab(parts, {
      policy: 'consolidate',
      hosts: { count: 2, cores: 1, bootTime: '500ms' },
      guests: [{ name: 'night', count: 3, load: '5%', loads: [{ at: '6s', load: '38%' }] }],
    })
    lab.run(new PowerCommands(lab.attacker, { way }), POWER_NS)
    const tries = lab.rows('attack-stage').filter(({ stage }) => stage === 'switch off')
    const refused = lab.rows('command-refused').length
    const lost = lab.evidence('vm-state', ({ vm, host, state }) =>
      state === 'shutdown' ? `${vm} is gone, with ${host} that it ran on` : null,
    )
    const obeyed = tries.length - refused
    const words = `${obeyed} of ${tries.length} orders were obeyed: ${lost.length} guests lost what they had in memory`
    if (obeyed <= 0 || lost.length === 0) return lab.end('stopped', words, lost)
    return lab.end(refused > 0 ? 'residual' : 'succeeded', words, lost)
  }

export const commandSpoof = switchedOff('spoof')
export const commandReplay = switchedOff('replay')

const TENANT = 'tenant'
const PAID_SHARE = 0.2
const GREEDY_FROM_NS = seconds(4)
const GREEDY_TO_NS = seconds(8)
const WARM_NS = seconds(1)
/** What a neighbour still does of what it did before, for the attack to have been worth it. */
const HARMED_SHARE = 0.8

/** A tenant that was quiet computes all it can; its neighbours go on as before. */
export const vmPoaching: Drill = (parts) => {
  const cap = parts.configuration === 'processor-caps' ? `${PAID_SHARE * 100}%` : '100%'
  const plan = {
    hosts: { count: 2, cores: 1 },
    guests: [
      { name: 'shop', load: '80%', on: VICTIM },
      { name: TENANT, load: '5%', cap, loads: [{ at: '4s', load: '100%' }], on: VICTIM },
    ],
    attacker: 'access',
  }
  // Nobody is moved away meanwhile.
  const lab = new FleetLab(parts, plan, '3600s')
  const before = lab.work(WARM_NS, GREEDY_FROM_NS)
  const during = lab.work(GREEDY_FROM_NS + WARM_NS, GREEDY_TO_NS)
  const evidence = ['shop', TENANT].flatMap((name) => [
    { atNs: GREEDY_FROM_NS, text: `${name}: ${before(name)} instructions a second` },
    { atNs: GREEDY_TO_NS, text: `${name}: ${during(name)} instructions a second` },
  ])
  const left = during('shop') / before('shop')
  const summary = `the neighbour does ${(100 * left).toFixed(0)} % of the work that it did before`
  return lab.end(left < HARMED_SHARE ? 'succeeded' : 'stopped', summary, evidence)
}
