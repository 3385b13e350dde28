import { describe, expect, test } from 'vitest'
import {
  clockParts,
  formatAddress,
  formatAgo,
  formatBitRate,
  formatCount,
  formatInstant,
  formatMs,
  formatOctets,
  formatShare,
  formatSpan,
  formatSpeed,
} from '../../../renderer/words/quantities.js'

describe('quantities', () => {
  test('counts are grouped in thousands', () => {
    expect([0, 999, 1000, 4096, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '4,096', '1,234,567'])
  })

  test('a span takes the unit that reads best', () => {
    expect([0, 820, 12_300, 23_100_000, 38_449_000, 1_204_000_000, 90e9].map(formatSpan)).toEqual([
      '0 ns',
      '820 ns',
      '12.3 µs',
      '23.1 ms',
      '38.4 ms',
      '1.2 s',
      '1.5 min',
    ])
    expect(formatMs(null)).toBe('–')
    expect(formatMs(0.25)).toBe('250 µs')
  })

  test('instants, addresses, rates and sizes carry their units', () => {
    expect(formatInstant(4_217_318_402)).toBe('4.217318 s')
    expect(formatAddress(0x80000000)).toBe('0x80000000')
    expect([1e9, 1e8, 2.5e6, 640e3, 80].map(formatBitRate)).toEqual([
      '1 Gbit/s',
      '100 Mbit/s',
      '2.5 Mbit/s',
      '640 kbit/s',
      '80 bit/s',
    ])
    expect([1, 512, 4096, 16 * 2 ** 20, 1.5 * 2 ** 30].map(formatOctets)).toEqual([
      '1 octet',
      '512 octets',
      '4 KiB',
      '16 MiB',
      '1.5 GiB',
    ])
  })

  test('a small share is not rounded to nothing', () => {
    expect(formatShare(0, 100)).toBe('0 %')
    expect(formatShare(3, 1000)).toBe('0.3 %')
    expect(formatShare(2, 3)).toBe('67 %')
    expect(formatShare(1, 0)).toBe('0 %')
  })

  test('the clock is cut into mm:ss.mmm and microseconds', () => {
    expect(clockParts(0)).toEqual({ main: '00:00.000', micros: '000' })
    expect(clockParts(4_217_318_402)).toEqual({ main: '00:04.217', micros: '318' })
    expect(clockParts(3_725_000_001_000)).toEqual({ main: '62:05.000', micros: '001' })
  })

  test('speeds', () => {
    expect([0.05, 1, Infinity, 'auto' as const].map(formatSpeed)).toEqual(['0.05×', '1×', 'Full speed', 'Auto'])
  })

  test('how long ago a session was kept', () => {
    const minute = 60_000
    const ago = (minutes: number) => formatAgo(0, minutes * minute)
    expect([0, 1, 59, 60, 26 * 60, 3 * 24 * 60].map(ago)).toEqual([
      'just now',
      '1 minute ago',
      '59 minutes ago',
      '1 hour ago',
      '1 day ago',
      '3 days ago',
    ])
  })
})
