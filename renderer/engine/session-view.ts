/** A session as the window shows it: folds the engine's state and trace into a view, remembering what was shown before. */
import { hypervisorNames } from '../../core/hypervisor/profiles/hypervisor-profile.js'
import { channelNames, protectionOf } from '../../core/secure/channels.js'
import { profiles } from '../../core/hypervisor/profiles/profiles.js'
import type { TimedRow } from '../../core/kernel/trace-tables.js'
import type { Lab } from '../../core/lab/lab-schema.js'
import { fillTemplate, labProgress } from '../../core/lab/lab-progress.js'
import { computeRuns, probeSamples, throughputSamples } from '../../core/metrics/compute-runs.js'
import { isImpaired } from '../../core/net/link-options.js'
import { places } from '../../core/session/rack.js'
import type { Session } from '../../core/session/session.js'
import type { VirtualMachine } from '../../core/hypervisor/virtual-machine.js'
import {
  cellStates,
  type EventView,
  type HostView,
  type LabView,
  type LinkView,
  type MigrationView,
  type RunMetrics,
  type SessionView,
  type VmView,
} from './contract.js'

/** Cells of the small map on a VM's chip. */
const CELLS = 96
/** Traffic of a link is summed over this time. */
const TRAFFIC_WINDOW_NS = 2e6

const channels = channelNames.map((name) => ({ name, ...protectionOf(name) }))
const hypervisors = hypervisorNames.map((name) => ({ name, title: profiles[name].title }))

export interface PlayState {
  readonly sessionId: string
  readonly playing: boolean
  readonly speed: number
}

export class SessionPresenter {
  private readonly shown = { guest: 0, operator: 0, attacker: 0, probes: 0, traffic: 0 }
  private readonly eventsShown = new Map<string, number>()
  private isFresh = true
  /** As of the last folding. */
  runs: readonly RunMetrics[] = []
  private lab: LabView | null = null
  private foldedRecords = -1

  constructor(
    private readonly session: Session,
    private readonly labContent: Lab | null,
    private readonly guestImages: readonly string[] = [],
  ) {}

  /** `fold`: also compute runs and checks anew if anything happened; they cost more than the rest. */
  view(play: PlayState, fold: boolean): SessionView {
    const { session } = this
    const { world, trace } = session
    if (fold && trace.length !== this.foldedRecords) {
      this.foldedRecords = trace.length
      this.runs = computeRuns(trace, session.planted)
      this.lab = this.labView()
    } else if (fold && this.labContent !== null) this.lab = this.labView()
    const fresh = this.isFresh
    this.isFresh = false
    return {
      kind: 'view',
      ...play,
      labId: this.labContent?.id ?? 'sandbox',
      seed: session.parts.seed,
      nowNs: session.nowNs,
      booted: world.liveVm() !== undefined,
      guest: session.parts.scenario.guest.name,
      guestImage: session.parts.scenario.guest.image,
      guestImages: this.guestImages,
      profile: session.parts.scenario.profile,
      profiles: this.labContent === null ? hypervisors : [],
      channels,
      settings: {
        ...world.guestDesk.migrationSettings,
        bandwidthBps: world.network.bandwidthBps,
        ...world.guest.workload,
        guestOptions: world.guest.allOptions(),
      },
      hosts: this.hosts(),
      links: this.links(),
      switches: world.rack.switches.map(({ name }) => name),
      attackerPosition: world.rack.attackerPosition,
      migration: this.migration(),
      runs: this.runs,
      lab: this.lab,
      traceHash: null,
      newConsoleText: {
        guest: this.consoleText('guest'),
        operator: this.consoleText('operator'),
        attacker: this.consoleText('attacker'),
      },
      newProbes: this.since('probes', trace.count('probe'), (first) => probeSamples(trace, first)),
      newThroughput: this.since('traffic', trace.count('link-traffic'), (first) =>
        throughputSamples(trace, places.hostA.name, first),
      ),
      newEvents: this.events(),
      fresh,
      capturedFrames: world.rack.tap.lastPacket,
    }
  }

