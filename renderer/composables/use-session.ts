/**
 * What the window knows of the session: the engine's latest view, and the lists that its `new…` parts add up to. The
 * view changes every frame; charts, guide and lists follow `slowly`, ten times a second at most and only when changed.
 */
import { inject, onScopeDispose, shallowRef, type InjectionKey, type ShallowRef } from 'vue'
import type {
  Answer,
  AttackPlayed,
  ConsoleName,
  EventView,
  ExportKind,
  InspectionAnswer,
  LabSummary,
  LabView,
  MigrationSettings,
  NetworkAnswer,
  NetworkSummary,
  PacketAnswer,
  ProbeSample,
  Request,
  RunMetrics,
  SessionFile,
  SessionView,
  ThroughputSample,
} from '../engine/contract.js'
import type { FleetSummary } from '../engine/fleet-contract.js'
import type { EngineSource } from '../engine/client.js'
import { growing, SLOWLY_MS, type Grown } from './growing.js'
import { useFleet, type FleetRun } from './use-fleet.js'

export interface ConsoleListener {
  write(text: string): void
  clear(): void
}

/** All that a console has printed, and whoever shows it. */
export class ConsoleFeed {
  text = ''
  private readonly listeners = new Set<ConsoleListener>()

  append(text: string): void {
    if (text === '') return
    this.text += text
    if (this.text.length > MOST_CONSOLE_CHARACTERS) this.text = this.text.slice(-MOST_CONSOLE_CHARACTERS / 2)
    this.listeners.forEach((listener) => listener.write(text))
  }

  clear(): void {
    this.text = ''
    this.listeners.forEach((listener) => listener.clear())
  }

