import { WireError } from '../../base/errors.js'

/** What a step of a reader returns when it cannot go on with what is there. */
export const WAIT = -1

/** Where in a stream its reader is, what its present step needs, and why the stream was refused. */
export class StreamCursor {
  /** Offset in the stream of the next octet to be read. */
  position = 0
  /** Where in the present step the record begins that the observer is told of. */
  recordAt = 0
  /** Octets from `position` on that the present step needs. */
  needed = 0
  refusal: WireError | null = null

  wait(needed: number): number {
    this.needed = needed
    return WAIT
  }

  /** `at` counts from where the present step began. */
  refused(at: number, reason: string, protocol = 'qevm'): WireError {
    this.refusal = new WireError(protocol, this.position + at, reason)
    return this.refusal
  }
}
