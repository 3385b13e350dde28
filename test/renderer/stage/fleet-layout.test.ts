import { describe, expect, test } from 'vitest'
import { chipBoxes, fleetLayout } from '../../../renderer/stage/fleet-layout.js'

const overlap = (a: number, aSize: number, b: number, bSize: number): boolean => a + aSize > b && b + bSize > a

describe.each([
  [2, 752, 560],
  [5, 752, 560],
  [6, 1240, 640],
  [17, 540, 320],
  [40, 752, 540],
  [40, 540, 320],
  [40, 1240, 640],
])('fleetLayout of %i hosts on %i x %i', (count, width, height) => {
  const { boxes, columns, zoom } = fleetLayout(count, { width, height })

  test('nothing leaves the stage, nothing covers another', () => {
    expect(boxes).toHaveLength(count)
    boxes.forEach((box, index) => {
      expect(box.x).toBeGreaterThanOrEqual(0)
      expect(box.y).toBeGreaterThanOrEqual(0)
      expect((box.x + box.width) * zoom).toBeLessThanOrEqual(width)
      expect((box.y + box.height) * zoom).toBeLessThanOrEqual(height)
      for (const other of boxes.slice(index + 1))
        expect(
          overlap(box.x, box.width, other.x, other.width) && overlap(box.y, box.height, other.y, other.height),
        ).toBe(false)
    })
  })

  test('cards are wider than high, and in rows', () => {
    for (const box of boxes) expect(box.width).toBeGreaterThan(box.height)
    expect(boxes.filter(({ y }) => y === boxes[0]?.y)).toHaveLength(Math.min(columns, count))
  })
})

describe('chipBoxes', () => {
  const chips = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `night-${index}`, load: '4 %' }))

  test('say as much as there is room for', () => {
    const room = { x: 9, y: 52, width: 140, height: 66 }
    expect(chipBoxes(chips(2), room).style).toBe('loaded')
    expect(chipBoxes(chips(3), { ...room, width: 86 }).style).toBe('named')
    expect(chipBoxes(chips(12), room).style).toBe('square')
  })

  test.each([1, 7, 16, 60])('%i chips stay in their room', (count) => {
    const room = { x: 9, y: 36, width: 60, height: 20 }
    const { boxes } = chipBoxes(chips(count), room)
    expect(boxes).toHaveLength(count)
    for (const { x, y, width, height } of boxes) {
      expect(x + width).toBeLessThanOrEqual(room.x + room.width)
      expect(y + height).toBeLessThanOrEqual(room.y + room.height)
    }
  })

  test('are left out where there is no room at all', () => {
    expect(chipBoxes(chips(3), { x: 0, y: 0, width: 4, height: 3 }).boxes).toEqual([])
  })
})
