import { describe, expect, test } from 'vitest'
import type { ReportData } from '../../../core/report/report-data.js'
import { reportHtml } from '../../../renderer/report/report-html.js'
import { parseHTML } from 'linkedom'
import { svgDocument } from '../../support/svg-document.js'
import { fixtureRun, probesBetween, throughputBetween } from '../../support/fixture-runs.js'

const clear = { migration: 1, channel: 'none', startNs: 1e9, fromHost: 'host-a' } as const
const sealed = { migration: 2, channel: 'ssh', startNs: 3e9, fromHost: 'host-b' } as const

const data: ReportData = {
  format: 'midstream-report',
  version: '0.1.0',
  labId: '01-first-crossing',
  title: 'First <crossing> & back',
  goal: 'See what it costs.',
  seed: '5eed',
  traceHash: 'ab'.repeat(32),
  virtualNs: 4.2e9,
  settings: {
    strategy: 'precopy',
    channel: 'ssh',
    bandwidthBps: 1e9,
    downtimeLimitMs: 30,
    maxBandwidth: 0,
    workingSetPages: 256,
    dirtyPagesPerSecond: 2000,
  },
  steps: [
    {
      id: 'boot',
      title: 'Boot the guest',
      done: true,
      hintsUsed: 1,
      missing: '',
      evidence: [{ text: 'web answered <script>alert(1)</script>', atNs: 4e8, packet: 12, address: 0x80000000 }],
      questions: [
        { text: 'Why?', unit: 'ms', answer: '"><img src=x>', correct: false, explanation: 'Because of `x`.' },
      ],
    },
    {
      id: 'clear',
      title: 'Migrate',
      done: false,
      hintsUsed: 0,
      missing: 'No migration yet.',
      evidence: [],
      questions: [],
    },
  ],
  runs: [fixtureRun(clear, Infinity), { ...fixtureRun(sealed, Infinity), diskOctets: 3 * 1024 ** 2 }],
  probes: probesBetween(0.5e9, 4e9, [clear, sealed]),
  throughput: throughputBetween(0.5e9, 4e9, [clear, sealed]),
}
const html = reportHtml(data, svgDocument())
const { document } = parseHTML(html)
// Counts, not lists: a failing comparison of nodes would print whole documents.
const count = (selector: string) => document.querySelectorAll(selector).length

describe('reportHtml', () => {
  test('runs nothing and fetches nothing', () => {
    expect(count('script, img, link, iframe, object, embed, base, form, a')).toBe(0)
    expect(html).not.toMatch(/https?:|url\(|@import|javascript:|\son\w+=/i)
  })

  test('whatever people typed is text', () => {
    expect(document.querySelector('h1')!.textContent).toBe('First <crossing> & back')
    expect(document.querySelector('.steps')!.textContent).toContain('web answered <script>alert(1)</script>')
    expect(document.querySelector('.question')!.textContent).toContain('"><img src=x> ms')
  })

  test('every tag is closed', () => {
    const open: string[] = []
    const withoutText = html.replace(/<style>[^]*?<\/style>/, '').replace(/<!doctype html>/, '')
    for (const [whole, close, name, selfClose] of withoutText.matchAll(/<(\/?)([a-zA-Z][\w-]*)[^<>]*?(\/?)>/g)) {
      if (selfClose === '/' || name === 'meta') continue
      if (close === '/') expect(open.pop(), whole).toBe(name)
      else open.push(name!)
    }
    expect(open).toEqual([])
  })

  test('holds steps, answers, evidence, the run table and the findings', () => {
    expect(count('.steps > li')).toBe(2)
    expect(document.body.textContent).toContain('0.400000 s, packet 12, 0x80000000')
    expect(document.body.textContent).toContain('ab'.repeat(32))
    expect(count('section.run')).toBe(2)
    const [first, second] = data.runs
    expect(document.querySelector('section.run')!.querySelectorAll('tbody tr').length).toBe(first!.findings.length)
    expect(document.querySelectorAll('section.run')[1]!.textContent).toContain('The stream was sealed.')
    const disks = [...document.querySelectorAll('section.run')].map(
      ({ textContent }) => /Its disk.*?\./.exec(textContent ?? '')?.[0],
    )
    expect(disks).toEqual([undefined, 'Its disk went with it: 3 MiB of the stream.'])
    expect(second!.findings).toHaveLength(0)
  })

  test('two charts for the comparison and three a run, each with its words', () => {
    const charts = [...document.querySelectorAll('svg')]
    expect(charts.length).toBe(2 + 3 * data.runs.length)
    for (const chart of charts) expect(chart.querySelector('desc')!.textContent).not.toBe('')
  })

  test('the same data gives the same file', () => {
    expect(reportHtml(data, svgDocument())).toBe(html)
  })

  test('an empty sandbox still has a report', () => {
    const empty = reportHtml(
      { ...data, steps: [], runs: [], probes: [], throughput: [], traceHash: null },
      svgDocument(),
    )
    expect(empty).toContain('No guest was migrated in this session.')
  })
})
