import { describe, expect, test } from 'vitest'
import type { HostView, LinkView, MigrationView } from '../../../renderer/engine/contract.js'
import { cablesOf, chipBox, stageLayout } from '../../../renderer/stage/layout.js'
import { cableTraffic, cableWidth, framePace, framePlaces, linkRateBps } from '../../../renderer/stage/traffic.js'

const host = (name: string, role: HostView['role']): HostView => ({
  name,
  title: name,
  role,
  address: '',
  cores: 1,
  vm: null,
})
const hosts = [host('a', 'hypervisor'), host('b', 'hypervisor'), host('client', 'client'), host('mallory', 'attacker')]
const link = (from: string, migrationOctets: number, content: 'clear' | 'sealed' = 'clear'): LinkView => ({
  name: from,
  from,
  to: 's1',
  bandwidthBps: 1e9,
  migrationOctets,
  probeOctets: 0,
  otherOctets: 0,
  content,
  isCut: false,
  isImpaired: false,
})
const migration: MigrationView = {
  migration: 1,
  status: 'active',
  cause: '',
  source: 'a',
  destination: 'b',
  channel: 'none',
  wentClear: false,
  strategy: 'precopy',
  round: 1,
  roundProgress: 0,
  throttlePercent: 0,
  remainingPages: 0,
}
const FULL = 250_000 // octets in 2 ms at 1 Gbit/s

describe('cableTraffic', () => {
  test('load, colour and direction', () => {
    const source = cableTraffic(hosts[0]!, [link('a', FULL / 2)], migration, 150)
    expect(source).toMatchObject({ load: 0.5, content: 'clear', hasMigration: true, towardsSwitch: true })
    const destination = cableTraffic(hosts[1]!, [link('b', FULL, 'sealed')], migration, 150)
    expect(destination).toMatchObject({ load: 1, content: 'sealed', towardsSwitch: false })
    expect(destination.migrationFrames).toBeGreaterThan(source.migrationFrames)
  })

  test('an idle cable is thin and empty; a short one has room for few frames', () => {
    const idle = cableTraffic(hosts[0]!, [link('a', 0)], null, 150)
    expect(idle).toMatchObject({ load: 0, migrationFrames: 0, hasMigration: false })
    expect(cableWidth(idle)).toBeLessThan(cableWidth({ load: 0.1, hasMigration: true }))
    expect(cableTraffic(hosts[0]!, [link('a', FULL)], migration, 50).migrationFrames).toBe(2)
  })

  test('the rate of a link from its 2 ms', () => {
    expect(linkRateBps(link('a', FULL))).toBe(1e9)
  })
})

test('frames keep their distance and stay on the way', () => {
  for (const phase of [0, 0.3, 7.9, -0.2]) {
    const places = framePlaces(4, phase)
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...places)).toBeLessThan(1)
    const sorted = places.toSorted((a, b) => a - b)
    expect(sorted[1]! - sorted[0]!).toBeCloseTo(0.25)
  }
})

test('frames stand still while paused and move faster at higher speeds', () => {
  expect(framePace({ playing: false, speed: 1 })).toBe(0)
  const paces = [0.01, 0.1, 1, 10, Infinity].map((speed) => framePace({ playing: true, speed }))
  expect(paces).toEqual([...paces].sort((a, b) => a - b))
  expect(paces[0]).toBeGreaterThan(0)
})

describe.each([
  { width: 640, height: 360 },
  { width: 600, height: 300 },
  { width: 1060, height: 520 },
])('stageLayout at $width x $height', (size) => {
  const layout = stageLayout(hosts, size)
  const boxes = [...layout.hosts.values(), layout.switch]

  test('nothing leaves the stage, nothing covers another', () => {
    for (const box of boxes) {
      expect(box.x).toBeGreaterThanOrEqual(0)
      expect(box.x + box.width).toBeLessThanOrEqual(size.width)
      expect(box.y).toBeGreaterThanOrEqual(0)
      expect(box.y + box.height).toBeLessThanOrEqual(size.height)
    }
    boxes.forEach((one, index) => {
      for (const other of boxes.slice(index + 1)) {
        const apart =
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y
        expect(apart).toBe(true)
      }
    })
  })

  test('cables run straight from host to switch', () => {
    for (const { from, to } of cablesOf(layout, hosts, [])) {
      expect(Math.min(Math.abs(from.x - to.x), Math.abs(from.y - to.y))).toBeLessThan(0.01)
      expect(Math.hypot(from.x - to.x, from.y - to.y)).toBeGreaterThan(10)
    }
  })

  test('the chip fits into its host', () => {
    const box = layout.hosts.get('a')!
    const chip = chipBox(box)
    expect(chip.x + chip.width).toBeLessThan(box.width)
    expect(chip.y + chip.height).toBeLessThan(box.height)
  })
})
