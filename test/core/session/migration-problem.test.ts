import { describe, expect, it } from 'vitest'
import { migrationProblem } from '../../../core/session/migration-problem.js'
import { defaultScenario, type MigrationScenario } from '../../../core/session/scenario.js'

const problemOf = (changes: Partial<MigrationScenario>): ReturnType<typeof migrationProblem> =>
  migrationProblem({ ...defaultScenario.migration, ...changes })

describe('migrationProblem', () => {
  it('has none with the defaults, nor with what goes together', () => {
    expect(problemOf({})).toBeNull()
    expect(problemOf({ xbzrle: true, compression: 'zlib', autoConverge: true })).toBeNull()
    expect(problemOf({ multifdChannels: 4, compression: 'zlib', zeroPageDetection: 'multifd' })).toBeNull()
    expect(
      problemOf({ strategy: 'hybrid', xbzrle: true, postcopyAfterRounds: 0, pauseBeforeSwitchover: true }),
    ).toBeNull()
  })

  it.each([
    [{ strategy: 'fast' as never }, 'strategy', 'choose one of cold, stop-and-copy'],
    [{ stopRule: 'kvm' as never }, 'stop-rule', 'choose one of qemu, whole-rounds, xen, xen-legacy'],
    [{ downtimeLimitNs: 2001e9 }, 'downtime-limit', 'choose from 0ms to 2000s'],
    [{ maxBandwidth: 1000 }, 'max-bandwidth', 'choose 64KiB/s or more'],
    [{ maxPostcopyBandwidth: -1 }, 'max-postcopy-bandwidth', 'choose 64KiB/s or more'],
    [{ roundsMax: 1.5 }, 'rounds', 'choose from 1 to 1000'],
    [{ xbzrleCacheOctets: 3 * 4096 }, 'xbzrle-cache-size', 'choose a power of two'],
    [{ xbzrleCacheOctets: 2048 }, 'xbzrle-cache-size', 'from one page of 4KiB'],
    [{ multifdChannels: 256 }, 'multifd-channels', 'choose from 1 to 255'],
    [{ cpuThrottleInitial: 0 }, 'cpu-throttle-initial', 'from 1 to 99'],
    [{ cpuThrottleIncrement: 100 }, 'cpu-throttle-increment', 'from 1 to 99'],
    [{ cpuThrottleInitial: 50, cpuThrottleMax: 40 }, 'max-cpu-throttle', 'less than cpu-throttle-initial, 50'],
    [{ throttleTriggerThreshold: 101 }, 'throttle-trigger-threshold', 'from 1 to 100'],
    [{ vcpuDirtyLimit: 5 }, 'vcpu-dirty-limit', 'choose 1MiB/s or more'],
    [{ postcopyAfterRounds: -1 }, 'postcopy-after-rounds', 'choose from 1 to 1000'],
    [{ postcopyPrepagingPages: 2000 }, 'postcopy-prepaging', 'choose from 0 to 1024'],
    [{ multifdChannels: 2, strategy: 'postcopy' }, 'multifd-channels', 'not yet compatible with multifd'],
    [{ multifdChannels: 2, xbzrle: true }, 'xbzrle', 'choose one of both'],
    [{ zeroPageDetection: 'multifd' }, 'zero-page-detection', 'choose multifd-channels too'],
    [{ autoConverge: true, vcpuDirtyLimit: 1e7 }, 'vcpu-dirty-limit', 'conflicts with auto-converge'],
    [{ strategy: 'cold', xbzrle: true }, 'strategy', 'no memory is moved'],
  ] as const)('%o: --%s', (changes, setting, words) => {
    const problem = problemOf(changes)
    expect(problem?.setting).toBe(setting)
    expect(problem?.reason).toContain(words)
  })
})
