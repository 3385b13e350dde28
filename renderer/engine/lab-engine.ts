/** Runs one session at a time for the window: requests in, answers out, virtual time at the speed that was asked for. */
import { hypervisorNames } from '../../core/hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../../core/hypervisor/profiles/profiles.js'
import { InputError, WireError } from '../../core/base/errors.js'
import { expectedVerdict } from '../../core/attack/catalogue/attack-definition.js'
import { catalogue } from '../../core/attack/catalogue/catalogue.js'
import type { ConfigurationName } from '../../core/attack/catalogue/configurations.js'
import { analyseFile } from '../../core/attack/capture-file.js'
import { CaptureFileSource } from '../../core/capture/frame-source.js'
import type { Lab } from '../../core/lab/lab-schema.js'
import { labProgress } from '../../core/lab/lab-progress.js'
import { playStep } from '../../core/lab/play-solution.js'
import { scenarioOf } from '../../core/lab/lab-schema.js'
import type { Tap } from '../../core/net/tap.js'
import { TapStream } from '../../core/net/tap-stream.js'
import { buildReport } from '../../core/report/build-report.js'
import { drills } from '../../core/session/attacker/drills/drills.js'
import { RACK_SWITCH } from '../../core/session/rack.js'
import { defaultScenario, linkNames, type Scenario } from '../../core/session/scenario.js'
import { Session, type LoggedCommand, type SessionCommand } from '../../core/session/session.js'
import type {
  Answer,
  CaptureId,
  ExportKind,
  LabSummary,
  MigrationSettings,
  NetworkTarget,
  Request,
  SessionFile,
  SandboxChoice,
} from './contract.js'
import { FleetDesk, type RunRequest } from './fleet-desk.js'
import { NetworkDesk } from './network-desk.js'
import { Pace, REST_MS, TURN_MS } from './pace.js'
import { PacketDesk } from './packet-desk.js'
import { SessionPresenter } from './session-view.js'

/** Wall time between two foldings of metrics and checks. */
const FOLD_MS = 120
const SAVE_MS = 4000
/** Speed at which a migration is shown when the speed is left to the engine. */
const SLOW_MOTION = 0.05
/** Of a live capture, in one answer. */
const LIVE_PIECE_OCTETS = 4 * 1024 * 1024
/** The clock stops by itself after so much virtual time in which nobody did anything and nothing was under way. */
const IDLE_NS = 30e9

export interface EngineHost {
  readonly labs: readonly Lab[]
  /** The guests' images by name. */
  readonly images: Readonly<Record<string, Uint8Array>>
  /** Plans of example networks as plain values, by name. */
  readonly networks: Readonly<Record<string, unknown>>
  /** Scenarios of example fleets as plain values, by name. */
  readonly fleets: Readonly<Record<string, unknown>>
  readonly version: string
  answer(answer: Answer): void
  /** Milliseconds of wall time, from any start. */
  wallMs(): number
  /** Milliseconds since 1970, for the date on a kept session. */
  dateMs(): number
  /** Run `turn` after `delayMs`. */
  later(turn: () => void, delayMs: number): void
}

interface Open {
  readonly id: string
  readonly session: Session
  readonly lab: Lab | null
  readonly presenter: SessionPresenter
}

export class LabEngine {
  private open: Open | null = null
  private playing = false
  private turnIsDue = false
  private lastFoldMs = 0
  private lastSaveMs = 0
  private lastActionNs = 0
  private sessionCount = 0
  private live: { readonly session: Session; readonly stream: TapStream } | null = null

  /** What the window looks into, and what it was told of it. */
  private target: NetworkTarget | null = null
  private toldInspection = ''
  private readonly packets: PacketDesk
  private readonly networks: NetworkDesk
  private readonly fleets: FleetDesk
  private readonly pace: Pace

  constructor(private readonly host: EngineHost) {
    this.packets = new PacketDesk(host)
    this.networks = new NetworkDesk(host)
    this.pace = new Pace(host)
    this.fleets = new FleetDesk(host, this.pace, this.packets)
  }

