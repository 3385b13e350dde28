import { parseHTML } from 'linkedom'
import { sweepChart } from '../renderer/charts/sweep-chart.js'
import { colours, SVG_NAMESPACE } from '../renderer/charts/chart-frame.js'
import type { SweepRow } from './sweep-cell.js'
import type { SweepCell } from './sweep-spec.js'

const SIZE = { width: 760, height: 460 } as const

/** The chart as a file of its own, drawn without a browser. */
export function sweepSvg(
  title: string,
  results: readonly { readonly cell: SweepCell; readonly row: SweepRow }[],
): string {
  const { document } = parseHTML('<!doctype html><html><head></head><body></body></html>')
  const points = results.flatMap(({ cell: { place }, row }) => {
    const { channel = '', strategy = '', ...others } = place
    if (row.downtimeMs === null || row.ramOctets === null || row.ramOctetsRecovered === null) return []
    const setting = Object.entries(others).map(([name, value]) => (name === 'workload' ? value : `${name} ${value}`))
    const leakage = row.ramOctetsRecovered / row.ramOctets
    const { downtimeMs, structureAgreement: structure } = row
    return [{ channel, strategy, setting: setting.join(', '), downtimeMs, leakage, structure }]
  })
  const node = sweepChart(title, points, { ...SIZE, document })
  node.setAttribute('xmlns', SVG_NAMESPACE)
  node.setAttribute('style', `background:${colours.panel}`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n${node.outerHTML}\n`
}
