/** The time line of a session: migrations with their rounds and stops, what the attacker found, checks passed, now. */
import { scaleLinear, type ScaleLinear } from 'd3'
import type { RunMetrics } from '../../core/metrics/run-metrics.js'
import { channelTitle, findingTitle, foundSecrets } from '../words/terms.js'
import { hasDowntime } from '../words/downtime.js'
import { formatCount, formatInstant, formatMs, formatSpan } from '../words/quantities.js'
import {
  bottomAxis,
  chartFrame,
  colours,
  note,
  px,
  timeTicks,
  type ChartOptions,
  type SvgSelection,
} from './chart-frame.js'
import { pagesSent } from './rounds-chart.js'

export interface PassedCheck {
  /** Number of the step, counted from 1. */
  readonly step: number
  readonly title: string
  readonly atNs: number
}

/** Something an attacker did. */
export interface AttackMark {
  readonly atNs: number
  readonly text: string
}

export interface TimelineData {
  readonly nowNs: number
  readonly fromNs: number
  readonly toNs: number
  readonly runs: readonly RunMetrics[]
  readonly checks: readonly PassedCheck[]
  readonly attacks: readonly AttackMark[]
}

const LANE = 15
/** Of what fell together, in words. */
const TITLES_MAX = 8
const LANE_STEP = 23
type X = ScaleLinear<number, number>

export function timelineChart(data: TimelineData, options: ChartOptions): SVGSVGElement {
  const { nowNs, fromNs, toNs, runs, checks, attacks } = data
  const frame = chartFrame(options, {
    title: 'Time line',
    description: describe(data),
    margin: { top: 8, right: 20, bottom: 22, left: 88 },
  })
  const { plot, width, height } = frame
  const x = scaleLinear([fromNs, Math.max(toNs, fromNs + 1)], [0, width]).clamp(true)
  const lanes = ['Migration', 'Attacker', 'Checks']
  lanes.forEach((lane, index) => {
    const y = index * LANE_STEP + LANE / 2
    plot.append('line').attr('x2', width).attr('y1', y).attr('y2', y).attr('stroke', colours.line)
    note(plot, lane, { x: -76, y: y + 4, fill: colours.text2, halo: false })
  })
  bottomAxis(frame, timeTicks(fromNs, toNs, width / 110, x))
  const visible = runs.filter((run) => run.startNs <= toNs && (run.endNs ?? nowNs) >= fromNs)
  for (const run of visible) {
    drawRounds(plot.append('g').attr('class', 'run'), run, x, nowNs)
    drawFindings(plot.append('g').attr('transform', `translate(0,${LANE_STEP})`), run, x, nowNs)
  }
  drawAttacks(plot.append('g').attr('transform', `translate(0,${LANE_STEP})`), attacks, x, fromNs, toNs)
  drawChecks(plot.append('g').attr('transform', `translate(0,${2 * LANE_STEP})`), checks, x, fromNs, toNs)
  drawPlayHead(plot, x(nowNs), height)
  return frame.node
}

function drawRounds(lane: SvgSelection, run: RunMetrics, x: X, nowNs: number): void {
  const bar = (fromNs: number, toNs: number, fill: string, text: string, title: string) => {
    const left = x(fromNs)
    const width = Math.max(1.5, x(toNs) - left - 1)
    const rect = lane
      .append('rect')
      .attr('x', px(left))
      .attr('width', px(width))
      .attr('height', LANE)
      .attr('rx', 2)
      .attr('fill', fill)
    rect.append('title').text(title)
    const label = [text, text.replace(/ ·.*/, ''), text.replace(/\D.*|^\D+/g, '')].find(
      (candidate) => candidate !== '' && candidate.length * 6.3 + 10 < width,
    )
    if (label !== undefined) note(lane, label, { x: left + 6, y: 11.5, fill: colours.panel, halo: false })
  }
  const what = `run ${run.migration}, ${channelTitle(run.channel)}`
  if (run.rounds.length === 0) bar(run.startNs, run.endNs ?? nowNs, colours.guest, what, `${what}: ${run.status}`)
  for (const round of run.rounds) {
    if (round.paused) continue
    const title = `${what}: round ${round.round}, ${formatCount(pagesSent(round))} pages, ${formatSpan(round.endNs - round.startNs)}`
    bar(round.startNs, round.endNs, colours.guest, `${round.round} · ${formatCount(pagesSent(round))} pages`, title)
  }
  if (run.postcopy !== null) {
    const { startNs, endNs } = run.postcopy
    const from = Math.max(startNs, run.resumedAtNs ?? startNs)
    const to = endNs ?? run.endNs ?? nowNs
    bar(from, to, colours.guestAfter, '', `${what}: memory follows the guest, ${formatSpan(to - from)}`)
  }
  if (run.pausedFromNs !== null) {
    const span = formatMs(run.downtimeMs)
    const title = hasDowntime(run)
      ? `${what}: guest stopped for ${span}`
      : `${what}: last phase of a guest that was paused anyway, ${span}`
    bar(
      run.pausedFromNs,
      run.resumedAtNs ?? run.endNs ?? nowNs,
      colours.control,
      `${hasDowntime(run) ? 'stop' : 'last'} · ${span}`,
      title,
    )
  }
}

