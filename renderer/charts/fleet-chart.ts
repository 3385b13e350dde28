/** The hosts of a fleet over time: a row a host, darker the busier; arrows are guests that were moved, with the reason. */
import { scaleBand, scaleLinear } from 'd3'
import type { FleetMoveView, FleetSample } from '../engine/fleet-contract.js'
import { isGood, outcomeWords } from '../words/fleet.js'
import { formatShare } from '../words/quantities.js'
import { bottomAxis, chartFrame, colours, emptyChart, note, px, timeTicks, type ChartFrame } from './chart-frame.js'
import type { ChartOptions } from './chart-frame.js'

export interface FleetChartData {
  readonly hosts: readonly string[]
  readonly samples: readonly FleetSample[]
  readonly moves: readonly FleetMoveView[]
  readonly toNs: number
}

const TITLE = 'Load and moves'
/** Of a row's name. */
const LINE_PX = 12
const CHARACTER_PX = 5.7
/** Nobody sees more columns than that. */
const COLUMNS_MAX = 160
/** The height that this many hosts need, at most. */
export const fleetChartHeight = (hosts: number): number => Math.min(382, 62 + hosts * (hosts > 12 ? 8 : 28))

export function fleetChart({ hosts, samples, moves, toNs }: FleetChartData, options: ChartOptions): SVGSVGElement {
  if (samples.length === 0)
    return emptyChart(options, TITLE, 'How busy each host is will appear here, and who was moved where and why.')
  const last = samples.at(-1)!
  const frame = chartFrame(options, {
    title: TITLE,
    description: hosts
      .map((name, index) => `${name} ${stateWords(last.hosts[index])}, ${departures(moves, name)}`)
      .join('; '),
    margin: { top: 18, right: 12, bottom: 22, left: 58 },
  })
  const x = scaleLinear([0, toNs], [0, frame.width]).clamp(true)
  const y = scaleBand(hosts, [0, frame.height]).paddingInner(hosts.length > 12 ? 0.15 : 0.25)
  bottomAxis(frame, timeTicks(0, toNs, frame.width / 90, x))
  nameRows(frame, hosts, y)
  drawCells(frame, hosts, samples, x, y)
  drawMoves(frame, moves, x, (name) => (y(name) ?? 0) + y.bandwidth() / 2)
  noteReasons(frame, moves, x)
  return frame.node
}

/** One path for all cells of a look: a fleet has thousands of cells. */
function drawCells(
  { plot }: ChartFrame,
  hosts: readonly string[],
  samples: readonly FleetSample[],
  x: (ns: number) => number,
  y: ReturnType<typeof scaleBand<string>>,
): void {
  const every = Math.ceil(samples.length / COLUMNS_MAX)
  const looks = new Map<string, string>()
  const height = px(y.bandwidth())
  for (let at = every - 1; at < samples.length; at += every) {
    const sample = samples[at]!
    const left = px(x(samples[at - every]?.atNs ?? 0))
    const width = px(Math.max(0.5, x(sample.atNs) - left - (every === 1 ? 1 : 0)))
    hosts.forEach((name, index) => {
      const look = lookOf(sample.hosts[index])
      if (look !== null)
        looks.set(look, `${looks.get(look) ?? ''}M${left},${px(y(name) ?? 0)}h${width}v${height}h${-width}z`)
    })
  }
  const cells = plot.append('g').attr('class', 'cells')
  for (const [look, path] of looks) {
    const [fill = '', opacity = ''] = look.split('/')
    cells.append('path').attr('d', path).attr('fill', fill).attr('fill-opacity', opacity)
  }
}

/** Colour and opacity; null of a host that is off. */
function lookOf(host: FleetSample['hosts'][number] | undefined): string | null {
  if (host === undefined || host.state === 'off') return null
  if (host.state === 'on') return `${colours.guest}/${px(0.1 + 0.8 * Math.min(1, host.busyShare))}`
  return `${host.state === 'failed' ? colours.clear : colours.control}/0.5`
}

function stateWords(host: FleetSample['hosts'][number] | undefined): string {
  return host?.state === 'on' ? `${formatShare(host.busyShare, 1)} busy` : (host?.state ?? 'off')
}

function departures(moves: readonly FleetMoveView[], name: string): string {
  const [left, came] = [
    moves.filter(({ source }) => source === name),
    moves.filter((move) => move.destination === name),
  ]
  return `${left.length} left, ${came.length} came`
}

/** As many as do not touch one another. */
function nameRows({ plot }: ChartFrame, hosts: readonly string[], y: ReturnType<typeof scaleBand<string>>): void {
  const every = Math.ceil(LINE_PX / y.step())
  hosts.forEach((name, index) => {
    if (index % every !== 0) return
    const at = (y(name) ?? 0) + y.bandwidth() / 2 + 4
    note(plot, name, { x: -8, y: at, anchor: 'end', fill: colours.text3, halo: false })
  })
}

function drawMoves(
  { plot }: ChartFrame,
  moves: readonly FleetMoveView[],
  x: (ns: number) => number,
  y: (host: string) => number,
): void {
  const layer = plot.append('g').attr('class', 'moves')
  for (const move of moves) {
    const [at, from, to] = [px(x(move.startNs)), px(y(move.source)), px(y(move.destination))]
    const good = isGood(move)
    const colour = good ? colours.text2 : colours.clear
    const arrow = layer.append('g').attr('stroke', colour).attr('fill', colour)
    arrow
      .append('line')
      .attr('x1', at)
      .attr('x2', at)
      .attr('y1', from)
      .attr('y2', to)
      .attr('stroke-width', 1)
      .attr('stroke-dasharray', good ? null : '3 2')
    arrow.append('circle').attr('cx', at).attr('cy', from).attr('r', 1.8)
    const tip = to > from ? -4 : 4
    arrow.append('path').attr('d', `M${at},${to}l-2.8,${tip}h5.6z`).attr('stroke', 'none')
    const { vm, source, destination, why } = move
    arrow.append('title').text(`${vm} from ${source} to ${destination}: ${why}; ${outcomeWords(move)}`)
  }
}

/** Above the plot, each reason once where it begins, as far as there is room; the others are in the table. */
function noteReasons({ plot, width }: ChartFrame, moves: readonly FleetMoveView[], x: (ns: number) => number): void {
  let [freeFrom, previous] = [-40, '']
  for (const { startNs, why } of moves.toSorted((a, b) => a.startNs - b.startNs)) {
    const right = x(startNs) + why.length * CHARACTER_PX
    const at = right > width ? width - why.length * CHARACTER_PX : x(startNs)
    if (kindOf(why) === previous || at < freeFrom) continue
    note(plot, why, { x: at, y: -6, fill: colours.text2, halo: false })
    freeFrom = at + why.length * CHARACTER_PX + 14
    previous = kindOf(why)
  }
}

/** A reason without its numbers. */
const kindOf = (why: string): string => why.replace(/\d+/g, '')
