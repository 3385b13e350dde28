/**
 * A fleet as SVG, with d3 and without Vue: a card a host, a chip a guest, and who is on the way between two cards. Built anew when
 * the hosts or the size change; between that, an update touches the cards that differ.
 */
import { group as grouped, select } from 'd3'
import { colours, fonts, px, type SvgSelection } from '../charts/chart-frame.js'
import type { FleetGuestView, FleetHostView, FleetView } from '../engine/fleet-contract.js'
import { guestWords, hostMark, hostWords, formatWatts } from '../words/fleet.js'
import { formatShare } from '../words/quantities.js'
import { chipBoxes, fleetLayout, type ChipStyle } from './fleet-layout.js'
import type { Box, Point, Size } from './layout.js'

export interface FleetStage {
  update(view: FleetView, chosen: string | null, size: Size): void
}

interface Card {
  readonly name: string
  readonly box: Box
  readonly group: SvgSelection
  readonly frame: SvgSelection<SVGRectElement>
  readonly mark: SvgSelection<SVGTextElement>
  /** What the bar of the load lies in. */
  readonly track: SvgSelection
  readonly bar: SvgSelection<SVGRectElement>
  readonly load: SvgSelection<SVGTextElement> | null
  readonly watts: SvgSelection<SVGTextElement> | null
  readonly chips: SvgSelection
  /** Where chips go. */
  readonly room: Box
  /** What is drawn, to know what differs. */
  shown: string
}

/** Cards narrower or lower than this say less. */
const NARROW = 104
const LOW = 74
const PAD = 9
/** Of what is left to go, a chip on its way goes this part each frame. */
const EASE = 0.18
const isEasing = (): boolean => !matchMedia('(prefers-reduced-motion: reduce)').matches

const tones = { idle: colours.text3, warning: colours.control, failed: colours.clear } as const
const guestTones = {
  running: colours.guest,
  moving: colours.guest,
  stopped: colours.control,
  lost: colours.clear,
} as const

export function createFleetStage(root: SVGSVGElement, choose: (host: string) => void): FleetStage {
  const svg = select(root)
  let structure = ''
  let cards: Card[] = []
  let columns = 1
  let ways: SvgSelection | null = null
  /** How far chips are drawn on their way. */
  const drawn = new Map<string, number>()

  function focus(index: number): void {
    cards[Math.max(0, Math.min(cards.length - 1, index))]?.group.node()?.focus()
  }

  function build({ hosts }: FleetView, size: Size): void {
    svg.selectAll('*').remove()
    const layout = fleetLayout(hosts.length, size)
    svg
      .attr('viewBox', `0 0 ${px(size.width / layout.zoom)} ${px(size.height / layout.zoom)}`)
      .attr('font-family', fonts.sans)
      .attr('font-size', 11.5)
    columns = layout.columns
    const layer = svg.append('g')
    cards = hosts.map(({ name }, index) => drawCard(layer, name, layout.boxes[index]!))
    ways = svg.append('g').attr('pointer-events', 'none').attr('aria-hidden', 'true')
    cards.forEach(({ group, name }, index) => {
      group
        .attr('role', 'button')
        .on('click', () => choose(name))
        // Only one card is on the way of the tab key: the arrows go to the others.
        .attr('tabindex', index === 0 ? 0 : -1)
        .on('focus', () => cards.forEach((card, at) => card.group.attr('tabindex', at === index ? 0 : -1)))
        .on('keydown', (event: KeyboardEvent) => {
          const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key]
          if (by !== undefined) focus(index + by)
          else if (event.key === 'Enter' || event.key === ' ') choose(name)
          else return
          event.preventDefault()
          event.stopPropagation()
        })
    })
  }

  return {
    update(view, chosen, size) {
      const next = [size.width, size.height, ...view.hosts.map(({ name }) => name)].join(' ')
      if (next !== structure) {
        structure = next
        build(view, size)
      }
      const guests = grouped(view.guests, ({ host }) => host)
      view.hosts.forEach((host, index) => {
        const card = cards[index]
        if (card !== undefined) updateCard(card, host, guests.get(host.name) ?? [], host.name === chosen)
      })
      if (ways !== null) drawWays(ways, cards, view.guests, drawn)
    },
  }
}

