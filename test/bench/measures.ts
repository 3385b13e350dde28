/** What benches are made of: medians of wall time, and a table with what was hoped for. */
import { performance } from 'node:perf_hooks'

export const ROUNDS = Number(process.argv[2] ?? 5)
export const MIB = 1024 ** 2

interface Measure {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly aim: string
}

const measures: Measure[] = []

export function add(what: string, value: number, unit: string, aim = ''): void {
  measures.push({ what, value, unit, aim })
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** Median wall time in milliseconds. `prepare` is not counted. */
export function time<T>(prepare: () => T, work: (prepared: T) => void, rounds = ROUNDS): number {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const prepared = prepare()
    const start = performance.now()
    work(prepared)
    times.push(performance.now() - start)
  }
  return median(times)
}

export function printMeasures(): void {
  const width = Math.max(...measures.map(({ what }) => what.length))
  for (const { what, value, unit, aim } of measures) {
    const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 3
    console.log(`${what.padEnd(width)}  ${value.toFixed(digits)} ${unit}${aim === '' ? '' : `   (aim: ${aim})`}`)
  }
  console.log(`Medians of ${ROUNDS} runs.\n`)
}
