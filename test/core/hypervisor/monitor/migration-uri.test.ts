import { describe, expect, it } from 'vitest'
import { parseMigrationUri } from '../../../../core/hypervisor/monitor/migration-uri.js'

describe('a migration URI', () => {
  it.each([
    ['tcp:10.0.0.2:49152', '10.0.0.2', '49152'],
    ['tcp:0:49152', '0', '49152'],
    ['tcp::49152', '', '49152'],
    ['tcp:[::]:49152', '[::]', '49152'],
    ['tcp:host-b:49152,to=49155', 'host-b', '49152'],
  ])('%s is an address', (uri, host, port) => {
    expect(parseMigrationUri(uri)).toEqual({ host, port })
  })

  it.each([
    ['exec:cat', 'leads out of the virtual network'],
    ['udp:1.2.3.4:5', 'expects a valid migration protocol'],
    ['tcp:10.0.0.2', "error parsing address '10.0.0.2'"],
    ['tcp:', "error parsing address ''"],
  ])('%s is refused', (uri, reason) => {
    expect(() => parseMigrationUri(uri)).toThrow(reason)
  })
})
