/** Edits what one end of a connection sends before the other end gets it. */
export interface StreamEditor {
  /** Octets that came: gives those that may go on now. What is not decided yet is held. */
  push(octets: Uint8Array): Uint8Array
  /** The sender has ended: gives what was held. */
  end(): Uint8Array
  /** The connection is to be cut here. */
  readonly cuts: boolean
  /** What the sender is to be told in the receiver's name; the receiver is cut off then. Once. */
  takeReply?(): Uint8Array | null
}

/** Passes everything on as it is. */
export class NoEditor implements StreamEditor {
  readonly cuts = false
  push(octets: Uint8Array): Uint8Array {
    return octets
  }
  end(): Uint8Array {
    return new Uint8Array(0)
  }
}

/** Told of every change. */
export interface EditWitness {
  /** What was done, and where. */
  edited(what: string, place: string): void
}
