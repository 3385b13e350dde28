/** Where things stand on the stage, for a given size of it. */
import type { HostView, LinkView } from '../engine/contract.js'

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Box extends Size {
  readonly x: number
  readonly y: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** A cable from a host's edge to the switch's: what both directions of a link share. */
export interface Cable {
  readonly host: string
  readonly from: Point
  readonly to: Point
  readonly links: readonly LinkView[]
}

export interface StageLayout {
  readonly hosts: ReadonlyMap<string, Box>
  readonly switch: Box
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)
const centred = (x: number, y: number, width: number, height: number): Box => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
})

/** Room kept free above for the status line, and at the other edges. */
const TOP = 40
const EDGE = 20
/** Below this height everything moves closer, and the legend takes a line below. */
const SHORT = 350
const LEGEND = 12

export function isShort({ height }: Size): boolean {
  return height < SHORT
}

/** Hypervisors left and right in order, the client above the switch, the attacker below it, at its mirror port. */
export function stageLayout(hosts: readonly HostView[], size: Size): StageLayout {
  const { width, height } = size
  const short = isShort(size)
  const centreX = width / 2
  const clientHeight = short ? 40 : 44
  const client: Box = { x: centreX - 64, y: TOP, width: 128, height: clientHeight }
  const attackerWidth = clamp(width * 0.32, 206, 260)
  const attackerHeight = short ? 70 : 76
  const attackerY = height - EDGE - (short ? LEGEND : 0) - attackerHeight
  const attacker: Box = { x: centreX - attackerWidth / 2, y: attackerY, width: attackerWidth, height: attackerHeight }
  // Half-way between client and attacker, so that both of their cables are equally long.
  const middleY = (TOP + clientHeight + attackerY) / 2
  const hostWidth = clamp(width * 0.29, 176, 300)
  const hostHeight = clamp((height - TOP - EDGE) * 0.56, 132, Math.min(232, 2 * (middleY - TOP + 8)))
  const side = Math.min((width - 2 * EDGE) / 2 - hostWidth / 2, 400)
  const sides = [-1, 1].map((direction) => centred(centreX + direction * side, middleY, hostWidth, hostHeight))
  const placed = new Map<string, Box>()
  for (const host of hosts) {
    if (host.role === 'client') placed.set(host.name, client)
    else if (host.role === 'attacker') placed.set(host.name, attacker)
    else placed.set(host.name, sides.shift() ?? centred(centreX + side, middleY, hostWidth, hostHeight))
  }
  return { hosts: placed, switch: centred(centreX, middleY, 52, 48) }
}

export function cablesOf(layout: StageLayout, hosts: readonly HostView[], links: readonly LinkView[]): Cable[] {
  return hosts.flatMap(({ name }) => {
    const box = layout.hosts.get(name)
    if (box === undefined) return []
    const own = links.filter((link) => link.from === name || link.to === name)
    return [{ host: name, from: edgeTowards(box, layout.switch), to: edgeTowards(layout.switch, box), links: own }]
  })
}

/** The middle of that edge of `box` which faces `other`. Everything is centred on the switch, so cables run straight. */
function edgeTowards(box: Box, other: Box): Point {
  const x = box.x + box.width / 2
  const y = box.y + box.height / 2
  const aside = other.x + other.width / 2 - x
  if (Math.abs(aside) > 1) return { x: aside > 0 ? box.x + box.width : box.x, y }
  return { x, y: other.y > box.y ? box.y + box.height : box.y }
}

export const CHIP_COLUMNS = 16
export const CHIP_ROWS = 6

/** The VM chip inside a host's box, relative to it. */
export function chipBox(host: Size): Box {
  return { x: 12, y: 50, width: host.width - 24, height: host.height - 62 }
}