  private since<T>(name: 'probes' | 'traffic', count: number, rows: (first: number) => readonly T[]): readonly T[] {
    const first = this.shown[name]
    this.shown[name] = count
    return first === count ? [] : rows(first)
  }

  private consoleText(name: 'guest' | 'operator' | 'attacker'): string {
    const log = this.session.world.consoles[name]
    const text = log.from(this.shown[name])
    this.shown[name] = log.end
    return text
  }

  private hosts(): HostView[] {
    const { world } = this.session
    const hypervisors = world.hosts.map((host): HostView => {
      const [vm] = host.allVms()
      const place = Object.values(places).find(({ name }) => name === host.name)
      return {
        name: host.name,
        title: place?.title ?? host.name,
        role: 'hypervisor',
        address: place?.address ?? '',
        cores: host.cores.coreCount,
        vm: vm === undefined ? null : this.vm(vm),
      }
    })
    const plain = (place: (typeof places)['client' | 'attacker'], role: 'client' | 'attacker'): HostView => ({
      name: place.name,
      title: place.title,
      role,
      address: place.address,
      cores: 0,
      vm: null,
    })
    const stray = world.strayVm
    const attacker = { ...plain(places.attacker, 'attacker'), vm: stray === undefined ? null : this.vm(stray) }
    return [...hypervisors, plain(places.client, 'client'), attacker]
  }

  private vm(vm: VirtualMachine): VmView {
    return {
      name: vm.name,
      address: this.session.parts.scenario.guest.address,
      state: vm.state,
      ramOctets: vm.options.ramOctets,
      cells: this.cells(vm),
    }
  }

  private cells(vm: VirtualMachine): Uint8Array {
    const { crossing } = this.session.world
    const cells = new Uint8Array(CELLS)
    const { ram } = vm.machine
    const pagesPerCell = Math.max(1, Math.ceil(ram.pageCount / CELLS))
    const isSource = crossing !== null && !crossing.isOver && crossing.parts.vm === vm
    const isIncoming = vm.state === 'inmigrate' || (crossing !== null && !crossing.isOver && crossing.incoming === vm)
    for (let cell = 0; cell < CELLS; cell++) {
      const first = cell * pagesPerCell
      const end = Math.min(ram.pageCount, first + pagesPerCell)
      let isEmpty = true
      let isPending = false
      let isMissing = false
      for (let page = first; page < end; page++) {
        if (isSource && crossing.source.isPending(page)) isPending = true
        if (ram.missingPages > 0 && ram.isMissing(page)) isMissing = true
        // One word a page tells enough for a picture: guests fill pages from their start.
        if (isEmpty && ((ram.words[page * 1024] ?? 0) !== 0 || (ram.words[page * 1024 + 512] ?? 0) !== 0))
          isEmpty = false
      }
      if (isMissing) cells[cell] = cellStates.missing
      else if (isSource) cells[cell] = isPending ? cellStates.dirty : cellStates.sent
      else cells[cell] = isEmpty ? cellStates.empty : isIncoming ? cellStates.received : cellStates.clean
    }
    return cells
  }

  private links(): LinkView[] {
    const { world, trace, nowNs } = this.session
    const running = world.crossing !== null && !world.crossing.isOver ? this.runs.at(-1) : undefined
    const { channel, wentClear } = running ?? { ...world.guestDesk.migrationSettings, wentClear: false }
    const content = channel === 'none' || wentClear ? 'clear' : 'sealed'
    return world.rack.links.map((link) => {
      const sums = { migrationOctets: 0, probeOctets: 0, otherOctets: 0 }
      for (let index = trace.count('link-traffic') - 1; index >= 0; index--) {
        const row = trace.row('link-traffic', index)
        if (row.atNs < nowNs - 2 * TRAFFIC_WINDOW_NS) break
        if (row.link !== link.name || row.binNs < nowNs - TRAFFIC_WINDOW_NS) continue
        sums.migrationOctets += row.migrationOctets
        sums.probeOctets += row.probeOctets
        sums.otherOctets += row.otherOctets
      }
      return {
        name: link.name,
        from: link.name,
        to: 's1',
        bandwidthBps: link.rateBps,
        ...sums,
        isCut: link.isCut,
        isImpaired: isImpaired(link.settings('a-to-b')),
        content,
      }
    })
  }

