/** Throughput of the source's link over time, by kind of traffic: stacked bins. */
import { area, curveStepAfter, scaleLinear, stack } from 'd3'
import type { ThroughputSample } from '../../core/metrics/run-metrics.js'
import { formatBitRate, formatInstant } from '../words/quantities.js'
import { bottomAxis, chartFrame, colours, emptyChart, horizontalGrid, note, timeTicks } from './chart-frame.js'
import type { ChartOptions } from './chart-frame.js'

export interface ThroughputData {
  /** In order of `atNs`. */
  readonly samples: readonly ThroughputSample[]
  readonly fromNs: number
  readonly toNs: number
  /** Capacity of the link, drawn as a line. */
  readonly linkBps: number
  /** Migration traffic that nobody on the way can read. */
  readonly sealed: boolean
}

const TITLE = 'Throughput'
const kinds = ['migrationOctets', 'probeOctets', 'otherOctets'] as const
type Kind = (typeof kinds)[number]
const kindWords: Readonly<Record<Kind, string>> = {
  migrationOctets: 'migration',
  probeOctets: 'client’s probes',
  otherOctets: 'other',
}

export function throughputChart(
  { samples, fromNs, toNs, linkBps, sealed }: ThroughputData,
  options: ChartOptions,
): SVGSVGElement {
  const shown = samples.filter(({ atNs, binNs }) => atNs + binNs >= fromNs && atNs <= toNs)
  if (shown.length === 0)
    return emptyChart(options, TITLE, 'Bits a second on the source’s link will appear here, by kind of traffic.')
  const rates = shown.map((sample) => {
    const perSecond = (8 * 1e9) / sample.binNs
    return {
      atNs: sample.atNs,
      migrationOctets: sample.migrationOctets * perSecond,
      probeOctets: sample.probeOctets * perSecond,
      otherOctets: sample.otherOctets * perSecond,
    }
  })
  const last = shown.at(-1)!
  // A step curve needs the end of its last bin.
  const closed = [...rates, { ...rates.at(-1)!, atNs: last.atNs + last.binNs }]
  const peak = rates.reduce((top, rate) => Math.max(top, rate.migrationOctets + rate.probeOctets + rate.otherOctets), 0)
  const frame = chartFrame(options, {
    title: TITLE,
    description: `Peak ${formatBitRate(peak)} of ${formatBitRate(linkBps)}, from ${formatInstant(fromNs)} to ${formatInstant(toNs)}.`,
    margin: { top: 18, right: 12, bottom: 22, left: 66 },
  })
  const fills: Readonly<Record<Kind, string>> = {
    migrationOctets: sealed ? colours.sealed : colours.clear,
    probeOctets: colours.guest,
    otherOctets: colours.text3,
  }
  const top = peak > linkBps * 0.3 ? Math.max(linkBps, peak) * 1.08 : Math.max(peak * 1.2, 1e3)
  const x = scaleLinear([fromNs, toNs], [0, frame.width]).clamp(true)
  const y = scaleLinear([0, top], [frame.height, 0])
  horizontalGrid(
    frame,
    y.ticks(3).map((value) => ({ at: y(value), label: value === 0 ? '0' : formatBitRate(value) })),
  )
  bottomAxis(frame, timeTicks(fromNs, toNs, frame.width / 90, x))
  const layers = stack<(typeof closed)[number], Kind>().keys(kinds)(closed)
  for (const layer of layers) {
    if (closed.every((rate) => rate[layer.key] === 0)) continue
    const shape = area<(typeof layer)[number]>()
      .curve(curveStepAfter)
      .x((point) => x(point.data.atNs))
      .y0((point) => y(point[0]))
      .y1((point) => y(point[1]))
      .digits(1)
    frame.plot
      .append('path')
      .attr('class', layer.key)
      .attr('d', shape(layer))
      .attr('fill', fills[layer.key])
      .attr('fill-opacity', 0.75)
      .append('title')
      .text(kindWords[layer.key])
  }
  if (linkBps <= top) {
    frame.plot
      .append('line')
      .attr('class', 'capacity')
      .attr('x2', frame.width)
      .attr('y1', y(linkBps))
      .attr('y2', y(linkBps))
      .attr('stroke', colours.text3)
      .attr('stroke-dasharray', '4 3')
    note(frame.plot, `link ${formatBitRate(linkBps)}`, {
      x: frame.width,
      y: y(linkBps) - 5,
      anchor: 'end',
      fill: colours.text3,
    })
  }
  return frame.node
}
