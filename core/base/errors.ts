/**
 * The four kinds of error (docs/architecture.md, "Errors").
 *
 * `assert` is a bug of ours and stops the run. The others are lessons or content mistakes: whoever owns the connection
 * or the file catches them once and turns them into state.
 */

/** Something this program believes about itself is false. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Octets that do not decode. `offset` counts octets from the start of what was being decoded. */
export class WireError extends Error {
  override readonly name = 'WireError'
  constructor(
    readonly protocol: string,
    readonly offset: number,
    readonly reason: string,
  ) {
    super(`${protocol}: at octet ${offset}: ${reason}`)
  }
}

/** A tag, MAC, signature or identity that was refused. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError'
  constructor(
    readonly protocol: string,
    readonly reason: string,
  ) {
    super(`${protocol}: ${reason}`)
  }
}

/** A mistake in the file of a lab or a network. `path` names the place inside it, such as `steps[2].done.kind`. */
export class LabError extends Error {
  override readonly name = 'LabError'
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`)
  }
}

/** Something a person typed or chose that cannot be done: a size, a command, a file. The message says what to do. */
export class InputError extends Error {
  override readonly name = 'InputError'
}

/** Why a connection, a migration or an analysis ended badly: plain data, so that it can be kept, shown and reported. */
export interface Failure {
  readonly kind: 'wire' | 'authentication' | 'connection' | 'mismatch' | 'cancelled'
  /** Who noticed: a protocol name such as `ssh`, `qevm`, `tcp`. */
  readonly protocol: string
  readonly message: string
}

/** Turn a caught lesson into state; anything else is our bug and goes on up. */
export function failureOf(error: unknown): Failure {
  if (error instanceof WireError) return { kind: 'wire', protocol: error.protocol, message: error.message }
  if (error instanceof AuthenticationError)
    return { kind: 'authentication', protocol: error.protocol, message: error.message }
  throw error
}