  /** Never throws: what cannot be done is answered as an error. */
  request(request: Request): void {
    try {
      this.carryOut(request)
    } catch (error) {
      if (error instanceof InputError || error instanceof WireError)
        this.host.answer({ kind: 'error', what: words[request.kind] ?? 'That cannot be done', message: error.message })
      else throw error
    }
  }

  private carryOut(request: Request): void {
    if (this.fleets.isOpen && isForAnyRun(request)) return this.fleets.carryOut(request)
    switch (request.kind) {
      case 'list-labs':
        return this.listLabs()
      case 'open-lab':
        return this.openLab(request.labId, request.seed)
      case 'open-session':
        return this.openSession(request.file)
      case 'keep':
        return this.save()
      case 'close':
        this.save()
        this.open = null
        this.packets.closeSession()
        this.playing = false
        return
      case 'analyse':
        return this.analyse(request.name, request.octets)
      case 'play':
      case 'pause':
        this.playing = request.kind === 'play'
        this.lastActionNs = this.current().session.nowNs
        return this.showAndSave()
      case 'speed':
        this.pace.asked = request.speed
        this.fleets.show(false)
        return this.show(false)
      case 'step':
        return this.step(request.to)
      case 'type':
        this.act({ kind: 'type', console: request.console, text: request.text })
        // A shell answers at once; the guest needs time to pass.
        if (request.console === 'guest') this.play()
        return
      case 'configure':
        return this.configure(request.settings)
      case 'boot':
        this.act({ kind: 'boot' })
        return this.play()
      case 'migrate':
        this.act({ kind: 'migrate' })
        return this.play()
      case 'cancel-migration':
      case 'switch-over':
      case 'continue-migration':
      case 'start-postcopy':
      case 'pause-migration':
      case 'recover-migration':
      case 'abandon-postcopy':
        return this.act({ kind: request.kind })
      case 'answer':
        return this.act({ kind: 'answer', question: request.questionId, answer: request.answer })
      case 'hint':
        return this.act({ kind: 'hint', step: request.stepId })
      case 'jump-to-step':
        return this.jumpTo(request.stepId)
      case 'reset': {
        const { lab, session } = this.current()
        return this.openLab(lab?.id ?? 'sandbox', session.parts.seed, choiceOf(session))
      }
      case 'choose-sandbox': {
        const { lab, session } = this.current()
        if (lab !== null)
          throw new InputError(`${lab.title} has a guest and hosts of its own: choose others in the sandbox`)
        if (session.log.length > 0) this.save()
        return this.openLab('sandbox', session.parts.seed, { ...choiceOf(session), ...request.choice })
      }
      case 'export':
        return this.export(request.what, request.capture)
      case 'open-network':
        return this.networks.open(request.id, ({ network }) => {
          for (const tap of network.taps) this.packets.open(`tap ${tap.name}`, tap)
        })
      case 'close-network':
        this.networks.close()
        return this.packets.closeTaps()
      case 'open-fleet':
      case 'close-fleet':
      case 'command-fleet':
        return this.fleets.carryOut(request)
      case 'inspect':
        this.target = request.target
        this.toldInspection = ''
        return this.tellInspection()
      case 'configure-link':
      case 'cut-link':
      case 'restore-link':
      case 'configure-switch':
      case 'place-attacker':
      case 'set-static-arp':
      case 'configure-hosts':
        return this.act(request)
      case 'play-attack':
        return this.playAttack(request.attack, request.against)
      case 'watch-packets':
        if (request.watch !== null) this.openCable(request.watch.capture)
        return this.packets.request(request)
      case 'packet':
      case 'follow-stream':
      case 'statistics':
      case 'complete-filter':
        return this.packets.request(request)
      case 'live-capture':
        return this.sendLiveCapture(request.begin)
    }
  }

