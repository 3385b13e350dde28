/**
 * What the window and the engine's worker say to each other. Requests change the session (and are written to its input
 * log); the engine answers with views, at most one a display frame. Everything here survives structured cloning.
 */
import type { Conversation } from '../../core/capture/conversations.js'
import type { FollowedStream } from '../../core/capture/follow-stream.js'
import type { HierarchyNode } from '../../core/capture/protocol-hierarchy.js'
import type { PacketTree, TreeNode } from '../../core/capture/packet-tree.js'
import type { ProbeSample, RunMetrics, ThroughputSample } from '../../core/metrics/run-metrics.js'
import type { GuestOptions } from '../../core/session/guest-options.js'
import type { Inspection } from '../../core/session/inspection.js'
import type { LinkConditions } from '../../core/session/link-conditions.js'
import type { SwitchDefences } from '../../core/session/rack.js'
import type { MigrationStrategy } from '../../core/migration/migration.js'
import type { ChannelProtection } from '../../core/secure/protection.js'
import type { AttackerPosition, Verdict } from '../../core/attack/catalogue/attack-definition.js'
import type { ConfigurationName } from '../../core/attack/catalogue/configurations.js'
import type { DrillOutcome } from '../../core/session/attacker/drills/drill.js'
import type { HostDefences, ChannelName, LinkName, MigrationScenario } from '../../core/session/scenario.js'
import type { ConsoleName } from '../../core/session/world.js'
import type { FleetRequest, FleetSummary, FleetView } from './fleet-contract.js'

export type { ConfigurationName, Verdict, AttackerPosition, Inspection, LinkConditions, LinkName, SwitchDefences }
export type { Conversation, FollowedStream, HierarchyNode, TreeNode }
export type { ChannelName, ConsoleName, GuestOptions, MigrationStrategy, ProbeSample, RunMetrics, ThroughputSample }

/** The experiment controls of the top bar. */
export interface MigrationSettings extends MigrationScenario {
  /** Bits a second of every link. */
  readonly bandwidthBps: number
  readonly workingSetPages: number
  /** Pages a second the guest's workload rewrites. */
  readonly dirtyPagesPerSecond: number
  /** What only this guest has. */
  readonly guestOptions: Partial<GuestOptions>
}

/** An example network, as the home view lists them. */
export interface NetworkSummary {
  readonly id: string
  readonly title: string
  readonly about: string
}

/** A network whose script has been played. */
export interface NetworkAnswer {
  readonly kind: 'network'
  readonly id: string
  readonly title: string
  readonly about: string
  readonly devices: readonly { readonly name: string; readonly kind: 'host' | 'router' | 'switch' }[]
  readonly links: readonly { readonly name: string; readonly from: string; readonly to: string }[]
  readonly entries: readonly {
    readonly title: string
    readonly note: string
    readonly startNs: number
    readonly outcome: string
    /** Empty when it ended as it should. */
    readonly problems: readonly string[]
    readonly lines: readonly string[]
  }[]
  /** Captures, by name: `tap NAME` in the packet view. */
  readonly taps: readonly string[]
  readonly endNs: number
  readonly traceHash: string
}

/** The labs as the home view lists them. */
export interface LabSummary {
  readonly id: string
  readonly title: string
  readonly goal: string
  readonly minutes: number
  readonly level: string
  /** The sandbox has no steps. */
  readonly stepCount: number
  readonly stepsDone: number
  /** False: the catalogue names it, but this version does not hold it yet. */
  readonly available: boolean
}

export interface SavedSession {
  readonly id: string
  readonly labId: string
  readonly title: string
  /** Milliseconds of wall time since 1970, when it was last written. */
  readonly savedAtMs: number
  readonly virtualNs: number
  readonly stepsDone: number
  readonly stepCount: number
}

/** A session as it is kept on disk: enough to run it again. */
export interface SessionFile {
  readonly format: 'midstream-session'
  readonly version: 1
  readonly id: string
  readonly labId: string
  readonly seed: string
  readonly savedAtMs: number
  readonly virtualNs: number
  readonly stepsDone: number
  readonly stepCount: number
  readonly title: string
  /** The sandbox's guest, by the name of its image; the scenario's own if it is not said. */
  readonly guest?: string
  /** The sandbox's hypervisors; KVM if it is not said. */
  readonly profile?: string
  /** Commands with their virtual times, as the engine wrote them. */
  readonly log: readonly unknown[]
}

export type MigrationControl =
  'switch-over' | 'continue-migration' | 'start-postcopy' | 'pause-migration' | 'recover-migration' | 'abandon-postcopy'

/** What makes the sandbox, by name. What is left out stays as it is. */
export interface SandboxChoice {
  /** The image of its guest. */
  readonly guest?: string
  /** Its hypervisors. */
  readonly profile?: string
}

