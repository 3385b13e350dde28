import { describe, expect, test } from 'vitest'
import { fleetChart, fleetChartHeight } from '../../../renderer/charts/fleet-chart.js'
import { powerChart } from '../../../renderer/charts/power-chart.js'
import type { FleetSample } from '../../../renderer/engine/fleet-contract.js'
import { moveView } from '../../support/fleet-view.js'
import { svgDocument } from '../../support/svg-document.js'

const options = { width: 480, height: 180, document: svgDocument() }
const words = (svg: SVGSVGElement) => [...svg.querySelectorAll('text')].map((node) => node.textContent)
const description = (svg: SVGSVGElement) => svg.querySelector('desc')!.textContent

/** Two hosts, of which the second goes off after two seconds. */
const samples = [1, 2, 3, 4].map((second): FleetSample => ({
  atNs: second * 1e9,
  watts: second < 3 ? 350 : 175,
  joules: 350 * Math.min(2, second) + 175 * Math.max(0, second - 2),
  hosts: [
    { state: 'on', busyShare: second / 4 },
    { state: second < 3 ? 'on' : 'off', busyShare: 0 },
  ],
}))
const hosts = ['host-01', 'host-02']

describe('powerChart', () => {
  test('a step a second, told in words', () => {
    const svg = powerChart({ samples, toNs: 8e9 }, options)
    expect(description(svg)).toBe('175 W at the end, between 175 W and 350 W; 0.29 Wh so far.')
    const path = svg.querySelector('.power')!.getAttribute('d')!
    const corners = [...path.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const)
    const slanted = corners.filter(([x, y], at) => at > 0 && corners[at - 1]![0] !== x && corners[at - 1]![1] !== y)
    expect(slanted).toEqual([])
    const heights = [...new Set(corners.map(([, y]) => y))]
    expect(heights).toHaveLength(2)
    expect(heights[1]).toBeGreaterThan(heights[0]!) // half the power, lower down
    expect(words(svg)).toEqual(expect.arrayContaining(['0', '200 W', '0 s', '8 s']))
  })

  test('says what will appear', () => {
    expect(words(powerChart({ samples: [], toNs: 1e9 }, options)).join(' ')).toContain('will appear here')
  })
})

describe('fleetChart', () => {
  const data = { hosts, samples, moves: [moveView('b', { source: 'host-02', destination: 'host-01' })], toNs: 8e9 }

  test('a cell for each second in which a host is not off, and an arrow for each move with its reason', () => {
    const svg = fleetChart(data, options)
    const cells = [...svg.querySelectorAll('.cells path')].flatMap((path) => path.getAttribute('d')!.match(/M/g)!)
    expect(cells).toHaveLength(6)
    expect(svg.querySelectorAll('.moves g')).toHaveLength(1)
    expect(svg.querySelector('.moves title')!.textContent).toBe('b from host-02 to host-01: host-01 is warning; moved')
    expect(words(svg)).toEqual(expect.arrayContaining(['host-01', 'host-02', 'host-01 is warning']))
    expect(description(svg)).toBe('host-01 100 % busy, 0 left, 1 came; host-02 off, 1 left, 0 came')
  })

  test('busier is darker, failed is another colour, and a move that came to nothing is dashed', () => {
    const opacities = [...fleetChart(data, options).querySelectorAll('.cells path')].map((path) =>
      Number(path.getAttribute('fill-opacity')),
    )
    expect(new Set(opacities).size).toBeGreaterThan(2)
    const failed = fleetChart(
      {
        ...data,
        samples: [{ ...samples[0]!, hosts: [{ state: 'failed', busyShare: 0 }] }],
        moves: [moveView('a', { outcome: 'failed' })],
      },
      options,
    )
    expect(failed.querySelector('.cells path')!.getAttribute('fill')).toContain('--clear')
    expect(failed.querySelector('.moves line')!.getAttribute('stroke-dasharray')).not.toBeNull()
  })

  test('a reason that is about the same is written once, and a row name where there is room', () => {
    const moves = [1, 2, 3].map((second) =>
      moveView('x', { startNs: second * 2e9, why: `one host can hold what ${second} do` }),
    )
    const many = Array.from({ length: 40 }, (_, index) => `host-${index + 1}`)
    const svg = fleetChart(
      { ...data, hosts: many, moves: moves.map((move) => ({ ...move, source: 'host-1', destination: 'host-2' })) },
      options,
    )
    expect(words(svg).filter((text) => text?.startsWith('one host'))).toHaveLength(1)
    expect(words(svg).filter((text) => text?.startsWith('host-')).length).toBeLessThan(20)
    expect(fleetChartHeight(40)).toBeLessThan(400)
  })
})
