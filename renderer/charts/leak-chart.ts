/** What leaked: planted secrets in the attacker's hands over the time of each run, one line a run. */
import { curveStepAfter, line, area, scaleLinear } from 'd3'
import type { RunMetrics } from '../../core/metrics/run-metrics.js'
import { channelTitle, findingTitle, foundSecrets, wasSealed } from '../words/terms.js'
import { formatShare } from '../words/quantities.js'
import { bottomAxis, chartFrame, colours, emptyChart, horizontalGrid, note, px, timeTicks } from './chart-frame.js'
import type { ChartFrame, ChartOptions } from './chart-frame.js'

const TITLE = 'What leaked'
/** Finds nearer to one another than this are named together. */
const GROUP_PX = 14
/** About a character's width and a line's height. */
const CHARACTER_PX = 5.6
const LINE_PX = 13

interface LeakLine {
  readonly run: RunMetrics
  readonly points: readonly (readonly [ns: number, secrets: number])[]
}

/** Runs are laid over one another, each from its own start. The last one is drawn strongest. */
export function leakChart(runs: readonly RunMetrics[], options: ChartOptions): SVGSVGElement {
  if (runs.length === 0)
    return emptyChart(
      options,
      TITLE,
      'Migrate a guest: every secret the attacker finds in the traffic will be a step here.',
    )
  const planted = runs.reduce((most, run) => Math.max(most, run.secretsPlanted, run.secretsFound), 1)
  const longest = runs.reduce((most, run) => Math.max(most, spanOf(run)), 1e6)
  const frame = chartFrame(options, {
    title: TITLE,
    description: runs
      .map(
        (run) =>
          `Run ${run.migration}, ${channelTitle(run.channel)}: ${foundSecrets(run)} and ` +
          `${formatShare(run.ramOctetsRecovered, run.ramOctets)} of RAM.`,
      )
      .join(' '),
    margin: { top: 22, right: 12, bottom: 22, left: 28 },
  })
  const x = scaleLinear([0, longest], [0, frame.width])
  const y = scaleLinear([0, planted], [frame.height, 0])
  const step = Math.max(1, Math.ceil(planted / 3))
  const values = Array.from({ length: Math.floor(planted / step) + 1 }, (_, index) => index * step)
  horizontalGrid(
    frame,
    values.map((value) => ({ at: y(value), label: `${value}` })),
  )
  bottomAxis(frame, timeTicks(0, longest, frame.width / 90, x))
  const lines = runs.map(leakLine)
  lines.forEach(({ run, points }, index) => {
    const isLast = index === lines.length - 1
    const colour = wasSealed(run) && run.secretsFound === 0 ? colours.sealed : colours.clear
    const coordinates = points.map(([ns, secrets]): [number, number] => [px(x(ns)), px(y(secrets))])
    if (run.secretsFound > 0)
      frame.plot
        .append('path')
        .attr('d', area().curve(curveStepAfter).y0(frame.height)(coordinates))
        .attr('fill', colour)
        .attr('fill-opacity', isLast ? 0.16 : 0.07)
    frame.plot
      .append('path')
      .attr('class', 'leak')
      .attr('d', line().curve(curveStepAfter)(coordinates))
      .attr('fill', 'none')
      .attr('stroke', colour)
      .attr('stroke-width', isLast ? 2.2 : 1.4)
      .attr('stroke-dasharray', wasSealed(run) ? (run.channel === 'ssh' ? '2 3' : '7 3') : null)
  })
  nameFindings(frame, lines.at(-1)!.run, x, y)
  labelSealed(frame, lines, y)
  note(frame.plot, 'secrets found, by time since the run began', { x: -20, y: -11, fill: colours.text3 })
  return frame.node
}

function spanOf(run: RunMetrics): number {
  const lastLeak = run.leak.at(-1)?.atNs ?? run.startNs
  return Math.max(run.endNs ?? lastLeak, lastLeak) - run.startNs
}

function leakLine(run: RunMetrics): LeakLine {
  const steps = run.leak.map(({ atNs, secretsFound }) => [Math.max(0, atNs - run.startNs), secretsFound] as const)
  return { run, points: [[0, 0], ...steps, [spanOf(run), run.secretsFound]] }
}

/** Names what was found under the line, finds close to one another together; what has no room is left to the list. */
function nameFindings(
  { plot, width }: ChartFrame,
  run: RunMetrics,
  x: (ns: number) => number,
  y: (count: number) => number,
): void {
  const planted = run.findings.filter((finding) => finding.planted).toSorted((a, b) => a.atNs - b.atNs)
  const at = (index: number): number => x(planted[index]!.atNs - run.startNs)
  let previous = { right: -Infinity, baseline: Infinity }
  for (let from = 0, to = 0; from < planted.length; from = to) {
    while (to < planted.length && at(to) - at(from) < GROUP_PX) to++
    const title = findingTitle(planted[from]!.kind).toLowerCase()
    const text = to - from === 1 ? title : `${title} and ${to - from - 1} more`
    const left = at(to - 1) + 6
    const right = left + text.length * CHARACTER_PX
    const baseline = y(to) + LINE_PX
    const isFree = baseline < y(0) && (left > previous.right || previous.baseline - baseline >= LINE_PX)
    if (!isFree || right > width) continue
    note(plot, text, { x: left, y: baseline, halo: false })
    previous = { right, baseline }
  }
}

function labelSealed(frame: ChartFrame, lines: readonly LeakLine[], y: (count: number) => number): void {
  const silent = [
    ...new Set(lines.filter(({ run }) => run.secretsFound === 0).map(({ run }) => channelTitle(run.channel))),
  ]
  if (silent.length > 0)
    note(frame.plot, `${silent.join(', ')}: 0`, { x: frame.width - 2, y: y(0) - 6, anchor: 'end', fill: colours.text })
}