export type Request =
  | FleetRequest
  | { readonly kind: 'list-labs' }
  /** Play the script of an example network. Answered by `network`. */
  | { readonly kind: 'open-network'; readonly id: string }
  /** Its captures go, too. */
  | { readonly kind: 'close-network' }
  /** Start a lab (or `sandbox`) afresh. `seed` gives the student's own values. */
  | { readonly kind: 'open-lab'; readonly labId: string; readonly seed: string }
  /** Run a kept session again up to where it was. */
  | { readonly kind: 'open-session'; readonly file: SessionFile }
  /** Say now what is to be kept, as it is said by itself every few seconds: the window may be about to go. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'close' }
  | { readonly kind: 'play' }
  | { readonly kind: 'pause' }
  /** Virtual seconds a second of wall time; Infinity is as fast as possible; 'auto' slows migrations down to be watched. */
  | { readonly kind: 'speed'; readonly speed: number | 'auto' }
  /** To the next frame on the wire, the next round's end, the next decision of an orchestrator, or the next trace record; then pause. */
  | { readonly kind: 'step'; readonly to: 'packet' | 'round' | 'decision' | 'event' }
  | { readonly kind: 'type'; readonly console: ConsoleName; readonly text: string }
  | { readonly kind: 'configure'; readonly settings: Partial<MigrationSettings> }
  | { readonly kind: 'boot' }
  | { readonly kind: 'migrate' }
  | { readonly kind: 'cancel-migration' }
  /** What an operator can tell a migration that is under way. */
  | { readonly kind: MigrationControl }
  | { readonly kind: 'answer'; readonly questionId: string; readonly answer: string }
  | { readonly kind: 'hint'; readonly stepId: string }
  /** The sandbox begins again with another guest or on other hypervisors. */
  | { readonly kind: 'choose-sandbox'; readonly choice: SandboxChoice }
  /** Instructor: play the reference solution up to the start of that step. */
  | { readonly kind: 'jump-to-step'; readonly stepId: string }
  | { readonly kind: 'reset' }
  /** A capture from outside: the attacker's tool on a file. */
  | { readonly kind: 'analyse'; readonly name: string; readonly octets: Uint8Array }
  | { readonly kind: 'export'; readonly what: ExportKind; readonly capture?: CaptureId }
  /** Null: nobody looks any more. */
  | { readonly kind: 'inspect'; readonly target: NetworkTarget | null }
  | { readonly kind: 'configure-link'; readonly link: LinkName; readonly conditions: Partial<LinkConditions> }
  | { readonly kind: 'cut-link'; readonly link: LinkName }
  | { readonly kind: 'restore-link'; readonly link: LinkName }
  | { readonly kind: 'configure-switch'; readonly defences: Partial<SwitchDefences> }
  /** Plug the attacker's cable in elsewhere. */
  | { readonly kind: 'place-attacker'; readonly position: AttackerPosition }
  /** Hosts have their neighbours' MAC addresses by hand, or by ARP. */
  | { readonly kind: 'set-static-arp'; readonly isOn: boolean }
  | { readonly kind: 'configure-hosts'; readonly defences: Partial<HostDefences> }
  /** Play an attack of the catalogue beside the session, in a lab of its own. Answered by `attack-played`. */
  | { readonly kind: 'play-attack'; readonly attack: string; readonly against: ConfigurationName }
  /** Null: nobody looks at a list of packets any more. */
  | { readonly kind: 'watch-packets'; readonly watch: PacketWatch | null }
  | { readonly kind: 'packet'; readonly capture: CaptureId; readonly packet: number }
  | { readonly kind: 'follow-stream'; readonly capture: CaptureId; readonly stream: number }
  | { readonly kind: 'statistics'; readonly capture: CaptureId; readonly view: StatisticsView }
  | { readonly kind: 'complete-filter'; readonly text: string; readonly cursor: number }
  /** The next piece of a capture as one growing pcapng; naming the capture begins a new one. Answered by `live-capture`. */
  | { readonly kind: 'live-capture'; readonly begin: CaptureId | null }

/** Of a fleet: what it came to, and a file that makes the same run. */
export type ExportKind = 'report-data' | 'pcapng' | 'fleet-result' | 'fleet-file'

/**
 * Which capture: the attacker's mirror port, a cable of the session, or the file that was opened. What crosses a cable is captured
 * from when somebody first looks.
 */
export type CaptureId = 'mirror' | 'file' | `cable ${LinkName}` | `tap ${string}`

