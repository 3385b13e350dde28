/** What the client felt: the time of every reply, the gap without one, and the guest's own pause inside it. */
import { scaleLinear } from 'd3'
import type { ProbeSample, RunMetrics } from '../../core/metrics/run-metrics.js'
import { downtimeMeaning, downtimeText, hasDowntime } from '../words/downtime.js'
import { formatMs } from '../words/quantities.js'
import { bottomAxis, chartFrame, colours, emptyChart, horizontalGrid, note, px, timeTicks } from './chart-frame.js'
import type { ChartFrame, ChartOptions } from './chart-frame.js'

export interface DowntimeData {
  /** In order of `sentNs`. */
  readonly probes: readonly ProbeSample[]
  /** The run whose surroundings are shown; null shows the latest probes. */
  readonly run: RunMetrics | null
}

const TITLE = 'What the client felt'
/** Shown before any migration. */
const LATEST_NS = 500e6
const MARGIN_NS = 25e6

export function downtimeChart({ probes, run }: DowntimeData, options: ChartOptions): SVGSVGElement {
  if (probes.length === 0)
    return emptyChart(options, TITLE, 'Boot the guest: a client then asks it for an answer every few milliseconds.')
  const [fromNs, toNs] = shownSpan(probes, run)
  const shown = probes.slice(firstAtOrAfter(probes, fromNs), firstAtOrAfter(probes, toNs + 1))
  const slowest = shown.reduce((most, { replyMs }) => Math.max(most, replyMs ?? 0), 0)
  const frame = chartFrame(options, {
    title: TITLE,
    description: describe(shown, run),
    margin: { top: 22, right: 12, bottom: 22, left: 36 },
  })
  const x = scaleLinear([fromNs, toNs], [0, frame.width])
  const y = scaleLinear([0, Math.max(slowest * 1.15, 0.1)], [frame.height, 0]).nice(3)
  horizontalGrid(
    frame,
    y.ticks(3).map((value) => ({ at: y(value), label: `${value}` })),
  )
  bottomAxis(frame, timeTicks(fromNs, toNs, frame.width / 90, x))
  drawGap(frame, run, x)

  const marks = frame.plot.append('g').attr('class', 'replies').attr('fill', colours.guest)
  for (const { sentNs, replyMs } of thinned(shown, frame.width)) {
    if (replyMs !== null)
      marks
        .append('circle')
        .attr('cx', px(x(sentNs)))
        .attr('cy', px(y(replyMs)))
        .attr('r', 1.8)
  }
  const misses = frame.plot.append('g').attr('class', 'misses').attr('stroke', colours.clear).attr('stroke-width', 1.5)
  for (const { sentNs, replyMs } of shown) {
    if (replyMs === null)
      misses
        .append('line')
        .attr('x1', px(x(sentNs)))
        .attr('x2', px(x(sentNs)))
        .attr('y1', frame.height - 5)
        .attr('y2', frame.height)
  }
  note(frame.plot, 'reply time, ms', { x: -28, y: -11, fill: colours.text3 })
  return frame.node
}

/** The gap is shaded; the pause is a bar on its floor. Both are named beside, where there is room. */
function drawGap({ plot, width, height }: ChartFrame, run: RunMetrics | null, x: (ns: number) => number): void {
  if (run === null) return
  const { clientGapFromNs: from, clientGapToNs: to, pausedFromNs, resumedAtNs } = run
  if (from !== null && to !== null) {
    const left = x(from)
    const right = x(to)
    plot
      .append('rect')
      .attr('class', 'gap')
      .attr('x', px(left))
      .attr('width', px(Math.max(2, right - left)))
      .attr('height', height)
      .attr('fill', colours.clear)
      .attr('fill-opacity', 0.16)
    const centre = Math.min(Math.max((left + right) / 2, 60), width - 60)
    note(plot, `no reply ${formatMs(run.clientGapMs)}`, { x: centre, y: 12, anchor: 'middle', fill: colours.text })
  }
  if (pausedFromNs === null) return
  const left = x(pausedFromNs)
  const right = resumedAtNs === null ? width : x(resumedAtNs)
  plot
    .append('rect')
    .attr('class', 'pause')
    .attr('x', px(left))
    .attr('y', height - 9)
    .attr('width', px(Math.max(2, right - left)))
    .attr('height', 9)
    .attr('fill', colours.guest)
  const text = pauseInWords(run)
  const roomRight = width - right > 130
  note(plot, text, { x: roomRight ? right + 8 : left - 8, y: height - 6, anchor: roomRight ? 'start' : 'end' })
}

function pauseInWords(run: RunMetrics): string {
  if (!hasDowntime(run)) return 'guest paused anyway'
  return run.resumedAtNs === null ? 'guest paused' : `guest paused ${downtimeText(run)}`
}

/** While a run lasts, all of it; then its switch-over, near enough for the gap to be seen. */
function shownSpan(probes: readonly ProbeSample[], run: RunMetrics | null): [number, number] {
  const last = probes.at(-1)!.sentNs
  if (run === null) return [Math.max(0, last - LATEST_NS), Math.max(last, 1)]
  const { clientGapFromNs: gapFrom, clientGapToNs: gapTo, pausedFromNs, resumedAtNs } = run
  if (run.endNs !== null && gapFrom !== null && gapTo !== null) {
    const from = Math.min(gapFrom, pausedFromNs ?? gapFrom)
    const to = Math.max(gapTo, resumedAtNs ?? gapTo)
    const margin = Math.max(MARGIN_NS, (to - from) * 3)
    return [Math.max(0, from - margin), to + margin]
  }
  const end = run.endNs ?? last
  const margin = Math.max(MARGIN_NS, (end - run.startNs) * 0.2)
  return [Math.max(0, run.startNs - margin), end + margin]
}

export function firstAtOrAfter(probes: readonly ProbeSample[], ns: number): number {
  let low = 0
  let high = probes.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (probes[middle]!.sentNs < ns) low = middle + 1
    else high = middle
  }
  return low
}

/** At most two points a px column: the quickest and the slowest reply of each. */
function thinned(probes: readonly ProbeSample[], columns: number): readonly ProbeSample[] {
  const group = Math.ceil(probes.length / columns)
  if (group <= 2) return probes
  const kept: ProbeSample[] = []
  for (let start = 0; start < probes.length; start += group) {
    const answered = probes.slice(start, start + group).filter(({ replyMs }) => replyMs !== null)
    if (answered.length === 0) continue
    const byTime = answered.sort((a, b) => a.replyMs! - b.replyMs!)
    kept.push(byTime[0]!)
    if (byTime.length > 1) kept.push(byTime.at(-1)!)
  }
  return kept
}

function describe(shown: readonly ProbeSample[], run: RunMetrics | null): string {
  const answered = shown.filter(({ replyMs }) => replyMs !== null)
  const counts = `${answered.length} of ${shown.length} probes answered.`
  if (run === null) return counts
  if (run.ownPause !== 'none') return [counts, downtimeMeaning(run)].join(' ')
  if (run.clientGapMs === null) return counts
  return `${counts} The client waited ${formatMs(run.clientGapMs)}; the guest stood still for ${formatMs(run.downtimeMs)} of it.`
}