function drawCard(layer: SvgSelection, name: string, box: Box): Card {
  const group = layer
    .append('g')
    .attr('class', 'choosable')
    .attr('transform', `translate(${px(box.x)},${px(box.y)})`)
  const { width, height } = box
  const frame = group
    .append('rect')
    .attr('class', 'box')
    .attr('width', px(width))
    .attr('height', px(height))
    .attr('rx', 7)
  const isNarrow = width < NARROW
  const isLow = height < LOW
  words(group, name, PAD, 18)
    .attr('fill', colours.text)
    .attr('font-weight', 650)
    .attr('font-size', isNarrow ? 11 : 12.5)
  const right = (y: number): SvgSelection<SVGTextElement> => words(group, '', width - PAD, y).attr('text-anchor', 'end')
  // Where there is no room beside the name, what is the matter takes the bar's place.
  const mark = isNarrow ? words(group, '', PAD, 32) : right(18)
  mark.attr('font-weight', 600)
  const track = group.append('g')
  const line = (fill: string): SvgSelection<SVGRectElement> =>
    track.append('rect').attr('x', PAD).attr('y', 25).attr('height', 5).attr('rx', 2.5).attr('fill', fill)
  line(colours.line).attr('width', px(width - 2 * PAD))
  const bar = line(colours.guest)
  const load = isLow ? null : words(group, '', PAD, 44)
  const watts = isLow || width < 80 ? null : right(44)
  const top = isLow ? 36 : 52
  const room = { x: PAD, y: top, width: width - 2 * PAD, height: Math.max(6, height - top - (isLow ? 5 : PAD)) }
  return { name, box, group, frame, mark, track, bar, load, watts, chips: group.append('g'), room, shown: '' }
}

function words(group: SvgSelection, text: string, x: number, y: number): SvgSelection<SVGTextElement> {
  return group.append('text').attr('x', px(x)).attr('y', px(y)).attr('fill', colours.text2).text(text)
}

function updateCard(card: Card, host: FleetHostView, guests: readonly FleetGuestView[], isChosen: boolean): void {
  const { state, busyShare, watts } = host
  const { word, tone } = hostMark(host)
  const [busy, power] = [state === 'on' ? formatShare(busyShare, 1) : '', formatWatts(watts)]
  const chips = guests.map((guest) => `${guest.name}/${guest.state}/${guest.load}/${guest.cameFrom ?? ''}`)
  const shown = [isChosen, word, busy, power, ...chips].join(' ')
  if (shown === card.shown) return
  card.shown = shown
  const { group, frame, mark, bar, box } = card
  const isOn = state === 'on'
  group.attr('aria-label', hostWords(host, guests)).attr('aria-pressed', isChosen)
  frame
    .attr('fill', isOn ? colours.raised : colours.ground)
    .attr('stroke', isChosen ? colours.accent : tone === 'idle' ? colours.lineStrong : tones[tone])
    .attr('stroke-width', isChosen ? 2.5 : tone === 'idle' ? 1 : 1.8)
    .attr('stroke-dasharray', isOn || state === 'failed' ? null : '4 4')
  mark.text(word).attr('fill', tones[tone])
  bar.attr('width', px((box.width - 2 * PAD) * (isOn ? Math.min(1, busyShare) : 0)))
  card.track.attr('visibility', box.width < NARROW && word !== '' ? 'hidden' : null)
  card.load?.text(busy)
  card.watts?.text(power)
  drawChips(card, guests)
}

function drawChips({ chips, room }: Card, guests: readonly FleetGuestView[]): void {
  chips.selectAll('*').remove()
  const { boxes, style } = chipBoxes(
    guests.map(({ name, load }) => ({ name, load: formatShare(load, 1) })),
    room,
  )
  guests.forEach((guest, index) => {
    const box = boxes[index]
    if (box !== undefined) drawChip(chips, guest, box, style)
  })
}

