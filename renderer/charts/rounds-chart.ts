/** Rounds of a migration: pages sent in each, with the closed form's prediction drawn over the measurement. */
import { scaleBand, scaleSqrt } from 'd3'
import type { RoundMetrics, RunMetrics } from '../../core/metrics/run-metrics.js'
import { formatCount, formatOctets, formatSpan } from '../words/quantities.js'
import { bottomAxis, chartFrame, colours, emptyChart, horizontalGrid, note, px } from './chart-frame.js'
import type { ChartOptions } from './chart-frame.js'

const TITLE = 'Rounds'

export function pagesSent({ normalPages, zeroPages, xbzrlePages }: RoundMetrics): number {
  return normalPages + zeroPages + xbzrlePages
}

export function roundsChart(run: RunMetrics | null, options: ChartOptions): SVGSVGElement {
  if (run !== null && run.rounds.length === 0 && run.endNs === null)
    return emptyChart(options, TITLE, 'The first round is under way: its bar appears when it ends.')
  if (run === null || run.rounds.length === 0)
    return emptyChart(
      options,
      TITLE,
      'Migrate a guest: one bar a round shows the pages sent, dashed lines what theory expects.',
    )
  const { rounds } = run
  const frame = chartFrame(options, {
    title: TITLE,
    description: rounds.map(roundInWords).join(' '),
    margin: { top: 18, right: 12, bottom: 22, left: 44 },
  })
  const most = rounds.reduce((top, round) => Math.max(top, pagesSent(round), round.predictedPages ?? 0), 1)
  // Later rounds are small beside the first: a square-root scale keeps them readable.
  const y = scaleSqrt([0, most], [frame.height, 0])
  const x = scaleBand(
    rounds.map((_, index) => index),
    [0, frame.width],
  )
    .paddingInner(rounds.length > 12 ? 0.2 : 0.45)
    .paddingOuter(0.25)
  const barWidth = Math.min(x.bandwidth(), 56)
  const inset = (x.bandwidth() - barWidth) / 2
  horizontalGrid(
    frame,
    pageTicks(most).map((value) => ({ at: y(value), label: formatCount(value) })),
  )
  const every = Math.ceil(rounds.length / Math.max(1, Math.floor(frame.width / (rounds.length > 6 ? 24 : 62))))
  bottomAxis(
    frame,
    rounds.flatMap((round, index) =>
      index % every === 0 || round.paused
        ? [{ at: x(index)! + x.bandwidth() / 2, label: roundLabel(round, rounds.length > 6) }]
        : [],
    ),
  )
  const bars = frame.plot.append('g').attr('class', 'bars')
  rounds.forEach((round, index) => {
    const left = x(index)! + inset
    const top = y(pagesSent(round))
    bars
      .append('rect')
      .attr('x', px(left))
      .attr('y', px(Math.min(top, frame.height - 1)))
      .attr('width', px(barWidth))
      .attr('height', px(Math.max(1, frame.height - top)))
      .attr('rx', 2)
      .attr('fill', round.paused ? colours.control : colours.guest)
      .append('title')
      .text(roundInWords(round))
    const predicted = round.predictedPages
    if (predicted !== null)
      bars
        .append('line')
        .attr('class', 'predicted')
        .attr('x1', px(left - 7))
        .attr('x2', px(left + barWidth + 7))
        .attr('y1', px(y(predicted)))
        .attr('y2', px(y(predicted)))
        .attr('stroke', colours.text)
        .attr('stroke-width', 1.6)
        .attr('stroke-dasharray', '4 3')
    if (rounds.length <= 12) {
      const lowest = Math.min(top, predicted === null ? top : y(predicted))
      note(frame.plot, formatCount(pagesSent(round)), { x: left + barWidth / 2, y: lowest - 6, anchor: 'middle' })
    }
  })
  return frame.node
}

function roundLabel(round: RoundMetrics, short: boolean): string {
  if (round.paused) return 'stopped'
  return short ? `${round.round}` : `round ${round.round}`
}

function roundInWords(round: RoundMetrics): string {
  const prediction = round.predictedPages === null ? '' : `, ${formatCount(round.predictedPages)} predicted`
  return (
    `${round.paused ? 'With the guest stopped' : `Round ${round.round}`}: ${formatCount(pagesSent(round))} pages${prediction}, ` +
    `${formatOctets(round.octets)} in ${formatSpan(round.endNs - round.startNs)}.`
  )
}

/** Ticks for a square-root scale: near the top, its half and its eighth, each rounded down to one digit; and zero. */
function pageTicks(most: number): number[] {
  const ticks = [most, most / 2, most / 8].map((value) => {
    const power = 10 ** Math.floor(Math.log10(value))
    return Math.floor(value / power) * power
  })
  return [0, ...new Set(ticks.filter((value) => value >= 1))].sort((a, b) => a - b)
}
