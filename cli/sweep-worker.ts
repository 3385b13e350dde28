/** A thread of `sweep`: options of a migration in, its row out, one at a time. */
import { parentPort } from 'node:worker_threads'
import type { ScenarioValues } from './migrate-scenario.js'
import { runCell } from './sweep-cell.js'

parentPort?.on('message', (values: ScenarioValues) => {
  void runCell(values).then((row) => parentPort?.postMessage(row))
})
