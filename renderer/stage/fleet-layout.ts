/** Where the hosts of a fleet stand: a grid of cards, as large as the stage lets them be. */
import type { Box, Size } from './layout.js'

const GAP = 8
const WIDTH_MAX = 236
const HEIGHT_MAX = 176
/** Width to height of a card that looks right. */
const SHAPE = 1.35

/** Boxes in the order of the hosts, row by row, and how many are in a row. */
export function fleetLayout(count: number, { width, height }: Size): { boxes: readonly Box[]; columns: number } {
  let best = { columns: 1, score: -1 }
  for (let columns = 1; columns <= count; columns++) {
    const { width: w, height: h } = cardSize(columns, Math.ceil(count / columns), width, height)
    const score = Math.min(w / SHAPE, h)
    if (score > best.score) best = { columns, score }
  }
  const { columns } = best
  const rows = Math.ceil(count / columns)
  const card = cardSize(columns, rows, width, height)
  const left = (width - columns * card.width - (columns - 1) * GAP) / 2
  const top = (height - rows * card.height - (rows - 1) * GAP) / 2
  const boxes = Array.from({ length: count }, (_, index): Box => {
    const [row, column] = [Math.floor(index / columns), index % columns]
    return { x: left + column * (card.width + GAP), y: top + row * (card.height + GAP), ...card }
  })
  return { boxes, columns }
}

function cardSize(columns: number, rows: number, width: number, height: number): Size {
  return {
    width: Math.max(1, Math.min(WIDTH_MAX, (width - (columns + 1) * GAP) / columns)),
    height: Math.max(1, Math.min(HEIGHT_MAX, (height - (rows + 1) * GAP) / rows)),
  }
}

const CHIP_GAP = 4
const NAMED: Size = { width: 68, height: 19 }
const SQUARE_MAX = 15
/** About the width of a character of a chip's name, and what is around it. */
const CHARACTER_PX = 6.1
const AROUND_PX = 22

/** Chips of so many guests in the lower part of a card: with names where they fit, else squares that do. */
export function chipBoxes(
  names: readonly string[],
  room: Box,
): { readonly boxes: readonly Box[]; readonly isNamed: boolean } {
  const longest = names.reduce((most, { length }) => Math.max(most, length), 0)
  const width = Math.max(NAMED.width, longest * CHARACTER_PX + AROUND_PX)
  const named = inRows(names.length, { width, height: NAMED.height }, room)
  if (named !== null) return { boxes: named, isNamed: true }
  for (let side = SQUARE_MAX; ; side--) {
    const squares = inRows(names.length, { width: side, height: side }, room)
    if (squares !== null || side <= 3) return { boxes: squares ?? [], isNamed: false }
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
