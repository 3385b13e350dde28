/** What a fleet draws, second by second. */
import { area, curveStepBefore, line, scaleLinear } from 'd3'
import type { FleetSample } from '../engine/fleet-contract.js'
import { formatEnergy, formatWatts } from '../words/fleet.js'
import {
  bottomAxis,
  chartFrame,
  colours,
  emptyChart,
  horizontalGrid,
  timeTicks,
  type ChartOptions,
} from './chart-frame.js'

export interface PowerData {
  readonly samples: readonly FleetSample[]
  readonly toNs: number
}

const TITLE = 'Power'

export function powerChart({ samples, toNs }: PowerData, options: ChartOptions): SVGSVGElement {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined)
    return emptyChart(options, TITLE, 'What all hosts together draw will appear here, second by second.')
  const peak = samples.reduce((top, { watts }) => Math.max(top, watts), 1)
  const lowest = samples.reduce((low, { watts }) => Math.min(low, watts), peak)
  const frame = chartFrame(options, {
    title: TITLE,
    description: `${formatWatts(last.watts)} at the end, between ${formatWatts(lowest)} and ${formatWatts(peak)}; ${formatEnergy(last.joules)} so far.`,
    margin: { top: 10, right: 12, bottom: 22, left: 58 },
  })
  const x = scaleLinear([0, toNs], [0, frame.width]).clamp(true)
  const y = scaleLinear([0, peak * 1.1], [frame.height, 0])
  horizontalGrid(
    frame,
    y.ticks(3).map((value) => ({ at: y(value), label: value === 0 ? '0' : formatWatts(value) })),
  )
  bottomAxis(frame, timeTicks(0, toNs, frame.width / 90, x))
  // A step needs where its first second began.
  const points = [{ ...first, atNs: 0 }, ...samples].map(({ atNs, watts }): [number, number] => [x(atNs), y(watts)])
  frame.plot
    .append('path')
    .attr('d', area().curve(curveStepBefore).y0(frame.height).digits(1)(points))
    .attr('fill', colours.control)
    .attr('fill-opacity', 0.16)
  frame.plot
    .append('path')
    .attr('class', 'power')
    .attr('d', line().curve(curveStepBefore).digits(1)(points))
    .attr('fill', 'none')
    .attr('stroke', colours.control)
    .attr('stroke-width', 1.8)
  return frame.node
}
