import { describe, expect, it } from 'vitest'
import { LabError } from '../../../core/base/errors.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { Network } from '../../../core/session/network-builder.js'
import { parseNetworkPlan } from '../../../core/session/network-plan.js'

/** Two hosts at a switch, as YAML gives it, and whatever a test changes. */
function plan(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    title: 'Two hosts',
    hosts: { alice: { address: '10.0.0.1/24' }, bob: { address: '10.0.0.2/24' } },
    switches: { s1: {} },
    links: [
      { from: 'alice', to: 's1' },
      { from: 'bob', to: 's1' },
    ],
    ...changes,
  }
}
const hosts = (alice: Record<string, unknown>) => plan({ hosts: { alice, bob: { address: '10.0.0.2/24' } } })
const script = (...items: readonly unknown[]) => plan({ script: items })
const links = (...more: readonly unknown[]) =>
  plan({ links: [{ from: 'alice', to: 's1' }, { from: 'bob', to: 's1' }, ...more] })

function mistake(value: unknown): string {
  try {
    new Network(new Kernel('1'), parseNetworkPlan(value))
  } catch (error) {
    if (error instanceof LabError) return error.message
    throw error
  }
  return 'none'
}

describe('parseNetworkPlan', () => {
  it('reads quantities in words, one thing for a list of one, and fills in the rest', () => {
    const { hosts: read, links: cables } = parseNetworkPlan(
      plan({
        hosts: { alice: { address: ['10.0.0.1/24', 'fd00::1/64'], gateway: '10.0.0.254' }, bob: {} },
        links: [{ from: 'alice', to: 'bob', bandwidth: '10Mbit', delay: '5ms', loss: '1%', forward: { loss: '2%' } }],
      }),
    )
    expect(read['alice']?.interfaces).toMatchObject([
      { name: 'eth0', address: [{ prefixLength: 24 }, { prefixLength: 64 }] },
    ])
    expect(read['alice']?.gateway).toEqual([0x0a0000fe])
    expect(cables).toMatchObject([
      { name: 'alice', options: { rateBps: 1e7, delayNs: 5e6, loss: 0.01, aToB: { loss: 0.02 }, bToA: {} } },
    ])
    expect(mistake(plan())).toBe('none')
  })

  it.each<[string, unknown, RegExp]>([
    ['no plan', 'network', /^plan: .*expected object/],
    ['no title', plan({ title: undefined }), /^title: is missing/],
    ['nothing in it', { title: 'Empty' }, /^hosts: there is nothing/],
    ['a word that means nothing', plan({ cables: [] }), /^plan: Unrecognized key: "cables"/],
    ['a name with capitals', plan({ hosts: { Alice: {} } }), /^hosts\.Alice: a name has small letters/],
    ['a host called as a switch', plan({ switches: { alice: {} } }), /^switches\.alice: there is something else/],
    [
      'an address without its prefix',
      hosts({ address: '10.0.0.1' }),
      /^hosts\.alice\.address\[0\]: .*does not say its prefix/,
    ],
    [
      'no address',
      hosts({ address: '10.0.0.300/24' }),
      /^hosts\.alice\.address\[0\]: "10.0.0.300" is not an IPv4 address/,
    ],
    ['an address twice', hosts({ address: '10.0.0.2/24' }), /^hosts\.bob: 10\.0\.0\.2 is an address of alice/],
    [
      'a MAC address twice',
      plan({ hosts: { a: { mac: '02:00:00:00:00:09' }, b: { mac: '02:00:00:00:00:09' } }, links: [] }),
      /^hosts\.b: 02:00:00:00:00:09 is an address of a/,
    ],
    [
      'a gateway elsewhere',
      hosts({ address: '10.0.0.1/24', gateway: '10.9.0.1' }),
      /^hosts\.alice: the next hop is on no link/,
    ],
    [
      'addresses at two places',
      hosts({ address: '10.0.0.1/24', interfaces: { eth0: {} } }),
      /^hosts\.alice: addresses stand at the host or/,
    ],
    ['a group as a host', hosts({ address: '224.0.0.9/24' }), /^hosts\.alice\.address\[0\]: no host has the address/],
    ['nobody as a host', hosts({ address: '::/64' }), /^hosts\.alice\.address\[0\]: no host has the address ::/],
    ['IPv4 advertised', hosts({ advertises: '10.0.0.0/8' }), /^hosts\.alice\.advertises\[0\]: .*not an IPv6 prefix/],
    ['a buffer of nothing', hosts({ tcp: { sendBuffer: 0 } }), /^hosts\.alice\.tcp\.sendBuffer: a buffer has/],
    [
      'an interface left out',
      hosts({ interfaces: { eth0: {}, eth2: {} } }),
      /^hosts\.alice\.interfaces: there is eth2 but no eth1/,
    ],
    ['a VLAN that is none', hosts({ vlans: { 5000: {} } }), /^hosts\.alice: 5000 is no VLAN/],
    ['TCP that is none', hosts({ tcp: { congestionControl: 'bbr' } }), /^hosts\.alice\.tcp\.congestionControl: /],
    ['a port too high', hosts({ listens: 70000 }), /^hosts\.alice\.listens\[0\]: /],
    ['a listener twice', hosts({ listens: [80, 80] }), /^hosts\.alice: TCP port 80 is already taken/],
    [
      'a cable to nowhere',
      links({ from: 's1', to: 's9' }),
      /^links\[2\]\.to: there is no s9; there are: alice, bob, s1/,
    ],
    ['a cable without an end', links({ from: 's1' }), /^links\[2\]\.to: /],
    [
      'an interface used twice',
      links({ name: 'spare', from: 'bob', to: 's1' }),
      /^links\[2\]\.from: eth0 of bob has a cable already: bob/,
    ],
    ['an interface that is not there', links({ from: 'bob/eth1', to: 's1' }), /^links\[2\]\.from: bob has no eth1/],
    [
      'two cables of one name',
      links({ name: 'bob', from: 's1', to: 's2' }),
      /^links\[2\]\.name: two links are called bob/,
    ],
    ['a cable to itself', links({ name: 'loop', from: 's1', to: 's1' }), /^links\[2\]: a cable from s1 to itself/],
    [
      'a loop of switches',
      plan({
        switches: { s1: {}, s2: {}, s3: {} },
        links: [
          { from: 's1', to: 's2' },
          { from: 's2', to: 's3' },
          { from: 's3', to: 's1' },
        ],
      }),
      /^links\[2\]: s3 closes a loop of switches/,
    ],
    ['an interface of a switch', links({ name: 'x', from: 's1/eth0', to: 's1' }), /^links\[2\]\.from: s1 is a switch/],
    [
      'a bad unit',
      plan({ links: [{ from: 'alice', to: 's1', delay: '5 parsec' }] }),
      /^links\[0\]\.delay: "5 parsec" is not a duration: write it like 300ms/,
    ],
    [
      'a bad share',
      plan({ links: [{ from: 'alice', to: 's1', loss: 'much' }] }),
      /^links\[0\]\.loss: write a share like 1%/,
    ],
    ['no bandwidth', plan({ links: [{ from: 'alice', to: 's1', bandwidth: '0bit' }] }), /^links\[0\]: bandwidth is 0/],
    [
      'a port without a cable',
      plan({ switches: { s1: { ports: { carol: {} } } } }),
      /^switches\.s1\.ports\.carol: no cable carol ends at s1; there are: alice, bob/,
    ],
    [
      'a mode that is none',
      plan({ switches: { s1: { ports: { bob: { mode: 'hybrid' } } } } }),
      /^switches\.s1\.ports\.bob\.mode: /,
    ],
    [
      'VLANs that are none',
      plan({ switches: { s1: { ports: { bob: { mode: 'trunk', allowed: '10-' } } } } }),
      /^links\[1\]: "10-" is not a list of VLANs/,
    ],
    [
      'security on a negotiating port',
      plan({ switches: { s1: { ports: { bob: { mode: 'dynamic-auto', security: {} } } } } }),
      /^links\[1\]: port security needs/,
    ],
    [
      'a mirror of nothing',
      plan({ switches: { s1: { mirrors: { to: 'bob' } } } }),
      /^switches\.s1\.mirrors\[0\]: name ports or vlans/,
    ],
    [
      'a mirror to itself',
      plan({ switches: { s1: { mirrors: { ports: 'bob', to: 'bob' } } } }),
      /^switches\.s1: port 1 cannot be mirrored to itself/,
    ],
    [
      'a binding of nobody',
      plan({ switches: { s1: { arpInspection: { vlans: 1, bindings: [{ host: 'eve' }] } } } }),
      /^switches\.s1: there is no host eve/,
    ],
    [
      'half a binding',
      plan({ switches: { s1: { arpInspection: { vlans: 1, bindings: [{ mac: 'x' }] } } } }),
      /^switches\.s1\.arpInspection\.bindings\[0\]: a binding has host, or address and mac/,
    ],
    [
      'RIP at no interface',
      plan({ routers: { r1: { rip: { passive: 'eth7' } } } }),
      /^routers\.r1\.rip: host r1 has no interface eth7/,
    ],
    ['a tap nowhere', plan({ taps: [{ name: 'x' }] }), /^taps\[0\]: a tap is at one place/],
    [
      'a tap at no link',
      plan({ taps: [{ name: 'x', link: 'carol' }] }),
      /^taps\[0\]\.link: there is no link carol; there are: alice, bob/,
    ],
    [
      'a tap at no port',
      plan({ taps: [{ name: 'x', switch: 's1', port: 'carol' }] }),
      /^taps\[0\]: no cable carol ends at s1/,
    ],
    [
      'a tap at a host without a cable',
      plan({ links: [], taps: [{ name: 'x', host: 'bob' }] }),
      /^taps\[0\]: no cable ends at eth0 of bob/,
    ],
    [
      'two taps of one name',
      plan({
        taps: [
          { name: 'x', link: 'bob' },
          { name: 'x', link: 'bob' },
        ],
      }),
      /^taps\[1\]\.name: two taps are called x/,
    ],
    ['a deed that is none', script({ do: 'dance' }), /^script\[0\]\.do: do what\? One of: ping, traceroute/],
    [
      'a ping from nobody',
      script({ do: 'ping', from: 'eve', to: 'bob' }),
      /^script\[0\]\.from: there is no eve; there are: alice, bob, s1/,
    ],
    ['a ping to nobody', script({ do: 'ping', from: 'alice', to: 'eve' }), /^script\[0\]\.to: there is no eve/],
    ['a ping without a target', script({ do: 'ping', from: 'alice' }), /^script\[0\]\.to: is missing/],
    [
      'an outcome that is none',
      script({ do: 'ping', from: 'alice', to: 'bob', expect: 'joy' }),
      /^script\[0\]\.expect\[0\]: it ends as one of: answered, partly, unreachable, lost/,
    ],
    [
      'a transfer of nothing',
      script({ do: 'transfer', from: 'alice', to: 'bob', size: '0' }),
      /^script\[0\]\.size: 1 octet to 4GiB/,
    ],
    ['a wait without end', script({ do: 'wait', time: '100min' }), /^script\[0\]\.time: at most 60min/],
    ['a cut of nothing', script({ do: 'cut', link: 'carol' }), /^script\[0\]\.link: there is no link carol/],
    [
      'hearing without a listener',
      script({ do: 'ping', from: 'alice', to: 'bob', hears: 'nothing' }),
      /^script\[0\]\.hears: who hears/,
    ],
    [
      'configuring two things',
      script({ do: 'configure', link: 'bob', switch: 's1' }),
      /^script\[0\]: configure one thing/,
    ],
    [
      'a filter of no router',
      script({ do: 'configure', router: 'bob', filters: [] }),
      /^script\[0\]\.router: bob is no router with rip/,
    ],
    ['showing two things', script({ do: 'show', link: 'bob', host: 'bob' }), /^script\[0\]: show one thing/],
    [
      'tags to an address',
      script({ do: 'send', from: 'alice', to: '10.0.0.2', tags: [1] }),
      /^script\[0\]\.to: a tagged frame goes to a host/,
    ],
    ['a flood without bound', script({ do: 'flood-mac', from: 'alice', count: 1e9 }), /^script\[0\]\.count: /],
    [
      'a forged prefix of IPv6',
      script({ do: 'forge-rip', from: 'alice', prefixes: 'fd00::/8' }),
      /^script\[0\]\.prefixes\[0\]: .*not an IPv4 prefix/,
    ],
  ])('refuses %s, and says where', (_, value, message) => {
    expect(mistake(value)).toMatch(message)
  })
})
