/** What a report of a session holds: a value only, so that it can be exported as JSON or drawn as HTML. */
import type { ProbeSample, RunMetrics, ThroughputSample } from '../metrics/run-metrics.js'

export interface ReportEvidence {
  readonly text: string
  readonly atNs: number
  /** Number of the captured frame that shows it, counted from 1; null when no frame does. */
  readonly packet: number | null
  /** Guest-physical address; null when none is meant. */
  readonly address: number | null
}

export interface ReportQuestion {
  readonly text: string
  readonly unit: string
  /** Null while unanswered. */
  readonly answer: string | null
  readonly correct: boolean | null
  readonly explanation: string
}

export interface ReportStep {
  readonly id: string
  readonly title: string
  readonly done: boolean
  readonly hintsUsed: number
  /** Why it is not done, in words; empty when it is. */
  readonly missing: string
  readonly evidence: readonly ReportEvidence[]
  readonly questions: readonly ReportQuestion[]
}

export interface ReportSettings {
  readonly strategy: string
  readonly channel: string
  readonly bandwidthBps: number
  readonly downtimeLimitMs: number
  /** Octets a second; 0 is no limit. */
  readonly maxBandwidth: number
  readonly workingSetPages: number
  readonly dirtyPagesPerSecond: number
}

export interface ReportData {
  readonly format: 'midstream-report'
  /** Of Midstream itself, as package.json has it. */
  readonly version: string
  readonly labId: string
  readonly title: string
  readonly goal: string
  readonly seed: string
  /** Hexadecimal; null when it was not computed. */
  readonly traceHash: string | null
  readonly virtualNs: number
  readonly settings: ReportSettings
  readonly steps: readonly ReportStep[]
  readonly runs: readonly RunMetrics[]
  readonly probes: readonly ProbeSample[]
  readonly throughput: readonly ThroughputSample[]
}
