import { expect, test } from 'vitest'
import { sweepChart, type SweepPoint } from '../../../renderer/charts/sweep-chart.js'
import { svgDocument } from '../../support/svg-document.js'

const options = { width: 400, height: 300, document: svgDocument() }
const point = (change: Partial<SweepPoint>): SweepPoint => ({
  ...{ channel: 'none', strategy: 'precopy', setting: 'busy', downtimeMs: 10, leakage: 1 },
  ...change,
})
const points = [
  point({}),
  point({ channel: 'nacl', leakage: 0, downtimeMs: 100 }),
  point({ strategy: 'stop-and-copy', leakage: 0.5 }),
]
const marksOf = (svg: SVGSVGElement) => [...svg.querySelectorAll('.migration')]
const placeOf = (mark: Element) =>
  /translate\(([\d.]+),([\d.]+)\)/.exec(mark.getAttribute('transform')!)!.slice(1).map(Number)

test('a sweep: farther right is a longer stop, higher is more memory let out', () => {
  const [clear, sealed, half] = marksOf(sweepChart('Grid', points, options)).map(placeOf)
  expect(sealed![0]).toBeGreaterThan(clear![0]!)
  expect(half![0]).toBe(clear![0])
  expect(clear![1]).toBe(0)
  expect(half![1]! * 2).toBeCloseTo(sealed![1]!, 0)
})

test('a channel has its colour, a strategy its shape, and the legend both', () => {
  const svg = sweepChart('Grid', points, options)
  const [clear, sealed, half] = marksOf(svg)
  expect(sealed!.getAttribute('fill')).not.toBe(clear!.getAttribute('fill'))
  expect(sealed!.getAttribute('d')).toBe(clear!.getAttribute('d'))
  expect(half!.getAttribute('d')).not.toBe(clear!.getAttribute('d'))
  const words = [...svg.querySelectorAll('text')].map(({ textContent }) => textContent)
  for (const word of ['Clear text', 'NaCl', 'Pre-copy', 'Stop-and-copy']) expect(words).toContain(word)
  expect(half!.querySelector('title')!.textContent).toBe(
    'Clear text, Stop-and-copy, busy: downtime 10 ms, 50 % of RAM recovered',
  )
})

test('nothing that came to a switch-over is said so', () => {
  const svg = sweepChart('Grid', [point({ downtimeMs: 0 })], options)
  expect(marksOf(svg)).toHaveLength(0)
  expect(svg.textContent).toContain('No migration of this sweep')
})
