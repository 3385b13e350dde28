/** Ends a command with a response code. Thrown and caught inside the TPM: its guest sees a response. */
export class TpmRefusal extends Error {
  constructor(readonly responseCode: number) {
    super(`TPM response code 0x${responseCode.toString(16)}`)
    this.name = 'TpmRefusal'
  }
}

export function refuse(responseCode: number): never {
  throw new TpmRefusal(responseCode)
}
