import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Kernel } from '../../../../core/kernel/kernel.js'
import { shape } from '../../../../core/secure/shaping/shape.js'
import { CELL_OCTETS } from '../../../../core/secure/shaping/shaped-stream.js'
import type { ShapingName } from '../../../../core/secure/shaping/shaping.js'
import { patternOctets, runToEnd } from '../../../support/secured-pair.js'
import { StreamEndpoint } from '../../../support/stream-endpoint.js'
import { streamPair, type Wiretap } from '../../../support/stream-pair.js'

/** What left, and when. */
class Passed implements Wiretap {
  readonly octets: number[] = []
  readonly times: number[] = []
  constructor(private readonly kernel: Kernel) {}
  cross(octets: Uint8Array): Uint8Array[] {
    this.octets.push(octets.length)
    this.times.push(this.kernel.nowNs)
    return [octets]
  }
  get total(): number {
    return this.octets.reduce((sum, octets) => sum + octets, 0)
  }
}

function shapedPair(shaping: ShapingName, toServer: Uint8Array, toClient: Uint8Array, shapingRate = 16_384_000) {
  const kernel = new Kernel('shaped')
  const lower = streamPair(kernel, { rateBps: 1e9 })
  const passed = new Passed(kernel)
  lower[0].wiretap = passed
  const chosen = { shaping, shapingRate }
  const client = new StreamEndpoint(shape(kernel, 'client', lower[0], 'a', chosen), toServer, 1000, 'peer')
  const server = new StreamEndpoint(shape(kernel, 'server', lower[1], 'b', chosen), toClient, 1000)
  return { kernel, lower, passed, client, server }
}

describe.each(['padding', 'constant-rate'] as const)('shaping by %s', (shaping) => {
  it('brings every octet both ways, in whole cells, and ends', () => {
    fc.assert(
      fc.property(fc.nat(60_000), fc.nat(60_000), (there, back) => {
        const { kernel, passed, client, server } = shapedPair(shaping, patternOctets(there), patternOctets(back))
        runToEnd(kernel)
        expect(server.received).toEqual(patternOctets(there))
        expect(client.received).toEqual(patternOctets(back))
        expect([client.ended, server.ended]).toEqual([true, true])
        expect(passed.total % CELL_OCTETS).toBe(0)
      }),
      { numRuns: 20 },
    )
  })

  it('sends more than there is, and counts it', () => {
    const { kernel, passed } = shapedPair(shaping, patternOctets(1_000_000), new Uint8Array(0))
    runToEnd(kernel)
    expect(passed.total).toBeGreaterThan(1_400_000)
    const [row] = kernel.trace.rows('shaping').filter(({ host }) => host === 'a')
    expect(row).toMatchObject({ payloadOctets: 1_000_000, cells: passed.total / CELL_OCTETS })
    expect(row!.fillerCells).toBeGreaterThanOrEqual(30)
  })

  it('refuses a cell that says it holds more than a cell, and a stream that ends within one', () => {
    for (const [octets, reason] of [
      [new Uint8Array(CELL_OCTETS).fill(255), /a cell of/],
      [new Uint8Array(100), /ends within a cell/],
    ] as const) {
      const kernel = new Kernel('hostile')
      const [near, far] = streamPair(kernel)
      const sender = new StreamEndpoint(near, octets)
      const receiver = new StreamEndpoint(shape(kernel, 'server', far, 'b', { shaping, shapingRate: 1e6 }))
      runToEnd(kernel)
      expect(sender.opened).toBe(true)
      expect(receiver.failure?.message).toMatch(reason)
    }
  })
})

describe('a constant rate', () => {
  it('sends a cell in every interval whether there is something to send or not', () => {
    const { kernel, passed, client } = shapedPair('constant-rate', patternOctets(100_000), new Uint8Array(0))
    kernel.runUntil(20e6)
    const perMillisecond = new Map<number, number>()
    passed.times.forEach((atNs, index) => {
      const bin = Math.floor(atNs / 1e6)
      perMillisecond.set(bin, (perMillisecond.get(bin) ?? 0) + passed.octets[index]!)
    })
    // 16 384 000 octets a second are one cell a millisecond, from the first to the last.
    const bins = [...perMillisecond.values()]
    expect(new Set(bins.slice(1, -1))).toEqual(new Set([CELL_OCTETS]))
    expect(client.opened).toBe(true)
  })
})