/** The rows of a capture's list that are in sight. The engine tells them, and again whenever they or their number change. */
export interface PacketWatch {
  readonly capture: CaptureId
  /** A display filter; empty for every packet. */
  readonly filter: string
  /** Among the packets that match, from 0; -1 for the last ones, however many come. */
  readonly first: number
  readonly count: number
  /** Where this packet is among those that match is to be told once. */
  readonly reveal: number | null
}

export interface PacketRow {
  /** Counts from 1. */
  readonly packet: number
  readonly atNs: number
  readonly source: string
  readonly destination: string
  readonly protocol: string
  readonly octets: number
  readonly info: string
  /** What can be read: guest memory and other contents in clear, sealed contents, or neither. */
  readonly tone: 'clear' | 'sealed' | 'plain'
  /** Something is wrong with it: malformed, sent again, out of order. */
  readonly isOdd: boolean
}

export interface PacketList {
  readonly kind: 'packets'
  readonly watch: PacketWatch
  /** What is wrong with the filter, and where in it; the rows are then those of no filter. */
  readonly filterProblem: { readonly message: string; readonly start: number; readonly end: number } | null
  readonly matching: number
  /** Packets that the filter has not looked at yet. */
  readonly pending: number
  readonly captured: number
  /** The oldest, gone because the capture's memory was full. */
  readonly dropped: number
  readonly first: number
  readonly rows: readonly PacketRow[]
  /** Index of `watch.reveal`; -1 when it does not match or is gone. */
  readonly revealed: number | null
}

export interface PacketDetails {
  readonly kind: 'packet'
  readonly capture: CaptureId
  readonly packet: number
  /** Null when it is gone. */
  readonly tree: PacketTree | null
  /** Of the TCP stream it belongs to, or null. */
  readonly stream: number | null
}

export interface StreamAnswer {
  readonly kind: 'stream'
  readonly capture: CaptureId
  readonly followed: FollowedStream
}

/** Everything that was captured, told by who talked to whom at one layer, or by protocol. */
export const statisticsViews = ['protocols', 'eth', 'ip', 'ipv6', 'tcp', 'udp'] as const
export type StatisticsView = (typeof statisticsViews)[number]

export interface StatisticsAnswer {
  readonly kind: 'statistics'
  readonly capture: CaptureId
  readonly view: StatisticsView
  /** Empty for `protocols`. */
  readonly conversations: readonly Conversation[]
  /** Null but for `protocols`. */
  readonly hierarchy: HierarchyNode | null
}

export interface FilterCompletion {
  /** Put in place of `[start, end)` of the text. */
  readonly insert: string
  readonly label: string
}

export interface FilterCompletions {
  readonly kind: 'completions'
  readonly text: string
  readonly start: number
  readonly end: number
  readonly completions: readonly FilterCompletion[]
}

export type PacketAnswer = PacketList | PacketDetails | StreamAnswer | StatisticsAnswer | FilterCompletions

/** Something on the stage that can be looked into. */
export interface NetworkTarget {
  readonly kind: Inspection['kind']
  readonly name: string
}

/** Told when it is asked for, and again as it changes. */
export interface InspectionAnswer {
  readonly kind: 'inspection'
  readonly inspection: Inspection
  /** Of a link. */
  readonly conditions: LinkConditions | null
  readonly isCut: boolean
  /** Of the rack's switch. */
  readonly defences: SwitchDefences | null
  /** Of a hypervisor: what all of them are set up against. */
  readonly hosts: ({ readonly hasStaticArp: boolean } & HostDefences) | null
}

/** How an attack ended that was played. */
export interface AttackPlayed {
  readonly kind: 'attack-played'
  readonly attack: string
  readonly against: ConfigurationName
  readonly outcome: DrillOutcome
  readonly expected: Verdict
  readonly traceHash: string
}

export type HostRole = 'hypervisor' | 'client' | 'attacker'

export interface HostView {
  readonly name: string
  readonly title: string
  readonly role: HostRole
  readonly address: string
  readonly cores: number
  readonly vm: VmView | null
}

export interface VmView {
  readonly name: string
  readonly address: string
  /** running, paused, inmigrate, shut off... */
  readonly state: string
  readonly ramOctets: number
  /** One octet a cell of the chip's small map (96 cells): see `cellStates`. Null when the VM is not there. */
  readonly cells: Uint8Array
}

/** What a cell of a VM chip's map says: the last event of the pages it stands for. */
/** `missing`: the guest runs here, but they are still at the source. */
export const cellStates = { empty: 0, clean: 1, dirty: 2, sent: 3, received: 4, missing: 5 } as const

export interface LinkView {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly bandwidthBps: number
  /** Octets over the last 2 ms of virtual time, by what they are. */
  readonly migrationOctets: number
  readonly probeOctets: number
  readonly otherOctets: number
  /** What its migration octets are to somebody who reads them. */
  readonly content: 'clear' | 'sealed'
  readonly isCut: boolean
  /** It loses, delays or damages frames as nothing told it at first. */
  readonly isImpaired: boolean
}

