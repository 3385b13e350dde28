import { describe, expect, it } from 'vitest'
import { jsonOf } from '../../../../core/hypervisor/monitor/json-of.js'
import {
  changeParameters,
  migrationParameters,
  readParameters,
} from '../../../../core/hypervisor/monitor/migration-parameters.js'
import { MonitorSettings } from '../../../../core/hypervisor/monitor/monitor-settings.js'
import { QapiArguments } from '../../../../core/hypervisor/monitor/qapi-arguments.js'
import type { JsonOutput } from '../../../../core/hypervisor/wire/json-value.js'
import { DEFAULT_MIGRATION_OPTIONS } from '../../../../core/migration/migration.js'

const change = (given: Readonly<Record<string, JsonOutput>>, settings = new MonitorSettings()) =>
  changeParameters(readParameters(new QapiArguments(jsonOf(given))), DEFAULT_MIGRATION_OPTIONS, settings)

describe('migrate-set-parameters', () => {
  it('takes every value that query-migrate-parameters shows', () => {
    const settings = new MonitorSettings()
    for (const { name, kind, value } of migrationParameters) {
      const shown = value(DEFAULT_MIGRATION_OPTIONS, settings)
      const given = kind.startsWith('uint') ? BigInt(shown) : shown
      expect(() => change({ [name]: given }, settings), name).not.toThrow()
    }
  })

  it('turns milliseconds into nanoseconds, and looks at what is given together', () => {
    expect(change({ 'downtime-limit': 40n })).toEqual({ downtimeLimitNs: 40e6 })
    expect(change({ 'max-cpu-throttle': 10n, 'cpu-throttle-initial': 5n })).toEqual({
      cpuThrottleInitial: 5,
      cpuThrottleMax: 10,
    })
    expect(() => change({ 'max-cpu-throttle': 10n })).toThrow('in the range of cpu_throttle_initial to 99')
  })

  it('keeps the number of channels until multifd is on', () => {
    const settings = new MonitorSettings()
    expect(change({ 'multifd-channels': 4n, 'multifd-compression': 'zlib' }, settings)).toEqual({})
    expect(settings).toMatchObject({ multifdChannels: 4, multifdCompression: 'zlib' })
  })

  it.each([
    ['downtime-limit', 2_000_001n, 'expects an integer in the range of 0 to (2000 * 1000) ms'],
    ['multifd-channels', 0n, "Parameter 'multifd_channels' expects a value between 1 and 255"],
    ['multifd-channels', 256n, "Parameter 'multifd-channels' expects uint8_t"],
    ['xbzrle-cache-size', 4097n, 'a power of two no less than the target page size'],
    ['max-bandwidth', '1G', "Parameter 'max-bandwidth' expects uint64"],
    ['compress-level', 9n, "Parameter 'compress-level' cannot be changed here"],
    ['no-such', 1n, "Parameter 'no-such' is unexpected"],
  ])('refuses %s %s', (name, value, reason) => {
    expect(() => change({ [name]: value })).toThrow(reason)
  })
})
