/** Cells of a sweep on several threads. Which thread does which, and when it is done, changes nothing in what comes of it. */
import { Worker } from 'node:worker_threads'
import type { SweepRow } from './sweep-cell.js'
import type { SweepCell } from './sweep-spec.js'

export interface PoolOptions {
  readonly jobs: number
  /** Nothing more is begun, and what is under way is dropped. */
  readonly signal: AbortSignal
  /** Called as they come, in no certain order. */
  readonly onRow: (cell: SweepCell, row: SweepRow) => void
  /** The bundled worker; beside the command, if it is not said. */
  readonly worker?: URL
}

/** Resolves when all are done, or at once after the signal. Rejects with a bug of ours. */
export async function runCells(cells: readonly SweepCell[], options: PoolOptions): Promise<void> {
  const waiting = [...cells]
  const threads = Array.from({ length: Math.min(options.jobs, cells.length) }, () => runThread(waiting, options))
  try {
    await Promise.all(threads)
  } finally {
    waiting.length = 0
  }
}

async function runThread(waiting: SweepCell[], { signal, onRow, worker: url }: PoolOptions): Promise<void> {
  const worker = new Worker(url ?? new URL('sweep-worker.js', import.meta.url))
  try {
    for (let cell = waiting.shift(); cell !== undefined && !signal.aborted; cell = waiting.shift()) {
      const row = await rowFrom(worker, cell, signal)
      if (row !== null) onRow(cell, row)
    }
  } finally {
    await worker.terminate()
  }
}

function rowFrom(worker: Worker, cell: SweepCell, signal: AbortSignal): Promise<SweepRow | null> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(null)
    signal.addEventListener('abort', stop, { once: true })
    worker.removeAllListeners()
    worker.once('error', reject)
    worker.once('message', (row: SweepRow) => {
      signal.removeEventListener('abort', stop)
      resolve(row)
    })
    worker.postMessage(cell.values)
  })
}
