/**
 * What every chart shares: a titled SVG, margins, grid, axes, and the palette. Colours are custom properties of the
 * window's theme with the light palette as fallback, so the same SVG lives in the window and, alone, in a report.
 */
import { select, type Selection } from 'd3'

export interface ChartOptions {
  /** In px before the window scales them. */
  readonly width: number
  readonly height: number
  /** Where to create elements; the page's own when left out. The command line passes one without a browser. */
  readonly document?: Document
}

export const colours = {
  ground: 'var(--ground, #eef1f5)',
  panel: 'var(--panel, #ffffff)',
  raised: 'var(--raised, #f5f7fa)',
  line: 'var(--line, #dbe1e9)',
  lineStrong: 'var(--line-strong, #b7c2d0)',
  text: 'var(--text, #121a26)',
  text2: 'var(--text-2, #46546a)',
  text3: 'var(--text-3, #5f6d83)',
  accent: 'var(--accent, #1460c4)',
  clear: 'var(--clear, #c63f10)',
  sealed: 'var(--sealed, #0b7a63)',
  attacker: 'var(--attacker, #a83583)',
  guest: 'var(--guest, #1569b3)',
  /** Memory that follows its guest. */
  guestAfter: 'var(--guest-after, #7fb0dd)',
  control: 'var(--control, #8a6200)',
  done: 'var(--done, #1d7f46)',
} as const

export type SvgSelection<E extends SVGElement = SVGGElement> = Selection<E, unknown, null, undefined>

export interface Margin {
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly left: number
}

export interface ChartFrame {
  readonly svg: SvgSelection<SVGSVGElement>
  readonly plot: SvgSelection
  readonly width: number
  readonly height: number
  readonly margin: Margin
  readonly node: SVGSVGElement
}

export const SVG_NAMESPACE = 'http://www.w3.org/2000/svg'
const mono = "var(--mono, 'JetBrains Mono Variable', ui-monospace, monospace)"
const sans = "var(--sans, 'Inter Variable', system-ui, sans-serif)"
export const fonts = { mono, sans } as const

/** An empty chart: an SVG image named `title`, told in words by `description`. */
export function chartFrame(
  { width, height, document = globalThis.document }: ChartOptions,
  { title, description, margin }: { readonly title: string; readonly description: string; readonly margin: Margin },
): ChartFrame {
  const node = document.createElementNS(SVG_NAMESPACE, 'svg')
  const svg = select(node)
    .attr('viewBox', `0 0 ${width} ${height}`)
    .attr('width', width)
    .attr('height', height)
    .attr('role', 'img')
    .attr('aria-label', `${title}. ${description}`)
    .attr('font-family', sans)
    .attr('font-size', 11)
  svg.append('title').text(title)
  svg.append('desc').text(description)
  const plot = svg.append('g').attr('transform', `translate(${margin.left},${margin.top})`)
  return {
    svg,
    plot,
    node,
    margin,
    width: Math.max(1, width - margin.left - margin.right),
    height: Math.max(1, height - margin.top - margin.bottom),
  }
}

/** Coordinates to a tenth of a px: smaller files, readable snapshots. */
export const px = (value: number): number => Math.round(value * 10) / 10

export interface Tick {
  readonly at: number
  readonly label: string
}

export function horizontalGrid({ plot, width }: ChartFrame, ticks: readonly Tick[]): void {
  const grid = plot.append('g').attr('class', 'axis-y')
  for (const { at, label } of ticks) {
    grid.append('line').attr('x2', width).attr('y1', px(at)).attr('y2', px(at)).attr('stroke', colours.line)
    tickLabel(grid, label, -8, px(at) + 4, 'end')
  }
}

export function bottomAxis({ plot, width, height }: ChartFrame, ticks: readonly Tick[]): void {
  const axis = plot.append('g').attr('class', 'axis-x')
  for (const { at, label } of ticks) {
    // Labels at the ends lean inwards rather than be cut off.
    const anchor = at < 12 ? 'start' : at > width - 12 ? 'end' : 'middle'
    tickLabel(axis, label, px(at), height + 16, anchor)
  }
}

type Anchor = 'start' | 'middle' | 'end'

function tickLabel(parent: SvgSelection, text: string, x: number, y: number, anchor: Anchor): void {
  parent.append('text').attr('x', x).attr('y', y).attr('text-anchor', anchor).attr('fill', colours.text3).text(text)
}

/** Words beside a mark. They carry a halo of the panel's colour, to stay readable over marks. */
export function note(
  parent: SvgSelection,
  text: string,
  at: {
    readonly x: number
    readonly y: number
    readonly anchor?: Anchor
    readonly fill?: string
    readonly halo?: boolean
  },
): void {
  const node = parent
    .append('text')
    .attr('x', px(at.x))
    .attr('y', px(at.y))
    .attr('text-anchor', at.anchor ?? 'start')
    .attr('fill', at.fill ?? colours.text2)
    .text(text)
  if (at.halo !== false)
    node
      .attr('stroke', colours.panel)
      .attr('stroke-width', 3)
      .attr('stroke-linejoin', 'round')
      .attr('paint-order', 'stroke')
}

/** A chart without data says what will appear. */
export function emptyChart(options: ChartOptions, title: string, promise: string): SVGSVGElement {
  const frame = chartFrame(options, { title, description: promise, margin: { top: 8, right: 8, bottom: 8, left: 8 } })
  frame.plot
    .append('rect')
    .attr('width', frame.width)
    .attr('height', frame.height)
    .attr('rx', 6)
    .attr('fill', 'none')
    .attr('stroke', colours.line)
    .attr('stroke-dasharray', '3 4')
  const lines = wrapWords(promise, Math.floor(frame.width / 6.2))
  lines.forEach((line, index) => {
    const y = frame.height / 2 + 4 + (index - (lines.length - 1) / 2) * 16
    note(frame.plot, line, { x: frame.width / 2, y, anchor: 'middle', fill: colours.text3, halo: false })
  })
  return frame.node
}

export function wrapWords(text: string, maxCharacters: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > maxCharacters) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}

/** Ticks of a virtual-time axis, all in the one unit that fits its span. */
export function timeTicks(fromNs: number, toNs: number, count: number, scale: (ns: number) => number): Tick[] {
  const span = toNs - fromNs
  const unit = toNs < 2e6 ? { ns: 1e3, name: 'µs' } : toNs < 1e9 ? { ns: 1e6, name: 'ms' } : { ns: 1e9, name: 's' }
  const rough = span / unit.ns / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough
  const digits = Math.max(
    0,
    ...[0, 1, 2, 3, 4, 5, 6].filter((count) => !isMultiple(step, 10 ** -count)).map((count) => count + 1),
  )
  const ticks: Tick[] = []
  for (let index = Math.ceil(fromNs / unit.ns / step - 1e-9); index * step <= (toNs / unit.ns) * (1 + 1e-12); index++) {
    const value = index * step
    const text = value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',')
    ticks.push({ at: scale(value * unit.ns), label: `${text} ${unit.name}` })
  }
  return ticks
}

function isMultiple(value: number, unit: number): boolean {
  const ratio = value / unit
  return Math.abs(ratio - Math.round(ratio)) < 1e-6
}

/** Round values between `low` and `high` for a logarithmic axis, at most so many. */
export function logTicks(low: number, high: number, most: number): number[] {
  for (const steps of [[1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
    const ticks: number[] = []
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const step of steps) {
        const value = step * 10 ** power
        if (value >= low && value <= high) ticks.push(value)
      }
    if (ticks.length <= most) return ticks
  }
  return [low, high]
}
