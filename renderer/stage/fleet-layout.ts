/** Where the hosts of a fleet stand: a grid of cards, as large as the stage lets them be. */
import type { Box, Size } from './layout.js'

const GAP = 8
/** Of a card before it is enlarged, and by how much it is at most, where there is room for more. */
const WIDTH_MAX = 320
const HEIGHT_MAX = 150
const ZOOM_MAX = 1.6
/** Width to height of a card that looks right. */
const SHAPE = 1.5

export interface FleetLayout {
  /** In the order of the hosts, row by row; in px before they are enlarged. */
  readonly boxes: readonly Box[]
  readonly columns: number
  readonly zoom: number
}

export function fleetLayout(count: number, size: Size): FleetLayout {
  const sizes = Array.from({ length: count }, (_, index) => cardSize(index + 1, count, size))
  const scores = sizes.map(({ width, height }) => Math.min(width / SHAPE, height))
  const best = scores.indexOf(Math.max(...scores))
  const { width = 1, height = 1 } = sizes[best] ?? {}
  const zoom = Math.max(1, Math.min(ZOOM_MAX, width / WIDTH_MAX, height / HEIGHT_MAX))
  const card = { width: Math.min(WIDTH_MAX, width / zoom), height: Math.min(HEIGHT_MAX, height / zoom) }
  const [columns, rows] = [best + 1, Math.ceil(count / (best + 1))]
  const left = (size.width / zoom - columns * (card.width + GAP) + GAP) / 2
  const top = (size.height / zoom - rows * (card.height + GAP) + GAP) / 2
  const boxes = Array.from({ length: count }, (_, index): Box => {
    const [row, column] = [Math.floor(index / columns), index % columns]
    return { x: left + column * (card.width + GAP), y: top + row * (card.height + GAP), ...card }
  })
  return { boxes, columns, zoom }
}

/** What so many columns leave for a card. */
function cardSize(columns: number, count: number, { width, height }: Size): Size {
  const rows = Math.ceil(count / columns)
  return {
    width: Math.max(1, (width - (columns + 1) * GAP) / columns),
    height: Math.max(1, (height - (rows + 1) * GAP) / rows),
  }
}

const CHIP_GAP = 4
const SQUARE_MAX = 15
/** About the width of a character on a chip, what is around a name, and what is between it and a load. */
const CHARACTER_PX = 6.3
const AROUND_PX = 25
const BETWEEN_PX = 7

/** How much a chip says: its name and load, its name, or nothing. */
export type ChipStyle = 'loaded' | 'named' | 'square'

/** Chips with such names and loads in the lower part of a card, which say as much as there is room for. */
export function chipBoxes(
  chips: readonly { readonly name: string; readonly load: string }[],
  room: Box,
): { readonly boxes: readonly Box[]; readonly style: ChipStyle } {
  const longest = (texts: readonly string[]): number =>
    CHARACTER_PX * texts.reduce((most, { length }) => Math.max(most, length), 0)
  const nameWidth = AROUND_PX + longest(chips.map(({ name }) => name))
  const loadedWidth = nameWidth + BETWEEN_PX + longest(chips.map(({ load }) => load))
  const loaded = inRows(chips.length, { width: loadedWidth, height: 22 }, room)
  if (loaded !== null) return { boxes: loaded, style: 'loaded' }
  const named = inRows(chips.length, { width: nameWidth, height: 19 }, room)
  if (named !== null) return { boxes: named, style: 'named' }
  for (let side = SQUARE_MAX; ; side--) {
    const squares = inRows(chips.length, { width: side, height: side }, room)
    if (squares !== null || side <= 3) return { boxes: squares ?? [], style: 'square' }
  }
}

/** Null when they do not fit. */
function inRows(count: number, { width, height }: Size, room: Box): Box[] | null {
  const gap = Math.min(CHIP_GAP, width / 3)
  const columns = Math.floor((room.width + gap) / (width + gap))
  const rows = Math.floor((room.height + gap) / (height + gap))
  if (columns * rows < count) return null
  return Array.from({ length: count }, (_, index) => ({
    x: room.x + (index % columns) * (width + gap),
    y: room.y + Math.floor(index / columns) * (height + gap),
    width,
    height,
  }))
}
