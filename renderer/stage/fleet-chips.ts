/** The chips of a fleet's guests. */
import { colours, px, type SvgSelection } from '../charts/chart-frame.js'
import type { FleetGuestView } from '../engine/fleet-contract.js'
import { guestWords } from '../words/fleet.js'
import { formatShare } from '../words/quantities.js'
import type { ChipStyle } from './fleet-layout.js'
import type { Box, Point } from './layout.js'

const guestTones = {
  running: colours.guest,
  moving: colours.guest,
  stopped: colours.control,
  lost: colours.clear,
} as const

/** Filled: it lives here. Hollow: it is on its way. Crossed out: it is lost. Colour only repeats that. */
export function drawChip(layer: SvgSelection, guest: FleetGuestView, box: Box, style: ChipStyle): void {
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

export const colourOf = ({ state, cameFrom }: FleetGuestView): string =>
  cameFrom === null ? guestTones[state] : colours.done

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

/** Of a guest on its way. */
export function drawTraveller(layer: SvgSelection, guest: FleetGuestView, { x, y }: Point): void {
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

export function words(group: SvgSelection, text: string, x: number, y: number): SvgSelection<SVGTextElement> {
  return group.append('text').attr('x', px(x)).attr('y', px(y)).attr('fill', colours.text2).text(text)
}
