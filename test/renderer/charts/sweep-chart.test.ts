import { expect, test } from 'vitest'
import { channelNames } from '../../../core/secure/channels.js'
import { sweepChart, type SweepPoint } from '../../../renderer/charts/sweep-chart.js'
import { svgDocument } from '../../support/svg-document.js'

const options = { width: 400, height: 300, document: svgDocument() }
const point = (change: Partial<SweepPoint>): SweepPoint => ({
  ...{ channel: 'none', strategy: 'precopy', setting: 'busy', downtimeMs: 10, leakage: 1, structure: null },
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

test('marks that would cover each other stand apart, outside the scale, and a stem leads back', () => {
  const near = [10, 10, 10.1, 400].map((downtimeMs) => point({ channel: 'nacl', leakage: 0, downtimeMs }))
  const svg = sweepChart('Grid', [...near, point({})], options)
  const [first, second, third, away] = marksOf(svg).map(placeOf)
  expect([second![1]! - first![1]!, third![1]! - second![1]!]).toEqual([9, 9])
  expect(away![1]).toBe(first![1])
  const stems = [...svg.querySelectorAll('line')].filter((line) => line.getAttribute('y2') === String(third![1]))
  expect(stems.map((line) => Number(line.getAttribute('y1')))).toContain(first![1])
})

test('what equal cipher blocks tell is a hollow mark above what could be read, and said so', () => {
  const svg = sweepChart('Grid', [point({ channel: 'aes-128-ecb', leakage: 0, structure: 0.9 }), point({})], options)
  const hollow = svg.querySelector('.structure')!
  const [left, top] = placeOf(hollow)
  const [under] = marksOf(svg).map(placeOf)
  expect(left).toBe(under![0])
  expect(top!).toBeLessThan(under![1]!)
  expect(hollow.getAttribute('fill')).toBe('none')
  expect(svg.textContent).toContain('hollow: which pages are alike')
  expect(hollow.textContent).toContain('90 % agreement on which pages are alike')
  expect(svg.querySelectorAll('.structure')).toHaveLength(1)
})

test('every channel has a colour of its own', () => {
  const svg = sweepChart(
    'Grid',
    channelNames.map((channel) => point({ channel })),
    options,
  )
  expect(new Set(marksOf(svg).map((mark) => mark.getAttribute('fill'))).size).toBe(channelNames.length)
})

test('nothing that came to a switch-over is said so', () => {
  const svg = sweepChart('Grid', [point({ downtimeMs: 0 })], options)
  expect(marksOf(svg)).toHaveLength(0)
  expect(svg.textContent).toContain('No migration of this sweep')
})
