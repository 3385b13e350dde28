/** A sweep: what each migration of a grid paid in downtime, against the memory that it let out. */
import {
  scaleLinear,
  scaleLog,
  symbol,
  symbolCircle,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
} from 'd3'
import { formatMs } from '../words/quantities.js'
import { channelTitle, strategyTitle } from '../words/terms.js'
import { bottomAxis, chartFrame, colours, emptyChart, horizontalGrid, logTicks, note, px } from './chart-frame.js'
import type { ChartFrame, ChartOptions } from './chart-frame.js'

export interface SweepPoint {
  readonly channel: string
  readonly strategy: string
  /** The rest of its place in the grid, in words. */
  readonly setting: string
  readonly downtimeMs: number
  /** Of the guest's memory that the attacker recovered, 0 to 1. */
  readonly leakage: number
  /** How well the attacker told which pages are alike, 0 to 1; null where that was not judged. */
  readonly structure: number | null
}

/** Okabe and Ito's, which people who see few colours can tell apart; clear text first, in the window's own colour for it. */
const channelColours = [
  colours.clear,
  '#0072b2',
  '#009e73',
  '#e69f00',
  '#cc79a7',
  '#56b4e9',
  '#7a6a00',
  '#5f4bb6',
  '#8c564b',
  '#17807e',
  '#6b7280',
  '#b0306a',
  '#2f6f2f',
  '#1f2937',
  '#a8a000',
  '#f0808a',
  '#4cb8a8',
  '#b5651d',
  '#9db4c0',
]
const strategySymbols = [symbolCircle, symbolDiamond, symbolSquare, symbolTriangle, symbolStar]
const LEGEND_ROW = 16
/** Between two marks that would cover each other. */
const APART = 9
/** A lead of structure over content that is worth a mark. */
const STRUCTURE_MIN = 0.02
/** Of the width: two columns of channels, and one of strategies. */
const LEGEND_COLUMNS = [0, 0.36, 0.72] as const

