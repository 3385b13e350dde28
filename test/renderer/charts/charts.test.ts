import { describe, expect, test } from 'vitest'
import { timeTicks, wrapWords } from '../../../renderer/charts/chart-frame.js'
import { compareChart } from '../../../renderer/charts/compare-chart.js'
import { downtimeChart } from '../../../renderer/charts/downtime-chart.js'
import { faultsChart } from '../../../renderer/charts/faults-chart.js'
import { leakChart } from '../../../renderer/charts/leak-chart.js'
import { roundsChart } from '../../../renderer/charts/rounds-chart.js'
import { throughputChart } from '../../../renderer/charts/throughput-chart.js'
import { timelineChart } from '../../../renderer/charts/timeline-chart.js'
import type { RunMetrics } from '../../../core/metrics/run-metrics.js'
import { svgDocument } from '../../support/svg-document.js'
import { fixtureRun, probesBetween, runTimes, throughputBetween, type FixtureRun } from '../../support/fixture-runs.js'

const options = { width: 320, height: 140, document: svgDocument() }
const clear: FixtureRun = { migration: 1, channel: 'none', startNs: 1e9, fromHost: 'host-a' }
const sealed: FixtureRun = { migration: 2, channel: 'nacl', startNs: 3e9, fromHost: 'host-b' }
const clearRun = fixtureRun(clear, Infinity)
const sealedRun = fixtureRun(sealed, Infinity)
const count = (svg: SVGSVGElement, selector: string) => svg.querySelectorAll(selector).length
const words = (svg: SVGSVGElement) => [...svg.querySelectorAll('text')].map((node) => node.textContent)
/** One element a line, for a reader of the snapshot. */
const drawing = (svg: SVGSVGElement) => svg.outerHTML.replaceAll('><', '>\n<')

const followed: RunMetrics = {
  ...clearRun,
  strategy: 'hybrid',
  postcopy: {
    startNs: 1.2e9,
    endNs: 1.3e9,
    zeroPages: 10,
    normalPages: 230,
    octets: 950_000,
    blockedMs: 1.4,
    faults: [
      { page: 7, askedNs: 1.21e9, arrivedNs: 1.2109e9 },
      { page: 1234, askedNs: 1.25e9, arrivedNs: 1.2505e9 },
    ],
  },
}

/** As of a guest that was paused before it was moved. */
const pausedRun: RunMetrics = {
  ...sealedRun,
  ownPause: 'before',
  clientGapMs: null,
  clientGapFromNs: null,
  clientGapToNs: null,
}

describe('a run whose guest was paused anyway', () => {
  test('is no point of the comparison, which says so', () => {
    const svg = compareChart([clearRun, pausedRun], options)
    expect(count(svg, '.run')).toBe(1)
    expect(words(svg).join(' ')).toContain('without 2: paused anyway')
    expect(svg.querySelector('desc')!.textContent).toContain('has no downtime: the guest was paused anyway')
    expect(words(compareChart([pausedRun], options)).join(' ')).toContain('Each finished migration will be a point')
  })

  test('has a last phase on the time line, and no downtime for the client', () => {
    const line = timelineChart(
      { nowNs: 4e9, fromNs: 0, toNs: 4e9, runs: [pausedRun], checks: [], attacks: [] },
      options,
    )
    expect(line.outerHTML).toContain('last phase of a guest that was paused anyway')
    expect(line.outerHTML).not.toContain('guest stopped for')
    const felt = downtimeChart({ probes: probesBetween(2.9e9, 3.5e9, [sealed]), run: pausedRun }, options)
    expect(words(felt)).toContain('guest paused anyway')
    expect(felt.querySelector('desc')!.textContent).toContain('which query-migrate calls downtime all the same')
  })
})

describe('faultsChart', () => {
  test('a dot for each page waited for, higher the longer', () => {
    const svg = faultsChart(followed, options)
    const heights = [...svg.querySelectorAll('.faults circle')].map((dot) => Number(dot.getAttribute('cy')))
    expect(heights).toHaveLength(2)
    expect(heights[0]).toBeLessThan(heights[1]!)
    expect(svg.querySelector('desc')!.textContent).toBe(
      'The guest waited for 2 pages, 1.4 ms in all, 900 µs at the longest.',
    )
  })

  test('says what will appear, and that nothing was waited for', () => {
    expect(words(faultsChart(clearRun, options)).join(' ')).toContain('Go over to post-copy')
    const none = faultsChart({ ...followed, postcopy: { ...followed.postcopy!, faults: [] } }, options)
    expect(words(none).join(' ')).toContain('None so far')
  })

  test('what followed the guest is a bar of its own and a stretch of the time line', () => {
    const rounds = roundsChart(followed, options)
    expect(count(rounds, '.bars rect')).toBe(clearRun.rounds.length + 1)
    expect(words(rounds)).toContain('after')
    expect(rounds.querySelector('desc')!.textContent).toContain('After the guest: 240 pages')
    const line = timelineChart({ nowNs: 2e9, fromNs: 0, toNs: 2e9, runs: [followed], checks: [], attacks: [] }, options)
    expect([...line.querySelectorAll('.run title')].map((node) => node.textContent).join(' ')).toContain(
      'follows the guest',
    )
  })
})

