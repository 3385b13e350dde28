import { parseHTML } from 'linkedom'
import type { ReportData } from '../core/report/report-data.js'
import { reportHtml as renderReport } from '../renderer/report/report-html.js'

/** The report as one HTML file, its charts drawn without a browser. */
export function reportHtml(data: ReportData): string {
  const { document } = parseHTML('<!doctype html><html><head></head><body></body></html>')
  return renderReport(data, document)
}
