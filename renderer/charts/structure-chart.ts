/** Pages as the attacker tells them apart without reading them, beside what they are: the penguin of ECB, of a guest's memory. */
import { interpolateRainbow } from 'd3'
import type { RunMetrics } from '../engine/contract.js'
import { formatCount } from '../words/quantities.js'
import { chartFrame, colours, emptyChart, note, px } from './chart-frame.js'
import type { ChartFrame, ChartOptions } from './chart-frame.js'

const TITLE = 'Which pages are alike'
const GAP = 20
const CAPTION = 16
const LEGEND = 20
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

type Structure = NonNullable<RunMetrics['structure']>

export function structureChart(
  { picture, alikeSeen, alikePages, pages }: Structure,
  options: ChartOptions,
): SVGSVGElement {
  const { truth, seen } = picture
  if (!/[^.]/.test(truth)) return emptyChart(options, TITLE, 'No page of this migration is like another one.')
  const shown =
    truth.length < pages ? `the first ${formatCount(truth.length)} of ${formatCount(pages)}` : formatCount(pages)
  const frame = chartFrame(options, {
    title: TITLE,
    description: `${shown} pages in the order in which they crossed: as the attacker sees them, and as they are. Of ${formatCount(alikePages)} that are like another it sees ${formatCount(alikeSeen)} as such.`,
    margin: { top: CAPTION, right: 2, bottom: LEGEND, left: 2 },
  })
  const side = (frame.width - GAP) / 2
  // As many columns as fill the height with square cells, or nearly so.
  const columns = Math.max(1, Math.ceil(Math.sqrt((truth.length * side) / frame.height)))
  const rows = Math.ceil(truth.length / columns)
  const grid = { columns, width: side / columns, height: Math.min(frame.height / rows, side / columns) }
  drawPages(frame, seen, { ...grid, left: 0, rows, title: 'Seen by the attacker' })
  drawPages(frame, truth, { ...grid, left: side + GAP, rows, title: 'As they are' })
  drawLegend(frame, rows * grid.height)
  return frame.node
}

interface Grid {
  readonly columns: number
  readonly rows: number
  /** Of a cell, px. */
  readonly width: number
  readonly height: number
  readonly left: number
  readonly title: string
}

/** Neighbours of one class are one rectangle, and a class is one path. */
function drawPages({ plot }: ChartFrame, pages: string, { columns, rows, width, height, left, title }: Grid): void {
  const grid = plot
    .append('g')
    .attr('class', 'pages')
    .attr('transform', `translate(${px(left)},0)`)
  note(grid, title, { x: 0, y: -5, fill: colours.text3, halo: false })
  grid
    .append('rect')
    .attr('width', px(columns * width))
    .attr('height', px(rows * height))
    .attr('fill', colours.raised)
    .attr('stroke', colours.line)
  const paths = new Map<string, string>()
  for (let at = 0; at < pages.length;) {
    const kind = pages[at] ?? '.'
    const rowEnd = Math.min(pages.length, (Math.floor(at / columns) + 1) * columns)
    let end = at + 1
    while (end < rowEnd && pages[end] === kind) end++
    if (kind !== '.') {
      const [x, y] = [px((at % columns) * width), px(Math.floor(at / columns) * height)]
      const [right, bottom] = [px((at % columns) * width + (end - at) * width), px(y + height)]
      paths.set(kind, `${paths.get(kind) ?? ''}M${x} ${y}H${right}V${bottom}H${x}Z`)
    }
    at = end
  }
  for (const [kind, path] of paths)
    grid.append('path').attr('class', kindClass(kind)).attr('d', path).attr('fill', colourOf(kind))
}

const kindClass = (kind: string): string => (kind === '0' ? 'empty' : 'alike')

function colourOf(kind: string): string {
  if (kind === '0') return colours.lineStrong
  const index = LETTERS.indexOf(kind)
  // Far apart for the largest classes, which come first.
  return index < 0 ? colours.guestAfter : interpolateRainbow((index * 0.382) % 1)
}

function drawLegend({ plot }: ChartFrame, top: number): void {
  const entries = [
    ['unlike any other', colours.raised],
    ['empty', colours.lineStrong],
    ['alike: a colour each', interpolateRainbow(0)],
    ['in small groups', colours.guestAfter],
  ] as const
  let left = 0
  for (const [words, fill] of entries) {
    plot
      .append('rect')
      .attr('x', px(left))
      .attr('y', px(top + 8))
      .attr('width', 9)
      .attr('height', 9)
      .attr('fill', fill)
      .attr('stroke', colours.line)
    note(plot, words, { x: left + 13, y: top + 16, fill: colours.text3, halo: false })
    left += 13 + 5.4 * words.length + 8
  }
}
