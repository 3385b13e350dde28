/** Post-copy: the pages that the guest needed before they had come, and how long each was waited for. */
import { scaleLinear } from 'd3'
import type { PageFault, RunMetrics } from '../../core/metrics/run-metrics.js'
import { formatCount, formatMs, formatSpan } from '../words/quantities.js'
import { bottomAxis, chartFrame, colours, emptyChart, horizontalGrid, note, px, timeTicks } from './chart-frame.js'
import type { ChartOptions } from './chart-frame.js'

const TITLE = 'Waiting for pages'

export function faultsChart(run: RunMetrics | null, options: ChartOptions): SVGSVGElement {
  const after = run?.postcopy ?? null
  if (run === null || after === null)
    return emptyChart(options, TITLE, 'Go over to post-copy: each page that the guest has to wait for will be a dot.')
  const { faults, startNs } = after
  const longest = faults.reduce((most, fault) => Math.max(most, waitOf(fault)), 1000)
  const lastNs = faults.reduce((last, { askedNs }) => Math.max(last, askedNs), startNs)
  const span = Math.max((after.endNs ?? lastNs) - startNs, 1e6)
  const frame = chartFrame(options, {
    title: TITLE,
    description: describe(faults, after.blockedMs, longest),
    margin: { top: 22, right: 12, bottom: 22, left: 44 },
  })
  const x = scaleLinear([0, span], [0, frame.width])
  const y = scaleLinear([0, longest * 1.05], [frame.height, 0])
  horizontalGrid(
    frame,
    [0, longest / 2, longest].map((value) => ({
      at: y(value),
      label: value === 0 ? '0' : formatSpan(roundDown(value)),
    })),
  )
  bottomAxis(frame, timeTicks(0, span, frame.width / 90, x))
  const dots = frame.plot.append('g').attr('class', 'faults').attr('fill', colours.guest).attr('fill-opacity', 0.75)
  for (const fault of faults)
    dots
      .append('circle')
      .attr('cx', px(x(fault.askedNs - startNs)))
      .attr('cy', px(y(waitOf(fault))))
      .attr('r', faults.length > 200 ? 2 : 3)
      .append('title')
      .text(`Page ${formatCount(fault.page)} came after ${formatSpan(waitOf(fault))}`)
  if (faults.length === 0)
    note(frame.plot, 'None so far: all that the guest needed was there.', {
      x: frame.width / 2,
      y: frame.height / 2,
      anchor: 'middle',
    })
  note(frame.plot, 'waited, by time since the guest ran there', { x: -36, y: -11, fill: colours.text3 })
  return frame.node
}

function waitOf({ askedNs, arrivedNs }: PageFault): number {
  return arrivedNs - askedNs
}

/** To two digits, as an axis wants it. */
function roundDown(ns: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(ns)) - 1)
  return Math.floor(ns / unit) * unit
}

function describe(faults: readonly PageFault[], blockedMs: number, longest: number): string {
  if (faults.length === 0) return 'The guest waited for no page.'
  return `The guest waited for ${formatCount(faults.length)} pages, ${formatMs(blockedMs)} in all, ${formatSpan(longest)} at the longest.`
}