  private analyse(name: string, octets: Uint8Array): void {
    this.host.answer({ kind: 'progress', what: `Reading ${name}`, fraction: 0 })
    try {
      const { report, capture } = analyseFile(octets)
      this.host.answer({ kind: 'analysis', name, report, hasPackets: capture !== null })
      this.packets.open('file', capture === null ? null : new CaptureFileSource(capture))
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`${name}: ${error.message}`)
      throw error
    }
  }

  private current(): Open {
    if (this.open === null) throw new InputError('no session is open')
    return this.open
  }

  private listLabs(): void {
    const labs = this.host.labs.map(({ id, title, goal, minutes, level, steps }) => ({
      id,
      title,
      goal,
      minutes,
      level,
      stepCount: steps.length,
      stepsDone: 0,
      available: true,
    }))
    this.host.answer({
      kind: 'labs',
      labs: [...labs, sandbox],
      networks: this.networks.list(),
      fleets: this.fleets.list(),
    })
  }

  private labNamed(id: string): Lab | null {
    if (id === 'sandbox') return null
    const lab = this.host.labs.find((candidate) => candidate.id === id)
    if (lab === undefined) throw new InputError(`there is no lab "${id}" in this version`)
    return lab
  }

  private newSession(lab: Lab | null, seed: string, choice: SandboxChoice = {}): Session {
    const scenario = lab === null ? sandboxScenario(choice) : scenarioOf(lab)
    const name = scenario.guest.image
    const image = Object.hasOwn(this.host.images, name) ? this.host.images[name] : undefined
    if (image === undefined)
      throw new InputError(`there is no guest "${name}"; there are: ${Object.keys(this.host.images).join(', ')}`)
    return new Session({ scenario, seed, image })
  }

  private openLab(id: string, seed: string, choice?: SandboxChoice): void {
    const lab = this.labNamed(id)
    const session = this.newSession(lab, seed, choice)
    this.playing = false
    this.show(true, this.begin(session, lab))
  }

  private begin(session: Session, lab: Lab | null, id?: string): Open {
    const open = {
      id: id ?? `${this.host.dateMs().toString(36)}-${++this.sessionCount}`,
      session,
      lab,
      presenter: new SessionPresenter(session, lab, lab === null ? Object.keys(this.host.images) : []),
    }
    this.open = open
    this.packets.closeSession()
    this.packets.open('mirror', session.world.rack.tap)
    this.lastActionNs = session.nowNs
    return open
  }

  /** Replays in turns, so that the window stays alive and can say how far it is. */
  private openSession(file: SessionFile): void {
    const lab = this.labNamed(file.labId)
    const log = checkedLog(file)
    const session = this.newSession(lab, file.seed, file)
    this.playing = false
    this.open = null
    const untilNs = Math.max(file.virtualNs, log.at(-1)?.atNs ?? 0)
    let done = 0
    const turn = (): void => {
      const stopMs = this.host.wallMs() + TURN_MS
      try {
        while (this.host.wallMs() < stopMs) {
          const next = log[done]
          const targetNs = Math.min(next?.atNs ?? untilNs, session.nowNs + 5e6)
          session.runUntil(targetNs)
          if (next !== undefined && session.nowNs === next.atNs) {
            session.do(next.command)
            done++
          } else if (next === undefined && session.nowNs >= untilNs)
            return this.show(true, this.begin(session, lab, file.id))
        }
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        return this.host.answer({ kind: 'error', what: 'The kept session does not run', message })
      }
      this.host.answer({
        kind: 'progress',
        what: 'Running the session again',
        fraction: session.nowNs / Math.max(1, untilNs),
      })
      this.host.later(turn, 0)
    }
    turn()
  }

  /** Do something the session logs, then show and keep it. */
  private act(command: SessionCommand): void {
    const { session } = this.current()
    session.do(command)
    this.lastActionNs = session.nowNs
    this.showAndSave()
  }

  private configure(settings: Partial<MigrationSettings>): void {
    const { session } = this.current()
    const { bandwidthBps, workingSetPages, dirtyPagesPerSecond, guestOptions, ...migration } = settings
    if (Object.keys(migration).length > 0) this.act({ kind: 'configure-migration', settings: migration })
    if (bandwidthBps !== undefined) this.act({ kind: 'configure-network', bandwidthBps })
    if (guestOptions !== undefined) this.act({ kind: 'configure-guest', options: guestOptions })
    if (workingSetPages !== undefined || dirtyPagesPerSecond !== undefined) {
      const { workload } = session.world.guest
      this.act({
        kind: 'configure-workload',
        workload: {
          workingSetPages: workingSetPages ?? workload.workingSetPages,
          dirtyPagesPerSecond: dirtyPagesPerSecond ?? workload.dirtyPagesPerSecond,
        },
      })
    }
  }

  private jumpTo(stepId: string): void {
    const { lab, session } = this.current()
    if (lab === null) throw new InputError('the sandbox has no steps')
    const fresh = this.newSession(lab, session.parts.seed)
    const steps = lab.steps.slice(
      0,
      Math.max(
        0,
        lab.steps.findIndex(({ id }) => id === stepId),
      ),
    )
    this.playing = false
    this.open = null
    // A step at a time, so that the window can say how far it is.
    const turn = (index: number): void => {
      const step = steps[index]
      if (step === undefined) return this.show(true, this.begin(fresh, lab))
      this.host.answer({ kind: 'progress', what: `Playing "${step.title}"`, fraction: index / steps.length })
      playStep(step, fresh)
      this.host.later(() => turn(index + 1), 0)
    }
    turn(0)
  }

  private step(to: Extract<Request, { kind: 'step' }>['to']): void {
    const { session } = this.current()
    this.playing = false
    this.lastActionNs = session.nowNs
    const { trace, world } = session
    const counted = (): number =>
      to === 'packet' ? world.rack.tap.lastPacket : to === 'round' ? trace.count('migration-round') : trace.length
    const before = counted()
    if (!session.runWhile(() => counted() === before, 2e9))
      this.host.answer({
        kind: 'error',
        what: 'Nothing to step to',
        message: `no ${to} came within two seconds of virtual time`,
      })
    this.showAndSave()
  }

  private play(): void {
    if (!this.playing) this.pace.start()
    this.playing = true
    this.show(false)
  }

  /** The speed that is best when it is left to the engine. */
  private naturalSpeed(): number {
    return this.open?.session.isMigrating === true ? SLOW_MOTION : 1
  }

  private turn(): void {
    this.turnIsDue = false
    const { open } = this
    if (open === null || !this.playing) return
    const { session } = open
    this.pace.turn(
      () => this.naturalSpeed(),
      (spanNs) => session.runFor(spanNs),
    )
    if (session.isMigrating) this.lastActionNs = session.nowNs
    if (session.nowNs - this.lastActionNs <= IDLE_NS) return this.show(false)
    this.playing = false
    this.showAndSave()
  }

  private show(fold: boolean, opened: Open | null = this.open): void {
    if (opened === null) return
    const nowMs = this.host.wallMs()
    const isFoldDue = fold || nowMs - this.lastFoldMs >= FOLD_MS
    if (isFoldDue) {
      this.lastFoldMs = nowMs
      this.tellInspection(opened)
    }
    this.host.answer(
      opened.presenter.view(
        { sessionId: opened.id, playing: this.playing, speed: this.pace.speed(this.naturalSpeed()) },
        isFoldDue,
      ),
    )
    this.packets.refresh()
    if (nowMs - this.lastSaveMs >= SAVE_MS) this.save()
    if (this.playing && !this.turnIsDue) {
      this.turnIsDue = true
      if (fold) this.pace.start(nowMs)
      this.host.later(() => this.turn(), REST_MS)
    }
  }

  private playAttack(name: string, against: ConfigurationName): void {
    const definition = catalogue.find((each) => each.name === name)
    const drill = drills[name]
    if (definition === undefined || drill === undefined) throw new InputError(`there is no attack ${name}`)
    const image = (guest: string): Uint8Array => {
      const found = this.host.images[guest]
      if (found === undefined) throw new InputError(`there is no guest ${guest}`)
      return found
    }
    const { outcome, trace } = drill({ configuration: against, seed: '1', image })
    const expected = expectedVerdict(definition, against)
    this.host.answer({ kind: 'attack-played', attack: name, against, outcome, expected, traceHash: trace.hash() })
  }

  private tellInspection(opened: Open | null = this.open): void {
    const { target } = this
    if (target === null || opened === null) return
    const { world } = opened.session
    const inspection = world.network.inspect(target.kind, target.name)
    const link = linkNames.find((name) => target.kind === 'link' && name === target.name)
    const answer: Answer = {
      kind: 'inspection',
      inspection,
      conditions: link === undefined ? null : world.network.linkConditions(link),
      isCut: link !== undefined && world.rack.link(link).isCut,
      defences: target.kind === 'switch' && target.name === RACK_SWITCH ? world.rack.defences : null,
      hosts:
        target.kind === 'host' && world.hostNames.includes(target.name)
          ? { hasStaticArp: world.rack.hasStaticArp, ...world.guestDesk.hostDefences }
          : null,
    }
    const said = JSON.stringify(answer)
    if (said !== this.toldInspection) this.host.answer(answer)
    this.toldInspection = said
  }

  /** While the clock stands still nobody saves by and by. */
  private showAndSave(): void {
    this.lastSaveMs = -Infinity
    this.show(true)
  }

  private save(): void {
    if (this.open === null) return
    this.lastSaveMs = this.host.wallMs()
    const { id, session, lab, presenter } = this.open
    const progress = lab === null ? [] : labProgress(lab, session, presenter.runs)
    this.host.answer({
      kind: 'saved',
      file: {
        format: 'midstream-session',
        version: 1,
        id,
        labId: lab?.id ?? 'sandbox',
        seed: session.parts.seed,
        savedAtMs: this.host.dateMs(),
        virtualNs: session.nowNs,
        stepsDone: progress.filter(({ state }) => state === 'done').length,
        stepCount: progress.length,
        title: lab?.title ?? 'Sandbox',
        ...(lab === null ? choiceOf(session) : {}),
        log: session.log.slice(),
      },
    })
  }

  /** A capture ends with its session. */
  private sendLiveCapture(begin: CaptureId | null): void {
    const session = this.open?.session
    if (begin !== null && session !== undefined) this.live = { session, stream: new TapStream(tapOf(session, begin)) }
    const { live } = this
    const isLast = live === null || live.session !== session
    const octets = isLast ? (live?.stream.finish() ?? new Uint8Array(0)) : live.stream.take(LIVE_PIECE_OCTETS)
    if (isLast) this.live = null
    this.host.answer({ kind: 'live-capture', octets, isLast })
  }

  /** What crosses a cable is captured from the first look on. */
  private openCable(capture: CaptureId): void {
    if (this.open !== null && (capture === 'mirror' || capture.startsWith('cable ')))
      this.packets.open(capture, tapOf(this.open.session, capture))
  }

  private export(what: ExportKind, capture: CaptureId = 'mirror'): void {
    const { session, lab } = this.current()
    const name = `midstream-${lab?.id ?? 'sandbox'}-${session.parts.seed}`
    if (what === 'pcapng') {
      const place = capture === 'mirror' ? '' : `-${capture.replace(' ', '-')}`
      const octets = tapOf(session, capture).toPcapng()
      return this.host.answer({ kind: 'exported', what, name: `${name}${place}.pcapng`, octets })
    }
    if (what !== 'report-data') throw new InputError('no fleet is open')
    const text = JSON.stringify(buildReport(session, lab, this.host.version))
    this.host.answer({ kind: 'exported', what, name, octets: new TextEncoder().encode(text) })
  }
}

