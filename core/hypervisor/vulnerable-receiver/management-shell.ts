/** What a host's management answers whoever has it: which guests there are, and what is in their memory. */
import { concatOctets, latin1Octets } from '../../base/octets.js'

/** The guests of a host, as its hypervisor has them. */
export interface HostGuests {
  readonly guestNames: readonly string[]
  /** A copy of 4096 octets; null where no page is. */
  guestPage(name: string, page: number): Uint8Array | null
}

export const SHELL_PROMPT = '# '
/** A longer line is thrown away. */
export const SHELL_LINE_OCTETS_MAX = 128

export function shellAnswer(line: string, host: HostGuests): Uint8Array {
  return concatOctets([answerTo(line.trim().split(/\s+/), host), latin1Octets(SHELL_PROMPT)])
}

function answerTo([command = '', name = '', page = '']: readonly string[], host: HostGuests): Uint8Array {
  switch (command) {
    case 'list':
      return latin1Octets(host.guestNames.map((each) => `${each}\n`).join(''))
    case 'read':
      return host.guestPage(name, Number(page)) ?? latin1Octets(`no page ${page} of ${name}\n`)
    default:
      return latin1Octets('list, or read GUEST PAGE\n')
  }
}
