/** Processor time of short work on this machine: in cli/, for core reads no clock. */

const SAMPLES = 7

/**
 * Nanoseconds that `work` takes: the median of seven samples, each of as many repetitions as fill `sampleMs`. Processor time of
 * this process, so that what else the machine does counts for little.
 */
export function measureNs(work: () => void, sampleMs: number): number {
  work()
  let repetitions = 1
  while (timeMs(work, repetitions) < sampleMs) repetitions *= 2
  const samples = Array.from({ length: SAMPLES }, () => timeMs(work, repetitions))
  const median = samples.sort((a, b) => a - b)[(SAMPLES - 1) / 2] ?? 0
  return (median * 1e6) / repetitions
}

function timeMs(work: () => void, repetitions: number): number {
  const before = process.cpuUsage()
  for (let index = 0; index < repetitions; index++) work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
