import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LabError } from '../../../core/base/errors.js'
import { milliseconds } from '../../../core/base/units.js'
import { parseNetworkPlan } from '../../../core/session/network-plan.js'
import { NetworkRun } from '../../../core/session/network-run.js'

/** Something of everything. */
const whole = {
  title: 'Everything',
  hosts: {
    alice: {
      address: ['10.0.0.1/24', 'fd00::1/64'],
      gateway: '10.0.0.254',
      tcp: { sendBuffer: '64KiB', mss: 1000, keepAlive: { idle: '1s', interval: '1s', probes: 3 }, synBacklog: 3 },
      arp: [{ address: '10.0.0.9', mac: '02:00:00:00:00:99' }],
    },
    bob: { address: '10.0.0.2/24', vlans: { 20: { address: '10.0.20.2/24' } }, listens: [80], forwards: true },
  },
  routers: {
    r1: {
      interfaces: { eth0: { address: '10.0.0.254/24', advertises: 'fd01::/64' }, eth1: { address: '10.1.0.1/30' } },
      rip: { passive: 'eth0', filters: [{ neighbour: '10.1.0.2', accepts: ['10.2.0.0/16'] }], key: 'secret' },
      routes: [{ to: '10.7.0.0/16', via: '10.1.0.2' }],
    },
  },
  switches: {
    s1: {
      ports: { alice: { vlan: 1, security: { maximum: 2 } }, bob: { mode: 'dynamic-auto', allowed: '1,20' } },
      mirrors: [{ ports: ['alice'], vlans: '20', to: 'r1' }],
      arpInspection: { vlans: 30, bindings: [{ host: 'alice' }] },
      domain: 'lab',
    },
  },
  links: [
    { from: 'alice', to: 's1', bandwidth: '100Mbit', delay: '1ms', loss: { goodToBad: '1%', badToGood: '50%' } },
    { from: 'bob', to: 's1', forward: { jitter: '1ms', reordering: '1%' }, queue: '64KiB' },
    { from: 'r1', to: 's1' },
  ],
  taps: [{ name: 'a', link: 'alice', direction: 'forward', place: 'sent' }],
  script: [
    { do: 'dtp', from: 'bob', domain: 'lab', meanwhile: true },
    { do: 'ping', from: 'alice', to: 'bob', count: 2, octets: 3000, interval: '10ms', meanwhile: true, listener: 'r1' },
    { do: 'transfer', from: 'alice', to: 'bob', size: '10KiB', port: 80, meanwhile: true },
    { do: 'send', from: 'alice', to: 'bob', tags: [1, 20], text: 'hi', meanwhile: true },
    { do: 'announce', from: 'bob', address: 'r1', meanwhile: true },
    { do: 'forge-rip', from: 'bob', prefixes: ['10.3.0.0/16'], meanwhile: true },
    { do: 'flood-mac', from: 'bob', count: 20, meanwhile: true },
    { do: 'flood-syn', from: 'alice', to: 'bob', port: 80, count: 20, meanwhile: true },
    { do: 'configure', link: 'bob', conditions: { loss: '10%' } },
    { do: 'show', host: 'r1', tables: ['RIP'], contains: '10.0.0.0/24' },
  ],
}

type Path = readonly (string | number)[]

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))]
}
const paths = pathsOf(whole).slice(1)

function withValue(value: unknown, [key, ...rest]: Path, replacement: unknown): unknown {
  if (key === undefined) return replacement
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>
  copy[key] = withValue(copy[key], rest, replacement)
  return copy
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    [],
    {},
    0,
    -1,
    1.5,
    1e9,
    true,
    'alice',
    's1',
    'r1',
    '10.0.0.1',
    '::1/64',
  ),
  fc.constantFrom(
    '0.0.0.0/0',
    '255.255.255.255/32',
    '224.0.0.9/4',
    'ff:ff:ff:ff:ff:ff',
    '0%',
    '100%',
    '1ns',
    '59min',
    'all',
    'none',
  ),
  fc.integer({ min: 0, max: 70_000 }),
  fc.string({ maxLength: 8 }),
)

describe('a plan with something odd in it', () => {
  it('is refused by name of the place, or runs', () => {
    expect(new NetworkRun(parseNetworkPlan(whole)).run(milliseconds(50))).toBe(false)
    let ran = 0
    fc.assert(
      fc.property(fc.constantFrom(...paths), odd, (path, value) => {
        let run: NetworkRun
        try {
          run = new NetworkRun(parseNetworkPlan(withValue(whole, path, value)))
        } catch (error) {
          expect(error).toBeInstanceOf(LabError)
          return
        }
        run.run(milliseconds(50))
        ran++
      }),
      { numRuns: 600 },
    )
    expect(ran).toBeGreaterThan(20)
  })
})
