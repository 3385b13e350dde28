/** Turns what the engine exports into files: the report drawn as HTML or kept as JSON, captures as they are. */
import type { ReportData } from '../../core/report/report-data.js'
import { reportHtml } from '../report/report-html.js'
import { saveFile } from '../storage/files.js'
import type { Exported, Problem } from './use-session.js'

export interface Exporting {
  /** The next report data that arrives becomes this kind of file. */
  expectReport(as: 'html' | 'json'): void
  take(file: Exported): void
}

export function useExport(complain: (problem: Problem) => void): Exporting {
  let reportAs: 'html' | 'json' = 'html'

  async function save({ what, name, octets }: Exported): Promise<void> {
    const stem = name.replace(/\.\w+$/, '')
    if (what === 'fleet-result' || what === 'fleet-file') await saveFile('json', `${stem}.json`, octets)
    else if (what === 'pcapng') await saveFile('pcapng', `${stem}.pcapng`, octets)
    else if (reportAs === 'json') await saveFile('json', `${stem}.json`, octets)
    else {
      // The engine wrote it a moment ago, as the type says.
      const data = JSON.parse(new TextDecoder().decode(octets)) as ReportData
      await saveFile('html', `${stem}.html`, new TextEncoder().encode(reportHtml(data, document)))
    }
  }

  return {
    expectReport(as) {
      reportAs = as
    },
    take(file) {
      save(file).catch((error: unknown) => {
        complain({
          what: 'The file could not be written',
          message: error instanceof Error ? error.message : String(error),
        })
      })
    },
  }
}
