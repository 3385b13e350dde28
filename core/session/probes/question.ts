/** What a client asks a server again and again over one TCP connection, and how it reads the answer. */
export interface Question {
  readonly port: number
  /** The next request, as text of one octet a character; `isFirst` on its connection. */
  request(isFirst: boolean): string
  /**
   * The answer at the start of `received`, or null while it is not whole; what it says may shape the next request. Throws
   * `WireError` for what is no answer.
   */
  read(received: Uint8Array): Answer | null
}

export interface Answer {
  /** Octets that it takes. */
  readonly length: number
  /** The counter's value, or null when the server had something else to say. */
  readonly value: number | null
}
