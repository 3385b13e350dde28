/** The window's end of the engine: requests go in, answers come out. */
import type { Answer, Request } from './contract.js'

/** Whatever answers requests: the worker, or a stand-in in tests. */
export interface EngineSource {
  send(request: Request): void
  /** Calls `listener` for each answer until the returned function is called. */
  listen(listener: (answer: Answer) => void): () => void
  dispose(): void
}

/** Starts the engine in its worker. A worker that breaks answers with an error instead of falling silent. */
export function openEngine(): EngineSource {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  const listeners = new Set<(answer: Answer) => void>()
  const tell = (answer: Answer) => listeners.forEach((listener) => listener(answer))
  worker.addEventListener('message', (event: MessageEvent<Answer>) => tell(event.data))
  worker.addEventListener('error', (event) => {
    event.preventDefault()
    const where = event.filename === '' ? '' : ` (${event.filename.split('/').at(-1)}:${event.lineno})`
    tell({
      kind: 'error',
      what: 'The engine stopped',
      message: `${event.message || 'It could not be started'}${where}`,
    })
  })
  return {
    send(request) {
      // A capture is moved, not copied: it may be large.
      worker.postMessage(request, request.kind === 'analyse' ? [request.octets.buffer] : [])
    },
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    dispose() {
      listeners.clear()
      worker.terminate()
    },
  }
}
