/**
 * A fleet as SVG, with d3 and without Vue: a card a host, a chip a guest, and who is on the way between two cards. Built anew when
 * the hosts or the size change; between that, an update touches the cards that differ.
 */
import { group as grouped, select } from 'd3'
import { colours, fonts, px, type SvgSelection } from '../charts/chart-frame.js'
import type { FleetGuestView, FleetHostView, FleetView } from '../engine/fleet-contract.js'
import { hostMark, hostWords, formatWatts } from '../words/fleet.js'
import { formatShare } from '../words/quantities.js'
import { colourOf, drawChip, drawTraveller, words } from './fleet-chips.js'
import { chipBoxes, fleetLayout } from './fleet-layout.js'
import type { Box, Point, Size } from './layout.js'

export interface FleetStageOptions {
  readonly choose: (host: string) => void
  /** False where people want no motion. */
  readonly mayMove: () => boolean
}

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
  /** The middles of its chips, by guest. */
  readonly places: Map<string, Point>
  /** What is drawn, to know what differs. */
  shown: string
}

/** Cards narrower or lower than this say less. */
const NARROW = 104
const LOW = 74
const PAD = 9
/** Of what is left to go, a chip on its way goes this part each frame. */
const EASE = 0.18

const tones = { idle: colours.text3, warning: colours.control, failed: colours.clear } as const

export function createFleetStage(root: SVGSVGElement, { choose, mayMove }: FleetStageOptions): FleetStage {
  const svg = select(root)
  let structure = ''
  let cards: Card[] = []
  let columns = 1
  let layer: SvgSelection | null = null
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
    const below = svg.append('g')
    cards = hosts.map(({ name }, index) => drawCard(below, name, layout.boxes[index]!))
    layer = svg.append('g').attr('pointer-events', 'none').attr('aria-hidden', 'true')
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
      if (layer !== null) drawWays({ layer, cards, drawn, isEasing: mayMove() }, view.guests)
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
  const track = group.append('g')
  const line = (fill: string): SvgSelection<SVGRectElement> =>
    track.append('rect').attr('x', PAD).attr('y', 25).attr('height', 5).attr('rx', 2.5).attr('fill', fill)
  line(colours.line).attr('width', px(width - 2 * PAD))
  const bar = line(colours.guest)
  const load = isLow ? null : words(group, '', PAD, 44)
  const watts = isLow || width < 80 ? null : right(44)
  const top = isLow ? 36 : 52
  const room = { x: PAD, y: top, width: width - 2 * PAD, height: Math.max(6, height - top - (isLow ? 5 : PAD)) }
  return {
    name,
    box,
    group,
    frame,
    mark,
    track,
    bar,
    load,
    watts,
    chips: group.append('g'),
    room,
    places: new Map(),
    shown: '',
  }
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
  // A low card has no line for its power: it stands where nothing is the matter.
  mark.text(word !== '' || card.watts !== null || box.width < NARROW ? word : power)
  mark.attr('fill', word === '' ? colours.text2 : tones[tone]).attr('font-weight', word === '' ? null : 600)
  bar.attr('width', px((box.width - 2 * PAD) * (isOn ? Math.min(1, busyShare) : 0)))
  card.track.attr('visibility', box.width < NARROW && word !== '' ? 'hidden' : null)
  card.load?.text(busy)
  card.watts?.text(power)
  drawChips(card, guests)
}

function drawChips({ chips, box: card, room, places }: Card, guests: readonly FleetGuestView[]): void {
  chips.selectAll('*').remove()
  places.clear()
  const { boxes, style } = chipBoxes(
    guests.map(({ name, load }) => ({ name, load: formatShare(load, 1) })),
    room,
  )
  guests.forEach((guest, index) => {
    const box = boxes[index]
    if (box === undefined) return
    drawChip(chips, guest, box, style)
    places.set(guest.name, { x: card.x + box.x + box.width / 2, y: card.y + box.y + box.height / 2 })
  })
}

interface Ways {
  readonly layer: SvgSelection
  readonly cards: readonly Card[]
  readonly drawn: Map<string, number>
  readonly isEasing: boolean
}

/** Lines of those who are on their way, with their chips upon them, and of those who have just come. */
function drawWays({ layer, cards, drawn, isEasing }: Ways, guests: readonly FleetGuestView[]): void {
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
    const [start, end] = [placeOf(from, guest), placeOf(to, guest)]
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
      drawn.delete(guest.name)
      continue
    }
    const before = drawn.get(guest.name) ?? 0
    const way = isEasing ? before + (guest.progress - before) * EASE : guest.progress
    drawn.set(guest.name, way)
    drawTraveller(layer, guest, { x: start.x + (end.x - start.x) * way, y: start.y + (end.y - start.y) * way })
  }
}

/** Of the guest's chip if the card has it, else of where chips go. */
const placeOf = ({ box, room, places }: Card, { name }: FleetGuestView): Point =>
  places.get(name) ?? { x: box.x + room.x + room.width / 2, y: box.y + room.y + room.height / 2 }
