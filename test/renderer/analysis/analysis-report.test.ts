import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAnalysis, verdict } from '../../../renderer/analysis/analysis-report.js'

const stream = (protocol: string, complete: boolean, pagesRecovered: number, findings: number) => ({
  protocol,
  complete,
  machine: 'virt',
  blocks: pagesRecovered === 0 ? [] : [{ name: 'ram', octets: 4096 * pagesRecovered, pagesRecovered, sha256: '' }],
  rounds: [],
  findings: Array.from({ length: findings }, () => ({
    kind: 'card',
    name: 'Visa',
    value: '4',
    address: '0x80004010',
    packets: [1],
  })),
})
const said = (...streams: unknown[]) => verdict(readAnalysis({ kind: 'pcapng', streams, warnings: [] })!)

describe('verdict', () => {
  test('says first what was readable', () => {
    expect(said(stream('qevm', true, 8, 2))).toBe(
      'Readable: 8 pages of guest RAM were rebuilt, and 2 secrets were found in them.',
    )
    expect(said(stream('qevm', false, 8, 0))).toContain('incomplete')
    expect(said(stream('tls', true, 0, 0))).toBe(
      'Nothing readable: what crossed was TLS. No page and no secret could be recovered.',
    )
    expect(said()).toBe('No migration was recognised in this file.')
  })
})

describe('readAnalysis', () => {
  test('keeps what has the right shape', () => {
    const report = readAnalysis({ kind: 'qevm', streams: [stream('qevm', true, 1, 1), 7], warnings: ['cut', 3] })!
    expect(report.streams).toHaveLength(1)
    expect(report.streams[0]!.findings).toEqual([
      { kind: 'card', name: 'Visa', value: '4', address: 0x80004010, packets: [1] },
    ])
    expect(report.warnings).toEqual(['cut'])
    expect(report.streams[0]!.processes).toEqual([])
    const process = { name: 'A', state: 'ready', from: '0x1', to: '0x2', pc: '0x1', record: '0x3' }
    const more = readAnalysis({ streams: [{ processes: [{ ...process, more: 1 }, 'B'] }] })!
    expect(more.streams[0]!.processes).toEqual([process])
    const counter = { address: '0x80005000', values: [41, 42, 43] }
    const changes = [{ block: 'ram', pagesChanged: 2, counters: [counter], hottest: [] }]
    expect(readAnalysis({ streams: [{ changes }] })!.streams[0]!.changes).toEqual([
      { block: 'ram', pagesChanged: 2, counters: [counter] },
    ])
  })

  test('anything else gives a report or null, never an error', () => {
    expect(readAnalysis(null)).toBeNull()
    expect(readAnalysis({})).toBeNull()
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (streams, warnings) => {
        const report = readAnalysis({ streams, warnings })
        if (report !== null) expect(typeof verdict(report)).toBe('string')
      }),
    )
  })
})