describe('downtimeChart', () => {
  const probes = probesBetween(0.8e9, 1.6e9, [clear])
  const svg = downtimeChart({ probes, run: clearRun }, options)

  test('a mark for every reply and every miss within sight', () => {
    const [from, to] = [clearRun.clientGapFromNs!, clearRun.clientGapToNs!]
    const margin = Math.max(25e6, (to - from) * 3)
    const shown = probes.filter(({ sentNs }) => sentNs >= from - margin && sentNs <= to + margin)
    expect(count(svg, '.replies circle')).toBe(shown.filter(({ replyMs }) => replyMs !== null).length)
    expect(count(svg, '.misses line')).toBe(shown.filter(({ replyMs }) => replyMs === null).length)
  })

  test('the gap is shaded and the pause lies inside it', () => {
    const gap = svg.querySelector('rect.gap')!
    const pause = svg.querySelector('rect.pause')!
    const span = (rect: Element) => [
      Number(rect.getAttribute('x')),
      Number(rect.getAttribute('x')) + Number(rect.getAttribute('width')),
    ]
    const [gapFrom, gapTo] = span(gap)
    const [pauseFrom, pauseTo] = span(pause)
    expect(pauseFrom).toBeGreaterThan(gapFrom!)
    expect(pauseTo).toBeLessThan(gapTo!)
    expect(words(svg).join(' ')).toContain('no reply')
  })

  test('is told in words', () => {
    expect(svg.getAttribute('role')).toBe('img')
    expect(svg.querySelector('title')!.textContent).toBe('What the client felt')
    expect(svg.querySelector('desc')!.textContent).toMatch(/probes answered\. The client waited .* ms/)
  })

  test('without data says what will appear', () => {
    expect(words(downtimeChart({ probes: [], run: null }, options)).join(' ')).toContain('Boot the guest')
  })

  test('a long session is thinned to the width', () => {
    const many = probesBetween(0, 60e9, [])
    const long = { ...clearRun, startNs: 1e9, endNs: null }
    expect(count(downtimeChart({ probes: many, run: long }, options), '.replies circle')).toBeLessThanOrEqual(2 * 320)
  })
})

describe('roundsChart', () => {
  const svg = roundsChart(clearRun, options)

  test('a bar a round as high as its pages, a dashed line where theory has a say', () => {
    expect(count(svg, '.bars rect')).toBe(clearRun.rounds.length)
    expect(count(svg, '.predicted')).toBe(
      clearRun.rounds.filter(({ predictedPages }) => predictedPages !== null).length,
    )
    const heights = [...svg.querySelectorAll('.bars rect')].map((bar) => Number(bar.getAttribute('height')))
    expect(heights).toEqual([...heights].sort((a, b) => b - a))
    expect(words(svg)).toEqual(expect.arrayContaining(['4,096', '1,310', '486', '371', '118', 'stopped']))
  })

  test('the drawing', () => {
    const two = { ...clearRun, rounds: clearRun.rounds.slice(-2) }
    expect(drawing(roundsChart(two, options))).toMatchSnapshot()
  })

  test('many rounds stay within the width', () => {
    const rounds = Array.from({ length: 40 }, (_, index) => ({ ...clearRun.rounds[1]!, round: index + 1 }))
    const bars = [...roundsChart({ ...clearRun, rounds }, options).querySelectorAll('.bars rect')]
    const last = bars.at(-1)!
    expect(Number(last.getAttribute('x')) + Number(last.getAttribute('width'))).toBeLessThanOrEqual(320 - 44 - 12)
  })

  test('while the first round lasts', () => {
    expect(words(roundsChart({ ...clearRun, rounds: [], endNs: null }, options)).join(' ')).toContain('under way')
  })

  test('before a migration', () => {
    expect(words(roundsChart(null, options)).join(' ')).toContain('Migrate a guest')
  })
})

describe('throughputChart', () => {
  const samples = throughputBetween(0.9e9, 1.4e9, [clear])
  const data = { samples, fromNs: 0.95e9, toNs: 1.3e9, linkBps: 1e9, sealed: false }

  test('a layer for each kind that was seen, and the capacity', () => {
    const svg = throughputChart(data, options)
    expect(count(svg, 'path.migrationOctets')).toBe(1)
    expect(count(svg, 'path.probeOctets')).toBe(1)
    expect(count(svg, 'line.capacity')).toBe(1)
    expect(svg.querySelector('path.migrationOctets')!.getAttribute('fill')).toContain('--clear')
  })

  test('sealed traffic has the colour of sealed', () => {
    const svg = throughputChart({ ...data, sealed: true }, options)
    expect(svg.querySelector('path.migrationOctets')!.getAttribute('fill')).toContain('--sealed')
  })

  test('a quiet link is drawn to its own scale', () => {
    const svg = throughputChart({ ...data, samples: throughputBetween(0.9e9, 1.4e9, []) }, options)
    expect(count(svg, 'line.capacity')).toBe(0)
    expect(words(svg).join(' ')).toContain('1 Mbit/s')
  })
})

