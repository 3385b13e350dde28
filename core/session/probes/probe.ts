/** How the client asks the guest whether it is there: one way for each kind of guest. */
export interface Probe {
  /** Who is told of answers. */
  listener: ProbeListener | null
  /** Whether it can ask now: over a connection, one question waits for the answer of the one before. */
  isReady(): boolean
  ask(sequence: number): void
}

export interface ProbeListener {
  /** The answer to question `sequence` has just come, whole. */
  probeAnswered(sequence: number): void
  /** It will never come. */
  probeFailed(sequence: number): void
}