/** What is asked of whatever runs. */
function isForAnyRun(request: Request): request is RunRequest {
  return ['play', 'pause', 'step', 'reset', 'export'].includes(request.kind)
}

/** The attacker's, unless a cable is named. */
function tapOf({ world }: Session, capture: CaptureId): Tap {
  const link = linkNames.find((name) => capture === `cable ${name}`)
  return link === undefined ? world.rack.tap : world.rack.tapOf(link)
}

/** The default scenario, around another guest and on other hypervisors if they were chosen. */
function sandboxScenario(choice: SandboxChoice): Scenario {
  const { guest, migration, profile } = defaultScenario
  const image = choice.guest ?? guest.image
  const name = image === guest.image ? guest.name : image
  const hypervisor = hypervisorNames.find((candidate) => candidate === (choice.profile ?? profile))
  if (hypervisor === undefined)
    throw new InputError(`there is no hypervisor "${choice.profile}"; there are: ${hypervisorNames.join(', ')}`)
  const { defaults, channel } = profiles[hypervisor]
  return {
    ...defaultScenario,
    profile: hypervisor,
    migration: { ...migration, ...defaults, channel },
    guest: { ...guest, image, name },
  }
}

function choiceOf({ parts }: Session): Required<SandboxChoice> {
  return { guest: parts.scenario.guest.image, profile: parts.scenario.profile }
}