export function sweepChart(title: string, points: readonly SweepPoint[], options: ChartOptions): SVGSVGElement {
  const shown = points.filter(({ downtimeMs }) => downtimeMs > 0)
  if (shown.length === 0) return emptyChart(options, title, 'No migration of this sweep came to a switch-over.')
  const channels = [...new Set(shown.map(({ channel }) => channel))]
  const strategies = [...new Set(shown.map(({ strategy }) => strategy))]
  const channelRows = Math.max(Math.ceil(channels.length / 2), strategies.length)
  const frame = chartFrame(options, {
    title,
    description: `${shown.length} migrations: downtime against the part of the guest's memory that the attacker recovered.`,
    margin: { top: 30, right: 20, bottom: 44 + channelRows * LEGEND_ROW, left: 52 },
  })
  const downtimes = shown.map(({ downtimeMs }) => downtimeMs)
  const [low, high] = [Math.min(...downtimes) / 1.4, Math.max(...downtimes) * 1.4]
  const x = scaleLog([low, high], [0, frame.width])
  const steps = stepsApart(shown.map((point) => ({ at: x(point.downtimeMs), ...point })))
  const roomAt = (isHigh: boolean): number =>
    APART * Math.max(0, ...shown.map((point, index) => (isHighUp(point) === isHigh ? (steps[index] ?? 0) : 0)))
  const y = scaleLinear([0, 100], [frame.height - roomAt(false), roomAt(true)])
  horizontalGrid(
    frame,
    [0, 25, 50, 75, 100].map((value) => ({ at: y(value), label: `${value} %` })),
  )
  bottomAxis(
    frame,
    logTicks(low, high, frame.width / 70).map((value) => ({ at: x(value), label: formatMs(value) })),
  )
  const colourOf = (channel: string): string => channelColours[channels.indexOf(channel) % channelColours.length] ?? ''
  const placed = shown.map((point, index) => {
    const level = y(100 * point.leakage)
    const top = level + (isHighUp(point) ? -1 : 1) * APART * (steps[index] ?? 0)
    return { point, left: x(point.downtimeMs), level, top }
  })
  for (const { left, level, top } of placed)
    frame.plot
      .append('line')
      .attr('x1', px(left))
      .attr('x2', px(left))
      .attr('y1', px(level))
      .attr('y2', px(top))
      .attr('stroke', colours.lineStrong)
  for (const { point, left, top } of placed)
    mark(frame, px(left), px(top), strategies.indexOf(point.strategy))
      .attr('class', 'migration')
      .attr('fill', colourOf(point.channel))
      .attr('fill-opacity', 0.75)
      .append('title')
      .text(inWords(point))
  // More than what could be read: equal cipher blocks told which pages are alike.
  for (const { point, left } of placed) {
    const { structure, leakage } = point
    if (structure === null || structure < leakage + STRUCTURE_MIN) continue
    const top = y(100 * structure)
    frame.plot
      .append('line')
      .attr('x1', px(left))
      .attr('x2', px(left))
      .attr('y1', px(y(100 * leakage)))
      .attr('y2', px(top))
      .attr('stroke', colourOf(point.channel))
      .attr('stroke-dasharray', '2 3')
    mark(frame, px(left), px(top), strategies.indexOf(point.strategy))
      .attr('class', 'structure')
      .attr('fill', 'none')
      .attr('stroke', colourOf(point.channel))
      .attr('stroke-width', 1.5)
      .append('title')
      .text(inWords(point))
  }
  const legendTop = frame.height + 40
  const [first, second, third] = LEGEND_COLUMNS.map((share) => share * frame.width) as [number, number, number]
  channels.forEach((channel, index) => {
    const [left, top] = [index < channelRows ? first : second, legendTop + (index % channelRows) * LEGEND_ROW]
    mark(frame, left + 6, top - 4, 0).attr('fill', colourOf(channel))
    note(frame.plot, channelTitle(channel), { x: left + 16, y: top })
  })
  strategies.forEach((strategy, row) => {
    const top = legendTop + row * LEGEND_ROW
    mark(frame, third + 6, top - 4, row).attr('fill', colours.text2)
    note(frame.plot, strategyTitle(strategy), { x: third + 16, y: top })
  })
  const hollow = placed.some(({ point }) => (point.structure ?? 0) >= point.leakage + STRUCTURE_MIN)
  const caption = `RAM recovered by the attacker, against downtime${hollow ? '; hollow: which pages are alike, told from equal cipher blocks' : ''}`
  note(frame.plot, caption, { x: -44, y: -14, fill: colours.text3 })
  return frame.node
}

function isHighUp({ leakage }: SweepPoint): boolean {
  return leakage >= 0.5
}

/**
 * Marks of the same leakage that would cover each other are put apart, each as many steps from its level as it must be, away from
 * the middle, so that those at none and at all leave the scale; a stem leads back. `at` in px from the left.
 */
function stepsApart(points: readonly (SweepPoint & { readonly at: number })[]): readonly number[] {
  const steps = points.map(() => 0)
  const order = points.map((_, index) => index).sort((a, b) => (points[a]?.at ?? 0) - (points[b]?.at ?? 0))
  /** How far to the right each step is taken, by level. */
  const taken = new Map<number, number[]>()
  for (const index of order) {
    const { at, leakage } = points[index] as (typeof points)[number]
    const rows = taken.get(leakage) ?? []
    taken.set(leakage, rows)
    const free = rows.findIndex((last) => at - last >= APART)
    steps[index] = free < 0 ? rows.length : free
    rows[steps[index]] = at
  }
  return steps
}

function mark({ plot }: ChartFrame, x: number, y: number, shape: number) {
  const path = symbol(strategySymbols[shape % strategySymbols.length], 52)() ?? ''
  return plot.append('path').attr('transform', `translate(${x},${y})`).attr('d', path)
}

function inWords({ channel, strategy, setting, downtimeMs, leakage, structure }: SweepPoint): string {
  const place = [channelTitle(channel), strategyTitle(strategy), setting].filter(Boolean).join(', ')
  return `${place}: downtime ${formatMs(downtimeMs)}, ${Math.round(100 * leakage)} % of RAM recovered${
    structure === null ? '' : `, ${Math.round(100 * structure)} % agreement on which pages are alike`
  }`
}
