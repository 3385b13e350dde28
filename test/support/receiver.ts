/** The vulnerable receiver as tests run it. */
import { latin1Octets } from '../../core/base/octets.js'
import { programLayout } from '../../core/hypervisor/vulnerable-receiver/program-layout.js'
import type { ReceiverOptions } from '../../core/hypervisor/vulnerable-receiver/emulated-process.js'
import { Receiver, type ReceiverRun } from '../../core/hypervisor/vulnerable-receiver/receiver.js'

/** What is in the page of another guest that the program has mapped. */
export const NEIGHBOUR = 'neighbour: do not tell'

export function receive(
  stream: Uint8Array,
  options: Partial<ReceiverOptions> & { isEnded?: boolean } = {},
): ReceiverRun {
  const page = new Uint8Array(4096)
  page.set(latin1Octets(NEIGHBOUR))
  const { isEnded = true, ...chosen } = options
  return new Receiver({
    layout: programLayout(),
    fixes: new Set(),
    canary: null,
    checksRedZones: false,
    mappedPages: [page],
    ...chosen,
  }).run(stream, isEnded)
}