const sandbox: LabSummary = {
  id: 'sandbox',
  title: 'Sandbox',
  goal: 'The same two hosts, network and listener, with every setting free and nothing to be done.',
  minutes: 0,
  level: 'every level',
  stepCount: 0,
  stepsDone: 0,
  available: true,
}

const commandKinds: ReadonlySet<string> = new Set<SessionCommand['kind']>([
  'switch-over',
  'continue-migration',
  'start-postcopy',
  'pause-migration',
  'recover-migration',
  'abandon-postcopy',
  'boot',
  'migrate',
  'cancel-migration',
  'configure-migration',
  'configure-network',
  'configure-workload',
  'configure-link',
  'cut-link',
  'restore-link',
  'configure-switch',
  'place-attacker',
  'set-static-arp',
  'configure-hosts',
  'configure-guest',
  'type',
  'answer',
  'hint',
])

/** A kept session comes from a file, and files can be damaged. The engine checks each command again when it runs it. */
function checkedLog({ log, virtualNs }: SessionFile): readonly LoggedCommand[] {
  if (!Array.isArray(log) || !Number.isSafeInteger(virtualNs)) throw new InputError('the session file is damaged')
  let previousNs = 0
  for (const [index, entry] of (log as readonly (Partial<LoggedCommand> | null)[]).entries()) {
    const atNs = entry?.atNs
    const isGood = Number.isSafeInteger(atNs) && atNs! >= previousNs && commandKinds.has(entry?.command?.kind ?? '')
    if (!isGood) throw new InputError(`entry ${index + 1} of the session's log is damaged`)
    previousNs = atNs!
  }
  return log as readonly LoggedCommand[]
}

const words: Partial<Record<Request['kind'], string>> = {
  'open-lab': 'The lab cannot be opened',
  'open-session': 'The session cannot be opened',
  boot: 'The guest cannot be booted',
  migrate: 'The guest cannot be migrated',
  'cancel-migration': 'The migration cannot be cancelled',
  'switch-over': 'The guest cannot be stopped now',
  'continue-migration': 'There is nothing to go on with',
  'start-postcopy': 'The migration cannot go over to post-copy',
  'pause-migration': 'The migration cannot be paused',
  'recover-migration': 'The migration cannot be recovered',
  'abandon-postcopy': 'The guest cannot be given up',
  'open-network': 'The network cannot be played',
  'open-fleet': 'The fleet cannot be built',
  'command-fleet': 'That cannot be done to the host',
  configure: 'That setting is not possible',
  'configure-link': 'The cable cannot be changed so',
  'cut-link': 'The cable cannot be cut',
  'restore-link': 'The cable cannot be restored',
  analyse: 'The file cannot be read',
}