  private migration(): MigrationView | null {
    const { crossing } = this.session.world
    if (crossing === null) return null
    const { source, parts } = crossing
    const roundPages = parts.vm.machine.ram.pageCount
    const remainingPages = Math.ceil(source.remainingOctets / 4096)
    const last = this.runs.at(-1)
    return {
      migration: parts.id,
      status: source.status,
      cause: last?.migration === parts.id ? last.cause : (source.cause?.message ?? ''),
      source: parts.from.host.name,
      destination: parts.to.host.name,
      channel: parts.channel,
      wentClear: last?.migration === parts.id && last.wentClear,
      strategy: source.options.strategy,
      round: source.rounds.length,
      roundProgress: source.roundProgress,
      remainingPages: crossing.isOver ? 0 : Math.min(remainingPages, roundPages),
      throttlePercent: crossing.isOver ? 0 : source.throttlePercent,
    }
  }

  private events(): EventView[] {
    const { trace } = this.session
    const list: EventView[] = []
    const tell = <K extends keyof typeof eventWords>(kind: K): void => {
      const first = this.eventsShown.get(kind) ?? 0
      for (const row of trace.rows(kind, first)) {
        const words = (eventWords[kind] as (row: unknown) => { source: string; text: string } | null)(row)
        if (words !== null) list.push({ atNs: row.atNs, ...words })
      }
      this.eventsShown.set(kind, trace.count(kind))
    }
    for (const kind of Object.keys(eventWords) as (keyof typeof eventWords)[]) tell(kind)
    return list.sort((a, b) => a.atNs - b.atNs)
  }

  private labView(): LabView | null {
    const { labContent: lab, session } = this
    if (lab === null) return null
    const fill = (text: string): string => fillTemplate(text, session.planted)
    return {
      id: lab.id,
      title: lab.title,
      goal: lab.goal,
      steps: labProgress(lab, session, this.runs).map(({ step, state, missing, evidence, hintsShown, questions }) => ({
        id: step.id,
        title: step.title,
        text: fill(step.text),
        state,
        minutes: step.minutes,
        hints: step.hints.slice(0, hintsShown).map(fill),
        hintCount: step.hints.length,
        missing,
        evidence,
        questions: questions.map(({ question, answer, isCorrect }) => ({
          id: question.id,
          text: question.text,
          kind: question.kind === 'secret' ? 'text' : question.kind,
          choices: question.kind === 'choice' ? question.choices : [],
          unit: question.kind === 'number' ? question.unit : '',
          answer,
          correct: isCorrect,
          explanation: isCorrect === true ? question.explanation : '',
        })),
        explanation: state === 'done' ? fill(step.explanation) : '',
      })),
    }
  }
}

const ms = (ns: number): string => `${(ns / 1e6).toFixed(1)} ms`

