/**
 * TCP over every kind of bad path: what is sent arrives whole, or the connection says that it failed. How fast it was stands
 * in tables that are read in review; the formulas for long transfers say how fast it should be.
 */
import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../core/base/units.js'
import type { CongestionControlName } from '../../core/net/tcp/congestion-control.js'
import type { Faults } from '../support/faulty-sink.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'
import { TcpTransfer } from '../support/tcp-transfer.js'

const seeds = simulationSeeds(1)
/** The seed whose tables are kept. */
const SHOWN_SEED = 's1'
const controls: readonly CongestionControlName[] = ['cubic', 'newreno']
const SEGMENT_OCTETS = 1448

const troubles: Record<string, Faults> = {
  '-': {},
  'reordered 2 %': { swappedPerMille: 20 },
  'duplicated 2 %': { duplicatedPerMille: 20 },
}

describe('TCP over a grid of bad paths', () => {
  it.each(seeds)('delivers all of it (%s)', (seed) => {
    withSeed(seed, () => {
      const lines = ['Mbit/s of 2 MiB over 100 Mbit/s; acknowledgments are lost as often as data', '']
      const head = ['loss', 'delay', 'window', 'trouble'].map((title, index) => title.padStart(index === 3 ? 15 : 8))
      const variants = controls.flatMap((control) => [`${control}+sack`, control])
      lines.push([...head, ...variants.map((name) => name.padStart(13))].join(''))
      for (const lostPerMille of [0, 1, 10, 50])
        for (const delayMs of [1, 50])
          for (const windowKib of [64, 1024])
            for (const [trouble, faults] of Object.entries(troubles)) {
              const path = [`${lostPerMille / 10} %`, `${delayMs} ms`, `${windowKib} K`].map((text) => text.padStart(8))
              const cells = [...path, trouble.padStart(15)]
              for (const congestionControl of controls)
                for (const hasSack of [true, false]) {
                  const transfer = new TcpTransfer({
                    seed: `${seed} ${cells.slice(0, 4).join('')}`,
                    octets: 2 * 1024 * 1024,
                    rateBps: 100e6,
                    delayNs: milliseconds(delayMs),
                    faults: { lostPerMille, ...faults },
                    ackFaults: { lostPerMille },
                    tcp: { congestionControl, hasSack, receiveBufferOctets: windowKib * 1024 },
                  }).run(seconds(600))
                  expect(transfer.isWhole, `${cells.join(' ')} ${congestionControl} ${hasSack ? 'sack' : ''}`).toBe(
                    true,
                  )
                  cells.push(((transfer.rate * 8) / 1e6).toFixed(2).padStart(13))
                }
              lines.push(cells.join(''))
            }
      if (seed === SHOWN_SEED) expect(`\n${lines.join('\n')}\n`).toMatchSnapshot()
    })
  })

  it.each(seeds)('delivers all of it or says that it failed, where most is lost (%s)', (seed) => {
    withSeed(seed, () => {
      const outcomes = new Map<string, number>()
      for (const lostPerMille of [300, 500, 700, 900])
        for (let index = 0; index < 10; index++) {
          const transfer = new TcpTransfer({
            seed: `${seed}/${index}`,
            octets: 20_000,
            rateBps: 100e6,
            delayNs: milliseconds(5),
            faults: { lostPerMille },
            ackFaults: { lostPerMille },
            tcp: { userTimeoutNs: seconds(30) },
          }).run(seconds(3600))
          expect(transfer.sink.isIntact).toBe(true)
          expect(transfer.isWhole || transfer.source.failure !== null).toBe(true)
          const outcome = `${lostPerMille / 10} % lost: ${transfer.isWhole ? 'whole' : 'failed'}`
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        }
      if (seed === SHOWN_SEED)
        expect([...outcomes].map(([outcome, count]) => `${outcome} ${count} times`)).toMatchSnapshot()
    })
  })
})

/** Segments in flight on average with Reno, when one in 1/p is lost: sqrt(3/2)/sqrt(p) (Mathis and others, 1997). */
function mathisWindow(loss: number): number {
  return Math.sqrt(1.5 / loss)
}

/** The same with CUBIC in its own region: RFC 9438 §5.1, figure 5. */
function cubicWindow(loss: number, rttSeconds: number): number {
  const [c, beta] = [0.4, 0.7]
  return ((c * (3 + beta)) / (4 * (1 - beta))) ** 0.25 * (rttSeconds / loss) ** 0.75
}

describe('long TCP transfers and the formulas', () => {
  // The formulas lose every (1/p)th segment, not one by chance: runs without a loss would let the window grow by its cube.
  it('are about as fast as these say', () => {
    withSeed(SHOWN_SEED, () => {
      const lines = ['average window in segments: of the transfer, of the formula, and their ratio', '']
      for (const [every, rttMs, periods] of [
        [5000, 100, 20],
        [3000, 200, 24],
        [1000, 20, 40],
        [1000, 100, 40],
        [100, 20, 100],
        [100, 100, 100],
      ] as const)
        for (const congestionControl of controls) {
          const loss = 1 / every
          const segments = every * periods
          const transfer = new TcpTransfer({
            seed: SHOWN_SEED,
            octets: segments * SEGMENT_OCTETS,
            rateBps: 10e9,
            delayNs: milliseconds(rttMs / 2),
            tcp: { congestionControl, receiveBufferOctets: 16 * 1024 * 1024, sendBufferOctets: 16 * 1024 * 1024 },
          })
          for (let period = 1; period <= 2 * periods; period++) transfer.faulty.losesFrames.add(period * every)
          // The formulas know nothing of how it began.
          transfer.run(seconds(3600), (segments / 2) * SEGMENT_OCTETS)
          const { octets } = transfer.sink
          const { nowNs } = transfer.kernel
          expect(transfer.run(seconds(3600)).isWhole).toBe(true)
          const rate = (transfer.sink.octets - octets) / (((transfer.sink.finishedNs ?? 0) - nowNs) / 1e9)
          const measured = (rate / SEGMENT_OCTETS) * (rttMs / 1e3)
          // CUBIC is as fast as Reno where Reno is the faster one (RFC 9438 §4.3).
          const reno = mathisWindow(loss)
          const formula = congestionControl === 'cubic' ? Math.max(reno, cubicWindow(loss, rttMs / 1e3)) : reno
          const ratio = measured / formula
          const values = [measured, formula].map((value) => value.toFixed(1).padStart(7))
          const where = `${congestionControl.padEnd(8)} loss ${(loss * 100).toFixed(2)} % rtt ${rttMs} ms`.padEnd(36)
          lines.push(`${where} ${values.join(' ')} ${ratio.toFixed(2)}`)
          expect(ratio, lines.at(-1)).toBeGreaterThan(0.5)
          expect(ratio, lines.at(-1)).toBeLessThan(1.33)
        }
      expect(`\n${lines.join('\n')}\n`).toMatchSnapshot()
    })
  })
})
