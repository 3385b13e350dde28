/** Says in the trace what went over the main stream page by page: what a listener's guesses about pages are judged by. */
import { pageDigest } from '../base/page-digest.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { Trace } from '../kernel/trace.js'

export class SentPages {
  constructor(
    private readonly trace: Trace,
    private readonly migration: number,
  ) {}

  /** A page was written whole, and the stream has so many octets with it. */
  wrote(page: Uint8Array, octetsWritten: number): void {
    const { trace, migration } = this
    trace.add('page-sent', { migration, octet: octetsWritten - PAGE_OCTETS, content: pageDigest(page) })
  }
}