/** While a migration passes its port the attacker records; each find is a mark on that stretch. */
function drawFindings(lane: SvgSelection, run: RunMetrics, x: X, nowNs: number): void {
  const left = x(run.startNs)
  const width = Math.max(1.5, x(run.endNs ?? nowNs) - left)
  lane
    .append('rect')
    .attr('x', px(left))
    .attr('width', px(width))
    .attr('height', LANE)
    .attr('rx', 2)
    .attr('fill', colours.attacker)
    .attr('fill-opacity', 0.35)
    .append('title')
    .text(`Recorded by the attacker: ${foundSecrets(run)} found`)
  let lastX = -Infinity
  for (const finding of run.findings) {
    if (!finding.planted) continue
    const at = x(finding.atNs)
    if (at - lastX < 3) continue
    lastX = at
    lane
      .append('circle')
      .attr('class', 'finding')
      .attr('cx', px(at))
      .attr('cy', LANE / 2)
      .attr('r', 4.5)
      .attr('fill', colours.clear)
      .attr('stroke', colours.panel)
      .attr('stroke-width', 1.5)
      .append('title')
      .text(`${findingTitle(finding.kind)} found in packet ${finding.packet} at ${formatInstant(finding.atNs)}`)
  }
}

/** A diamond where the attacker did something; those that fall together are one, with all of their words. */
function drawAttacks(lane: SvgSelection, attacks: readonly AttackMark[], x: X, fromNs: number, toNs: number): void {
  const groups: { at: number; texts: string[] }[] = []
  for (const { atNs, text } of attacks) {
    if (atNs < fromNs || atNs > toNs) continue
    const last = groups.at(-1)
    const words = `${text}, at ${formatInstant(atNs)}`
    if (last !== undefined && x(atNs) - last.at < 9) last.texts.push(words)
    else groups.push({ at: x(atNs), texts: [words] })
  }
  for (const { at, texts } of groups)
    lane
      .append('path')
      .attr('class', 'attack')
      .attr('d', 'M0,-5.5l5.5,5.5l-5.5,5.5l-5.5,-5.5z')
      .attr('transform', `translate(${px(at)},${LANE / 2})`)
      .attr('fill', colours.attacker)
      .attr('stroke', colours.panel)
      .attr('stroke-width', 1.5)
      .append('title')
      .text(
        texts.length > TITLES_MAX
          ? `${texts.slice(0, TITLES_MAX).join('\n')}\nand ${texts.length - TITLES_MAX} more`
          : texts.join('\n'),
      )
}

function drawChecks(lane: SvgSelection, checks: readonly PassedCheck[], x: X, fromNs: number, toNs: number): void {
  let lastX = -Infinity
  for (const check of checks.toSorted((a, b) => a.atNs - b.atNs)) {
    if (check.atNs < fromNs || check.atNs > toNs) continue
    const at = Math.max(x(check.atNs), lastX + 12)
    lastX = at
    const mark = lane
      .append('g')
      .attr('class', 'check')
      .attr('transform', `translate(${px(at)},${LANE / 2})`)
    mark
      .append('circle')
      .attr('r', 8.5)
      .attr('fill', colours.done)
      .attr('stroke', colours.panel)
      .attr('stroke-width', 1.5)
    mark
      .append('text')
      .attr('y', 3.8)
      .attr('text-anchor', 'middle')
      .attr('font-weight', 700)
      .attr('fill', colours.panel)
      .text(check.step)
    mark.append('title').text(`Step ${check.step}, ${check.title}: passed at ${formatInstant(check.atNs)}`)
  }
}

function drawPlayHead(plot: SvgSelection, x: number, height: number): void {
  const head = plot
    .append('g')
    .attr('class', 'play-head')
    .attr('transform', `translate(${px(x)},0)`)
  head.append('line').attr('y1', -6).attr('y2', height).attr('stroke', colours.accent).attr('stroke-width', 2)
  head.append('path').attr('d', `M-5,${height}h10v5l-5,5l-5,-5z`).attr('fill', colours.accent)
}

function describe({ nowNs, runs, checks, attacks }: TimelineData): string {
  const found = runs.reduce((sum, run) => sum + run.secretsFound, 0)
  return (
    `${runs.length} migration${runs.length === 1 ? '' : 's'}, ${found} secret${found === 1 ? '' : 's'} found by the attacker, ` +
    (attacks.length === 0
      ? ''
      : `the attacker did ${attacks.length} thing${attacks.length === 1 ? '' : 's'} besides, `) +
    `${checks.length} check${checks.length === 1 ? '' : 's'} passed; now at ${formatInstant(nowNs)}.`
  )
}