/** A channel, and what it is good for. */
export interface ChannelView extends ChannelProtection {
  readonly name: ChannelName
}

export interface MigrationView {
  readonly migration: number
  readonly status: string
  readonly cause: string
  readonly source: string
  readonly destination: string
  readonly channel: ChannelName
  /** As `RunMetrics.wentClear`. */
  readonly wentClear: boolean
  readonly strategy: MigrationStrategy
  readonly round: number
  /** 0 to 1: pages of this round sent. */
  readonly roundProgress: number
  readonly remainingPages: number
  /** Percent of its time that the guest's processor is held back. */
  readonly throttlePercent: number
}

export interface StepView {
  readonly id: string
  readonly title: string
  /** Markdown. */
  readonly text: string
  readonly state: 'locked' | 'current' | 'done'
  readonly minutes: number
  /** The hints asked for so far, Markdown. */
  readonly hints: readonly string[]
  readonly hintCount: number
  /** What is still missing, in words; empty when done. */
  readonly missing: string
  /** When done: what shows it. */
  readonly evidence: readonly EvidenceView[]
  readonly questions: readonly QuestionView[]
  /** Markdown, shown once the step is done. */
  readonly explanation: string
}

export interface EvidenceView {
  readonly text: string
  readonly atNs: number
  readonly packet: number | null
  readonly address: number | null
}

export interface QuestionView {
  readonly id: string
  readonly text: string
  readonly kind: 'choice' | 'number' | 'text'
  readonly choices: readonly string[]
  readonly unit: string
  readonly answer: string | null
  readonly correct: boolean | null
  readonly explanation: string
}

export interface LabView {
  readonly id: string
  readonly title: string
  readonly goal: string
  readonly steps: readonly StepView[]
}

export interface EventView {
  /** Of an attack: which of its stages this is. */
  readonly stage?: string
  readonly atNs: number
  readonly source: string
  readonly text: string
}

/** The state of a session at one instant. Lists whose names begin with `new` hold only what came since the last view. */
export interface SessionView {
  readonly kind: 'view'
  readonly sessionId: string
  readonly labId: string
  readonly seed: string
  readonly nowNs: number
  readonly playing: boolean
  readonly speed: number
  readonly booted: boolean
  /** Name of the guest, also before it is there. */
  readonly guest: string
  readonly guestImage: string
  /** Images to choose from: none in a lab, which has its own. */
  readonly guestImages: readonly string[]
  /** What the hosts run. */
  readonly profile: string
  /** Those to choose from: none in a lab, which has its own. */
  readonly profiles: readonly { readonly name: string; readonly title: string }[]
  /** Those to choose from, weak ones too. */
  readonly channels: readonly ChannelView[]
  readonly settings: MigrationSettings
  readonly hosts: readonly HostView[]
  readonly links: readonly LinkView[]
  readonly switches: readonly string[]
  readonly attackerPosition: AttackerPosition
  readonly migration: MigrationView | null
  readonly runs: readonly RunMetrics[]
  readonly lab: LabView | null
  readonly traceHash: string | null
  readonly newConsoleText: Readonly<Record<ConsoleName, string>>
  readonly newProbes: readonly ProbeSample[]
  readonly newThroughput: readonly ThroughputSample[]
  readonly newEvents: readonly EventView[]
  /** True when this view starts a session afresh: the window drops what it kept of an earlier one. */
  readonly fresh: boolean
  /** Frames captured by the attacker so far. */
  readonly capturedFrames: number
}

export type Answer =
  | AttackPlayed
  | SessionView
  | PacketAnswer
  | InspectionAnswer
  | {
      readonly kind: 'labs'
      readonly labs: readonly LabSummary[]
      readonly networks: readonly NetworkSummary[]
      readonly fleets: readonly FleetSummary[]
    }
  | FleetView
  | NetworkAnswer
  | { readonly kind: 'saved'; readonly file: SessionFile }
  | { readonly kind: 'analysis'; readonly name: string; readonly report: unknown; readonly hasPackets: boolean }
  | {
      readonly kind: 'exported'
      readonly what: ExportKind
      readonly name: string
      readonly octets: Uint8Array
    }
  /** Empty when nothing was captured since the piece before. */
  | { readonly kind: 'live-capture'; readonly octets: Uint8Array; readonly isLast: boolean }
  /** Long work: opening a long session, analysing a capture. `fraction` is 0 to 1. */
  | { readonly kind: 'progress'; readonly what: string; readonly fraction: number }
  /** Something a person did cannot be done; the session goes on. */
  | { readonly kind: 'error'; readonly what: string; readonly message: string }
