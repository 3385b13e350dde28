/** Where the devices of a network stand when nobody said: forces push them apart, cables hold them together. */
import { forceCenter, forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3'
import type { NetworkAnswer } from '../engine/contract.js'
import type { Point, Size } from './layout.js'

const EDGE = 46
const STEPS = 400

/** The same network gives the same places: the forces begin on a spiral and use no chance of their own. */
export function networkLayout({ devices, links }: NetworkAnswer, { width, height }: Size): ReadonlyMap<string, Point> {
  const nodes = devices.map(({ name }) => ({ name, x: 0, y: 0 }))
  // Before the first step d3 puts nodes without a place on a spiral.
  const placed = nodes.map(({ name }) => ({ name })) as typeof nodes
  forceSimulation(placed)
    .force(
      'cables',
      forceLink(links.map(({ from, to }) => ({ source: from, target: to })))
        .id((node) => (node as { name: string }).name)
        .distance(90),
    )
    .force('apart', forceManyBody().strength(-420))
    .force('room', forceCollide(46))
    .force('centre', forceCenter(0, 0))
    .force('wide', forceX(0).strength(0.03))
    .force('flat', forceY(0).strength(0.03 * (width / Math.max(1, height))))
    .stop()
    .tick(STEPS)
  const xs = placed.map(({ x }) => x)
  const ys = placed.map(({ y }) => y)
  const spread = (value: number, values: readonly number[], room: number): number => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return high === low ? room / 2 : EDGE + ((value - low) / (high - low)) * (room - 2 * EDGE)
  }
  return new Map(placed.map(({ name, x, y }) => [name, { x: spread(x, xs, width), y: spread(y, ys, height) }]))
}
