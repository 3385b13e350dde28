import { describe, expect, it } from 'vitest'
import { LabError } from '../../../../core/base/errors.js'
import { fleetGuests, parseFleetScenario } from '../../../../core/session/fleet/fleet-scenario.js'

describe('a fleet scenario', () => {
  it('has a default for everything', () => {
    const scenario = parseFleetScenario({})
    expect(scenario).toMatchObject({ policy: 'balance', seed: '1', duration: 30e9, events: [] })
    expect(fleetGuests(scenario).map(({ name, host }) => `${name} ${host}`)).toEqual([
      ...['vm-01 host-01', 'vm-02 host-02', 'vm-03 host-03', 'vm-04 host-04'],
      ...['vm-05 host-01', 'vm-06 host-02', 'vm-07 host-03', 'vm-08 host-04'],
    ])
  })

  it('numbers guests of one name, and places them where it says', () => {
    const guests = [
      { name: 'web', count: 3, on: ['host-02', 'host-01'], load: '50%' },
      { name: 'db', ram: '2MiB', cap: '50%', on: 'host-03' },
    ]
    expect(fleetGuests(parseFleetScenario({ guests }))).toMatchObject([
      { name: 'web-1', host: 'host-02', load: 0.5, cap: 1 },
      { name: 'web-2', host: 'host-01' },
      { name: 'web-3', host: 'host-02' },
      { name: 'db', host: 'host-03', ramOctets: 2 * 1024 ** 2, load: 0.1, cap: 0.5 },
    ])
  })

  it.each([
    [{ hosts: { count: 41 } }, 'hosts.count', /40/],
    [{ hosts: { cores: 0 } }, 'hosts.cores', /1/],
    [{ policy: 'luck' }, 'policy', /balance/],
    [{ duration: '2h' }, 'duration', /write it like 300ms/],
    [{ duration: '2ms' }, 'duration', /choose from 1s to 3600s/],
    [{ guests: [] }, 'guests', /1/],
    [{ guests: [{ load: '120%' }] }, 'guests[0].load', /more than all/],
    [{ guests: [{ cap: '0%' }] }, 'guests[0].cap', /more than 0%/],
    [{ guests: [{ ram: '100KiB' }] }, 'guests[0].ram', /from 1MiB to 1GiB/],
    [{ guests: [{ on: 'host-07' }] }, 'guests[0].on', /no host-07; there are 4 hosts, from host-01 to host-04/],
    [{ guests: [{ name: 'a' }, { name: 'a' }] }, 'guests', /two guests are named a/],
    [{ guests: [{ count: 100 }, { count: 100 }], hosts: { ram: '1GiB' } }, 'guests', /at most 160/],
    [{ guests: [{ count: 17, on: 'host-01' }] }, 'guests', /its guests need 17825792: spread them/],
    [{ events: [{ at: '1s', host: 'host-05', fails: true }] }, 'events[0].host', /no host-05/],
    [{ events: [{ at: '1s', host: 'host-01' }] }, 'events[0]', /one of health, fails, adverts and mended/],
    [{ events: [{ at: '1s', host: 'host-01', health: 'ill' }] }, 'events[0].health', /warning/],
    [{ orchestrator: { adverts: '1us' } }, 'orchestrator.adverts', /100ms or more/],
    [{ colour: 'red' }, 'scenario', /colour/],
    [null, 'scenario', /object/],
  ])('refuses %j by its place', (value, path, reason) => {
    try {
      parseFleetScenario(value)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(LabError)
      expect(error).toMatchObject({ path, reason: expect.stringMatching(reason) as string })
    }
  })
})
