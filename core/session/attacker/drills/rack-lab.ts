/** The rack as attacks are tried on it: a small guest with secrets, its hosts set up as the configuration says. */
import type { AttackerPosition, ByHand, Verdict } from '../../../attack/catalogue/attack-definition.js'
import { catalogue } from '../../../attack/catalogue/catalogue.js'
import type { ConfigurationName } from '../../../attack/catalogue/configurations.js'
import { assert } from '../../../base/errors.js'
import { milliseconds, seconds } from '../../../base/units.js'
import type { TimedRow, TraceKind } from '../../../kernel/trace-tables.js'
import { defaultScenario, hostDefenceNames, type GuestScenario, type MigrationScenario } from '../../scenario.js'
import { Session } from '../../session.js'
import type { DrillEvidence, DrillOutcome, DrillParts, DrillRun } from './drill.js'

const MIB = 1024 ** 2
const EVIDENCE_ROWS_MAX = 8
/** A migration that has not ended by then is given up. */
const PATIENCE_NS = seconds(120)

const channelOf: Readonly<Partial<Record<ConfigurationName, Partial<MigrationScenario>>>> = {
  'aes-128-ecb': { channel: 'aes-128-ecb' },
  'aes-256-ctr': { channel: 'aes-256-ctr' },
  'aes-256-gcm': { channel: 'aes-256-gcm' },
  nacl: { channel: 'nacl' },
  tls: { channel: 'tls' },
  'tls-any-certificate': { channel: 'tls', peerCheck: 'skip' },
  'tls-shaped': { channel: 'tls', shaping: 'constant-rate', zeroPageDetection: 'none', roundsMin: 2, roundsMax: 2 },
  ssh: { channel: 'ssh' },
  'ssh-any-key': { channel: 'ssh', peerCheck: 'skip' },
  esp: { channel: 'esp' },
  'vmotion-opportunistic': { channel: 'vmotion-opportunistic' },
  'vmotion-required': { channel: 'vmotion-required' },
}

function byHandOf(attack: string): ByHand {
  const byHand = catalogue.find(({ name }) => name === attack)?.byHand
  assert(byHand !== undefined, `${attack} can be done by hand`)
  return byHand
}

export class RackLab {
  readonly session: Session

  constructor(
    { configuration, seed, image }: DrillParts,
    position: AttackerPosition,
    special: Partial<GuestScenario> = {},
  ) {
    const guest = { ramOctets: 4 * MIB, fillOctets: MIB, workingSetPages: 64, ...special }
    const scenario = {
      ...defaultScenario,
      guest: { ...defaultScenario.guest, ...guest },
      migration: { ...defaultScenario.migration, downtimeLimitNs: milliseconds(2), ...channelOf[configuration] },
      attackerPosition: position,
      tcp: { ...defaultScenario.tcp, synCookies: configuration === 'syn-cookies' },
    }
    const session = new Session({ scenario, seed, image: image(scenario.guest.image) })
    this.session = session
    if (configuration === 'arp-inspection' || configuration === 'port-security')
      session.do({
        kind: 'configure-switch',
        defences: configuration === 'arp-inspection' ? { arpInspection: true } : { portSecurity: true },
      })
    const hostDefence = Object.entries(hostDefenceNames).find(([, name]) => name === configuration)
    if (hostDefence !== undefined) session.do({ kind: 'configure-hosts', defences: { [hostDefence[0]]: true } })
    if (configuration === 'static-arp') session.do({ kind: 'set-static-arp', isOn: true })
    session.do({ kind: 'boot' })
    session.runFor(seconds(1.5))
  }

  /** With the attacker at work, as a person would begin it. */
  static begun(parts: DrillParts, attack: string): RackLab {
    const lab = new RackLab(parts, byHandOf(attack).position)
    lab.byHand(attack)
    return lab
  }

  /** What a person would type, from where the attacker is. */
  byHand(attack: string): void {
    this.attacker(...byHandOf(attack).lines)
  }

  get channel(): string {
    return this.session.world.guestDesk.migrationSettings.channel
  }

  /** Lines typed at the attacker's shell. */
  attacker(...lines: readonly string[]): void {
    for (const line of lines) this.type('attacker', line, milliseconds(20))
  }

  /** Lines typed at the guest's console, with time to answer each; gives what the guest wrote since. */
  guest(...lines: readonly string[]): readonly TimedRow<'console-line'>[] {
    const before = this.session.trace.rows('console-line').length
    for (const line of lines) this.type('guest', line, seconds(1))
    return this.session.trace.rows('console-line').slice(before)
  }

  /** What that user of the guest types after the name. */
  passwordOf(user: string): string {
    const typed = this.session.planted.find(({ kind, name }) => kind === 'password' && name === user)
    return typed?.value ?? ''
  }

  /** Move the guest, and wait until that is over. */
  migrate(): void {
    this.session.do({ kind: 'migrate' })
    this.session.runWhile(({ isMigrating }) => isMigrating, PATIENCE_NS)
    this.session.runFor(milliseconds(300))
  }

  wait(spanNs: number): void {
    this.session.runFor(spanNs)
  }

  rows<K extends TraceKind>(kind: K): readonly TimedRow<K>[] {
    return this.session.trace.rows(kind)
  }

  /** The first rows of a kind, in words. */
  evidence<K extends TraceKind>(kind: K, words: (row: TimedRow<K>) => string): DrillEvidence[] {
    return this.rows(kind)
      .slice(0, EVIDENCE_ROWS_MAX)
      .map((row) => ({ atNs: row.atNs, text: words(row) }))
  }

  /** What the attacker said of its own progress. */
  stages(): DrillEvidence[] {
    return this.evidence('attack-stage', ({ stage, text }) => `${stage}: ${text}`)
  }

  end(verdict: Verdict, summary: string, evidence: readonly DrillEvidence[]): DrillRun {
    const { attacker, rack } = this.session.world
    const { framesSent, octetsSent } = attacker
    const signs = this.evidence('intruder-sign', ({ host, text }) => `seen at the cable of ${host}: ${text}`)
    const inOrder = [...evidence, ...signs].toSorted((a, b) => a.atNs - b.atNs)
    const outcome: DrillOutcome = {
      verdict: verdict === 'succeeded' && signs.length > 0 ? 'detected' : verdict,
      ...{ summary, evidence: inOrder, framesSent, octetsSent },
    }
    return { outcome, trace: this.session.trace, capture: rack.tap }
  }

  private type(console: 'attacker' | 'guest', line: string, spanNs: number): void {
    this.session.do({ kind: 'type', console, text: `${line}\r` })
    this.session.runFor(spanNs)
  }
}
