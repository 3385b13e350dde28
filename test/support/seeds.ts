/**
 * Seeds of a simulation: a fixed slice by default, more with SIMULATION_RUNS, exactly one with SEED (which a failure
 * prints, and which replays it).
 */
export function simulationSeeds(sliceRuns: number): readonly string[] {
  const { SEED, SIMULATION_RUNS } = process.env
  if (SEED !== undefined) return [SEED]
  const runs = SIMULATION_RUNS === undefined ? sliceRuns : Number(SIMULATION_RUNS)
  return Array.from({ length: runs }, (_, index) => `s${index + 1}`)
}

/** Run `check`, and on a failure say which seed replays it. */
export function withSeed(seed: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw new Error(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