  /** Replays what was printed so far, then follows. Returns how to stop. */
  follow(listener: ConsoleListener): () => void {
    if (this.text !== '') listener.write(this.text)
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}

export interface Analysed {
  readonly name: string
  readonly report: unknown
  /** False for a bare stream. */
  readonly hasPackets: boolean
}

export interface Problem {
  readonly what: string
  readonly message: string
}

export interface Exported {
  readonly what: ExportKind
  readonly name: string
  readonly octets: Uint8Array
}

export interface Session {
  readonly view: Readonly<ShallowRef<SessionView | null>>
  /** Changes only when a setting does. */
  readonly settings: Readonly<ShallowRef<MigrationSettings | null>>
  readonly lab: Readonly<ShallowRef<LabView | null>>
  readonly runs: Readonly<ShallowRef<readonly RunMetrics[]>>
  readonly labs: Readonly<ShallowRef<readonly LabSummary[] | null>>
  readonly networks: Readonly<ShallowRef<readonly NetworkSummary[]>>
  /** The example network on show. */
  readonly network: ShallowRef<NetworkAnswer | null>
  readonly fleets: Readonly<ShallowRef<readonly FleetSummary[]>>
  readonly fleet: FleetRun
  readonly probes: Readonly<ShallowRef<Grown<ProbeSample>>>
  readonly throughput: Readonly<ShallowRef<Grown<ThroughputSample>>>
  readonly events: Readonly<ShallowRef<Grown<EventView>>>
  readonly consoles: Readonly<Record<ConsoleName, ConsoleFeed>>
  /** The last answer to `inspect`. */
  readonly inspected: Readonly<ShallowRef<InspectionAnswer | null>>
  readonly analysed: ShallowRef<Analysed | null>
  /** The last answer to `play-attack`. */
  readonly played: ShallowRef<AttackPlayed | null>
  readonly progress: Readonly<ShallowRef<{ readonly what: string; readonly fraction: number } | null>>
  readonly problem: ShallowRef<Problem | null>
  /** The speed last asked for; the view holds the one in force. */
  readonly askedSpeed: Readonly<ShallowRef<number | 'auto'>>
  readonly send: (request: Request) => void
  /** Calls `listener` with what the engine says of captured packets, until the returned function is called. */
  readonly listenToPackets: (listener: (answer: PacketAnswer) => void) => () => void
  /** Forgets the session on show, before another is opened or when the home view returns. */
  readonly drop: () => void
}

export interface SessionOptions {
  /** Keeps a session that the engine asks to keep. */
  readonly save?: (file: SessionFile) => void
  readonly exported?: (file: Exported) => void
  readonly liveCapture?: (octets: Uint8Array, isLast: boolean) => void
}

const MOST_CONSOLE_CHARACTERS = 400_000

export const sessionKey: InjectionKey<Session> = Symbol('session')

export function injectSession(): Session {
  const session = inject(sessionKey)
  if (session === undefined) throw new Error('No session was provided')
  return session
}

export function useSession(engine: EngineSource, options: SessionOptions = {}): Session {
  const view = shallowRef<SessionView | null>(null)
  const settings = shallowRef<MigrationSettings | null>(null)
  const lab = shallowRef<LabView | null>(null)
  const runs = shallowRef<readonly RunMetrics[]>([])
  const labs = shallowRef<readonly LabSummary[] | null>(null)
  const networks = shallowRef<readonly NetworkSummary[]>([])
  const network = shallowRef<NetworkAnswer | null>(null)
  const fleets = shallowRef<readonly FleetSummary[]>([])
  const fleet = useFleet()
  const inspected = shallowRef<InspectionAnswer | null>(null)
  const analysed = shallowRef<Analysed | null>(null)
  const played = shallowRef<AttackPlayed | null>(null)
  const progress = shallowRef<{ readonly what: string; readonly fraction: number } | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const askedSpeed = shallowRef<number | 'auto'>('auto')
  const consoles = { guest: new ConsoleFeed(), operator: new ConsoleFeed(), attacker: new ConsoleFeed() }
  const probes = growing<ProbeSample>()
  const throughput = growing<ThroughputSample>()
  const events = growing<EventView>()
  const lists = [probes, throughput, events]
  const packetListeners = new Set<(answer: PacketAnswer) => void>()
  let labSignature = ''
  let runsSignature = ''
  let slowTimer: ReturnType<typeof setTimeout> | null = null
  let ignoring = false

  function publishSlowly(): void {
    slowTimer = null
    lists.forEach((list) => list.publish())
    const latest = view.value
    const nextLab = JSON.stringify(latest?.lab ?? null)
    if (nextLab !== labSignature) {
      labSignature = nextLab
      lab.value = latest?.lab ?? null
    }
    const nextRuns = JSON.stringify(latest?.runs ?? [])
    if (nextRuns !== runsSignature) {
      runsSignature = nextRuns
      runs.value = latest?.runs ?? []
    }
  }

  function drop(): void {
    view.value = null
    settings.value = null
    inspected.value = null
    progress.value = null
    lists.forEach((list) => list.clear())
    Object.values(consoles).forEach((feed) => feed.clear())
    publishSlowly()
  }

  function takeView(next: SessionView): void {
    // After closing, views of the old session may still be under way.
    if (ignoring && !next.fresh) return
    const isFirst = view.value === null || next.fresh
    if (next.fresh) drop()
    ignoring = false
    progress.value = null
    view.value = next
    if (JSON.stringify(next.settings) !== JSON.stringify(settings.value)) settings.value = next.settings
    probes.add(next.newProbes)
    throughput.add(next.newThroughput)
    events.add(next.newEvents)
    for (const name of ['guest', 'operator', 'attacker'] as const) consoles[name].append(next.newConsoleText[name])
    if (isFirst) publishSlowly()
    else slowTimer ??= setTimeout(publishSlowly, SLOWLY_MS)
  }

  function take(answer: Answer): void {
    switch (answer.kind) {
      case 'view':
        return takeView(answer)
      case 'labs':
        labs.value = answer.labs
        networks.value = answer.networks
        fleets.value = answer.fleets
        return
      case 'fleet':
        return fleet.take(answer)
      case 'saved':
        return options.save?.(answer.file)
      case 'analysis':
        progress.value = null
        analysed.value = { name: answer.name, report: answer.report, hasPackets: answer.hasPackets }
        return
      case 'attack-played':
        played.value = answer
        return
      case 'exported':
        return options.exported?.(answer)
      case 'packets':
      case 'packet':
      case 'stream':
      case 'statistics':
      case 'completions':
        packetListeners.forEach((listener) => listener(answer))
        return
      case 'network':
        progress.value = null
        network.value = answer
        return
      case 'inspection':
        inspected.value = answer
        return
      case 'live-capture':
        return options.liveCapture?.(answer.octets, answer.isLast)
      case 'progress':
        progress.value = answer.fraction >= 1 ? null : { what: answer.what, fraction: answer.fraction }
        return
      case 'error':
        progress.value = null
        problem.value = { what: answer.what, message: answer.message }
    }
  }

  const stop = engine.listen(take)
  onScopeDispose(() => {
    stop()
    if (slowTimer !== null) clearTimeout(slowTimer)
  })
  return {
    view,
    settings,
    lab,
    runs,
    labs,
    networks,
    network,
    fleets,
    fleet,
    probes: probes.grown,
    throughput: throughput.grown,
    events: events.grown,
    consoles,
    inspected,
    analysed,
    played,
    progress,
    problem,
    askedSpeed,
    send(request) {
      if (request.kind === 'speed') askedSpeed.value = request.speed
      engine.send(request)
    },
    listenToPackets(listener) {
      packetListeners.add(listener)
      return () => packetListeners.delete(listener)
    },
    drop() {
      ignoring = true
      drop()
    },
  }
}
