/** An attack played from its beginning to its end, and judged by what the trace says of it. */
import type { Verdict } from '../../../attack/catalogue/attack-definition.js'
import type { ConfigurationName } from '../../../attack/catalogue/configurations.js'
import type { Nanos } from '../../../base/units.js'
import type { Trace } from '../../../kernel/trace.js'
import type { Tap } from '../../../net/tap.js'

export interface DrillParts {
  readonly configuration: ConfigurationName
  readonly seed: string
  /** The octets of a guest image of labs/guests. */
  readonly image: (name: string) => Uint8Array
}

export interface DrillEvidence {
  readonly atNs: Nanos
  readonly text: string
}

export interface DrillOutcome {
  readonly verdict: Verdict
  /** What was gained, or what stopped it and where. */
  readonly summary: string
  /** What of the trace proves it, in the order of time. */
  readonly evidence: readonly DrillEvidence[]
  /** What the attacker put on its cable. */
  readonly framesSent: number
  readonly octetsSent: number
}

export interface DrillRun {
  readonly outcome: DrillOutcome
  readonly trace: Trace
  /** What came in at the attacker's cable. */
  readonly capture: Tap
}

/** Plays it. The same parts give the same run, to the last octet. */
export type Drill = (parts: DrillParts) => DrillRun
