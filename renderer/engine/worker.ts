/** The engine's worker: the one place where the window runs the core. */
import type { Request } from './contract.js'
import { LabEngine } from './lab-engine.js'
import { bundledFleets, bundledLabs, bundledNetworks, guestImages } from './lab-content.js'

declare const MIDSTREAM_VERSION: string

const scope = self as unknown as {
  postMessage(message: unknown, transfer?: Transferable[]): void
  onmessage: ((event: MessageEvent<Request>) => void) | null
}

const waiting: Request[] = []
scope.onmessage = ({ data }) => waiting.push(data)

async function start(): Promise<void> {
  const images = await guestImages()
  const engine = new LabEngine({
    labs: bundledLabs(),
    images,
    networks: bundledNetworks(),
    fleets: bundledFleets(),
    version: MIDSTREAM_VERSION,
    answer: (answer) => scope.postMessage(answer, 'octets' in answer ? [answer.octets.buffer] : []),
    wallMs: () => performance.now(),
    dateMs: () => Date.now(),
    later: (turn, delayMs) => void setTimeout(turn, delayMs),
  })
  scope.onmessage = ({ data }) => engine.request(data)
  for (const request of waiting.splice(0)) engine.request(request)
}

start().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error)
  scope.postMessage({ kind: 'error', what: 'The engine could not be started', message })
})