/** Filled: it lives here. Hollow: it is on its way. Crossed out: it is lost. Colour only repeats that. */
function drawChip(layer: SvgSelection, guest: FleetGuestView, box: Box, style: ChipStyle): void {
  const { width, height } = box
  const colour = colourOf(guest)
  const isLost = guest.state === 'lost'
  const chip = layer
    .append('g')
    .attr('class', 'guest')
    .attr('transform', `translate(${px(box.x)},${px(box.y)})`)
  chip.append('title').text(guestWords(guest))
  const frame = chip
    .append('rect')
    .attr('width', px(width))
    .attr('height', px(height))
    .attr('rx', style === 'square' ? 2.5 : 4)
    .attr('fill', style === 'square' && guest.state === 'running' ? colour : colours.panel)
    .attr('stroke', colour)
    .attr('stroke-width', 1.3)
    .attr('stroke-dasharray', guest.destination === null ? null : '3 2.5')
  if (style === 'square') {
    if (isLost) cross(chip, width, colour)
    return
  }
  frame.attr('stroke-opacity', guest.state === 'running' && guest.cameFrom === null ? 0.6 : 1)
  nameTag(chip, guest, height)
    .attr('font-size', 11)
    .attr('fill', isLost ? colour : colours.text)
    .attr('text-decoration', isLost ? 'line-through' : null)
  if (style === 'loaded')
    words(chip, formatShare(guest.load, 1), width - 6, height / 2 + 4)
      .attr('text-anchor', 'end')
      .attr('font-size', 10.5)
      .attr('fill', colours.text3)
}

const colourOf = ({ state, cameFrom }: FleetGuestView): string => (cameFrom === null ? guestTones[state] : colours.done)

/** A small square, filled while the guest runs, and its name. */
function nameTag(chip: SvgSelection, guest: FleetGuestView, height: number): SvgSelection<SVGTextElement> {
  chip
    .append('rect')
    .attr('x', 6)
    .attr('y', height / 2 - 4)
    .attr('width', 8)
    .attr('height', 8)
    .attr('rx', 1.5)
    .attr('fill', guest.state === 'running' || guest.state === 'moving' ? colourOf(guest) : 'none')
    .attr('stroke', colourOf(guest))
  return words(chip, guest.name, 19, height / 2 + 4)
}

function cross(chip: SvgSelection, side: number, colour: string): void {
  const end = side - 3
  chip.append('path').attr('d', `M3,3L${end},${end}M${end},3L3,${end}`).attr('stroke', colour).attr('stroke-width', 1.5)
}

/** Lines of those who are on their way, with their chips upon them, and of those who have just come. */
function drawWays(
  layer: SvgSelection,
  cards: readonly Card[],
  guests: readonly FleetGuestView[],
  drawn: Map<string, number>,
): void {
  layer.selectAll('*').remove()
  const card = (name: string): Card | undefined => cards.find((one) => one.name === name)
  for (const guest of guests) {
    const [from, to] =
      guest.destination !== null
        ? [card(guest.host), card(guest.destination)]
        : guest.cameFrom !== null
          ? [card(guest.cameFrom), card(guest.host)]
          : []
    if (from === undefined || to === undefined) {
      drawn.delete(guest.name)
      continue
    }
    const [start, end] = [middle(from), middle(to)]
    const isUnderWay = guest.destination !== null
    const colour = colourOf(guest)
    layer
      .append('line')
      .attr('class', 'way')
      .attr('x1', px(start.x))
      .attr('y1', px(start.y))
      .attr('x2', px(end.x))
      .attr('y2', px(end.y))
      .attr('stroke', colour)
      .attr('stroke-width', 2)
      .attr('stroke-opacity', 0.7)
      .attr('stroke-dasharray', isUnderWay ? '5 4' : null)
    if (!isUnderWay) {
      layer.append('circle').attr('cx', px(end.x)).attr('cy', px(end.y)).attr('r', 4).attr('fill', colour)
      drawn.delete(guest.name)
      continue
    }
    const before = drawn.get(guest.name) ?? 0
    const way = isEasing() ? before + (guest.progress - before) * EASE : guest.progress
    drawn.set(guest.name, way)
    drawTraveller(layer, guest, { x: start.x + (end.x - start.x) * way, y: start.y + (end.y - start.y) * way })
  }
}

function drawTraveller(layer: SvgSelection, guest: FleetGuestView, { x, y }: Point): void {
  const [width, height] = [guest.name.length * 7.2 + 28, 24]
  const chip = layer.append('g').attr('transform', `translate(${px(x - width / 2)},${px(y - height / 2)})`)
  chip
    .append('rect')
    .attr('width', px(width))
    .attr('height', height)
    .attr('rx', 5)
    .attr('fill', colours.panel)
    .attr('stroke', colourOf(guest))
    .attr('stroke-width', 2)
  nameTag(chip, guest, height).attr('fill', colours.text).attr('font-weight', 600)
}

/** Of where a card's chips are. */
const middle = ({ box, room }: Card): Point => ({
  x: box.x + room.x + room.width / 2,
  y: box.y + room.y + room.height / 2,
})