describe('leakChart', () => {
  test('a line a run; sealed runs are named where they lie at zero', () => {
    const svg = leakChart([clearRun, sealedRun], options)
    expect(count(svg, 'path.leak')).toBe(2)
    expect(words(svg)).toContain('NaCl: 0')
    expect(svg.querySelector('desc')!.textContent).toContain('Run 1, Clear text: 7 of 7 secrets and 100 % of RAM.')
  })

  test('finds at once are named together', () => {
    const atOnce = { ...clearRun, findings: clearRun.findings.map((finding) => ({ ...finding, atNs: 1.01e9 })) }
    expect(words(leakChart([atOnce], options))).toContain('password and 6 more')
  })

  test('every secret found is a step up', () => {
    const path = leakChart([clearRun], options).querySelector('path.leak')!.getAttribute('d')!
    const heights = [...path.matchAll(/[LM]([\d.]+),([\d.]+)/g)].map((match) => Number(match[2]))
    expect(new Set(heights).size).toBe(clearRun.secretsFound + 1)
  })
})

describe('compareChart', () => {
  test('a point for each run that has a downtime, further right the longer', () => {
    const running = { ...clearRun, migration: 3, downtimeMs: null }
    const svg = compareChart([clearRun, sealedRun, running], options)
    const xs = [...svg.querySelectorAll('path.run')].map((point) =>
      Number(/translate\(([\d.]+)/.exec(point.getAttribute('transform')!)![1]),
    )
    expect(xs).toHaveLength(2)
    expect(xs[1]! > xs[0]!).toBe(sealedRun.downtimeMs! > clearRun.downtimeMs!)
  })

  test('the drawing', () => {
    expect(drawing(compareChart([sealedRun], options))).toMatchSnapshot()
  })
})

describe('timelineChart', () => {
  const checks = [
    { step: 1, title: 'Boot', atNs: 0.4e9 },
    { step: 2, title: 'Migrate', atNs: runTimes(clear).resumedAtNs },
    { step: 3, title: 'Out of sight', atNs: 30e9 },
  ]
  const attacks = [
    { atNs: 1e9, text: 'poison: both' },
    { atNs: 1.001e9, text: 'intercept: port 49152' },
    { atNs: 2e9, text: 'edit: replace' },
    { atNs: 20e9, text: 'edit: out of sight' },
  ]
  const svg = timelineChart(
    { nowNs: 3.2e9, fromNs: 0, toNs: 5e9, runs: [clearRun, fixtureRun(sealed, 3.2e9)], checks, attacks },
    { ...options, width: 900 },
  )

  test('lanes, runs, checks in sight and the play head', () => {
    expect(words(svg)).toEqual(expect.arrayContaining(['Migration', 'Attacker', 'Checks']))
    expect(count(svg, 'g.run')).toBe(2)
    expect(count(svg, 'g.check')).toBe(2)
    expect(count(svg, '.play-head')).toBe(1)
    const marks = [...svg.querySelectorAll('path.attack title')].map(({ textContent }) => textContent)
    expect(marks).toEqual([
      'poison: both, at 1.000000 s\nintercept: port 49152, at 1.001000 s',
      'edit: replace, at 2.000000 s',
    ])
  })

  test('is told in words', () => {
    expect(svg.querySelector('desc')!.textContent).toBe(
      '2 migrations, 7 secrets found by the attacker, the attacker did 4 things besides, 3 checks passed; now at 3.200000 s.',
    )
  })
})

describe('timeTicks', () => {
  const labels = (from: number, to: number, most: number) =>
    timeTicks(from, to, most, (ns) => ns).map(({ label }) => label)

  test('one unit for the axis, no more ticks than asked for by much, none twice', () => {
    expect(labels(0, 2e9, 4)).toEqual(['0.0 s', '0.5 s', '1.0 s', '1.5 s', '2.0 s'])
    expect(labels(0, 400e6, 4)).toEqual(['0 ms', '100 ms', '200 ms', '300 ms', '400 ms'])
    expect(labels(4.0e9, 4.1e9, 4)).toEqual(['4.000 s', '4.025 s', '4.050 s', '4.075 s', '4.100 s'])
    expect(new Set(labels(5_503_000_000, 5_511_000_000, 3)).size).toBe(labels(5_503_000_000, 5_511_000_000, 3).length)
  })
})

test('wrapWords keeps every word and the width', () => {
  const lines = wrapWords('every secret the attacker finds will be a step here', 16)
  expect(lines.join(' ')).toBe('every secret the attacker finds will be a step here')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(16)
})