/** What the list of events says of a trace row; null for rows that are not worth a line. */
const eventWords = {
  'vm-state': ({ vm, host, state }: TimedRow<'vm-state'>) => ({ source: host, text: `${vm} is ${state}` }),
  'migration-start': (row: TimedRow<'migration-start'>) => ({
    source: 'operator',
    text: `migration ${row.migration} begins: ${row.strategy}, channel ${row.channel}`,
  }),
  'migration-status': ({ migration, source, status, cause }: TimedRow<'migration-status'>) => ({
    source,
    text: `migration ${migration} is ${status}${cause === '' ? '' : `: ${cause}`}`,
  }),
  'migration-round': (row: TimedRow<'migration-round'>) => ({
    source: 'migration',
    text: `round ${row.round}${row.paused === 1 ? ', guest stopped' : ''}: ${row.normalPages} pages and ${row.zeroPages} zero pages in ${ms(row.endNs - row.startNs)}; ${row.dirtiedPages} dirtied meanwhile`,
  }),
  'migration-refused': ({ host, cause }: TimedRow<'migration-refused'>) => ({
    source: host,
    text: `refused: ${cause}`,
  }),
  'migration-compare': (row: TimedRow<'migration-compare'>) => ({
    source: 'migration',
    text: `both copies compared: ${row.ramDifferences} octets of memory, ${row.deviceDifferences} device values and ${row.diskDifferences} octets of disk differ`,
  }),
  'migration-disk': (row: TimedRow<'migration-disk'>) => ({
    source: 'migration',
    text: `disk ${row.device}${row.paused === 1 ? ', guest stopped' : ''}: ${row.chunks} MiB and ${row.zeroChunks} MiB of zeros in ${ms(row.endNs - row.startNs)}`,
  }),
  'channel-message': ({ channel, sender, name, octets }: TimedRow<'channel-message'>) => ({
    source: sender,
    text: `${channel}: ${name}, ${octets} octets`,
  }),
  'link-condition': ({ link, condition, value }: TimedRow<'link-condition'>) => ({
    source: link,
    text: `cable: ${condition} is ${value}`,
  }),
  'link-state': ({ link, state }: TimedRow<'link-state'>) => ({ source: link, text: `cable ${state}` }),
  'switch-defence': ({ device, defence, isOn }: TimedRow<'switch-defence'>) => ({
    source: device,
    text: `${defence} is ${isOn === 1 ? 'on' : 'off'}`,
  }),
  'host-defence': ({ host, defence, isOn }: TimedRow<'host-defence'>) => ({
    source: host,
    text: `${defence} is ${isOn === 1 ? 'on' : 'off'}`,
  }),
  'intruder-sign': ({ host, text }: TimedRow<'intruder-sign'>) => ({
    source: host,
    text: `sign of an intruder: ${text}`,
  }),
  'attack-stage': ({ attacker, stage, text }: TimedRow<'attack-stage'>) => ({
    source: attacker,
    text: `${stage}: ${text}`,
    stage,
  }),
  'port-violation': ({ device, switchPort, kind, mac, action }: TimedRow<'port-violation'>) => ({
    source: device,
    text: `port ${switchPort}: ${kind}, ${mac}: ${action}`,
  }),
  'arp-inspection': ({ device, switchPort, senderMac, senderAddress }: TimedRow<'arp-inspection'>) => ({
    source: device,
    text: `port ${switchPort}: did not believe that ${senderAddress} is at ${senderMac}`,
  }),
  'tcp-backlog': ({ host, port, full }: TimedRow<'tcp-backlog'>) => ({
    source: host,
    text: `TCP port ${port}: the queue of half-open connections ${full === 1 ? 'is full' : 'has room again'}`,
  }),
  'receiver-run': ({ host, event, routine, detail }: TimedRow<'receiver-run'>) => ({
    source: host,
    text: `receiver ${event} in ${routine}: ${detail}`,
  }),
  'switch-learned': (row: TimedRow<'switch-learned'>) => ({
    source: row.device,
    text: `${row.mac} is behind port ${row.switchPort}`,
  }),
  'stream-seen': (row: TimedRow<'stream-seen'>) => ({
    source: row.attacker,
    text: `sees ${row.protocol} from ${row.client} to ${row.server}`,
  }),
  finding: (row: TimedRow<'finding'>) => ({
    source: row.attacker,
    text: `found a ${row.kind} at 0x${row.address.toString(16)}, packet ${row.packet}`,
  }),
  command: ({ console, text }: TimedRow<'command'>) => ({ source: console, text }),
} as const
