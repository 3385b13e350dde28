/** Analyse a migration stream that came as a file, without the network around it (`migrate exec:cat>file`). */
import type { AnalysisReport, StreamReport } from './analysis-report.js'
import { structureReport } from './structure/alike-pages.js'
import { QevmAnalysis } from './qevm-analysis.js'

const CHUNK_OCTETS = 65_536

export interface BareStreamAnalysis {
  readonly report: AnalysisReport
  readonly migration: QevmAnalysis
}

export function analyseBareStream(octets: Uint8Array): BareStreamAnalysis {
  const migration = new QevmAnalysis()
  for (let at = 0; at < octets.length; at += CHUNK_OCTETS) migration.push(octets.subarray(at, at + CHUNK_OCTETS), 0, 0)
  migration.end()
  const stream: StreamReport = {
    protocol: 'qevm',
    complete: migration.isComplete,
    client: null,
    server: null,
    octetsToServer: octets.length,
    octetsToClient: 0,
    machine: migration.machine,
    blocks: migration.blockReports(),
    rounds: migration.roundReports(),
    findings: migration.findingReports(),
    processes: migration.processReports(),
    changes: migration.changeReports(),
    structure: structureReport({ blocks: 0, repeated: 0, pages: migration.alikePages() }),
    seen: migration.notes(),
  }
  const warnings = migration.isComplete ? [] : ['the stream stops before the end of the machine’s state']
  return { report: { kind: 'qevm', packets: 0, streams: [stream], transfers: [], signs: [], warnings }, migration }
}
