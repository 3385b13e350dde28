import { describe, expect, it } from 'vitest'
import type { Advert } from '../../../core/hypervisor/wire/adverts.js'
import { KnownHosts } from '../../../core/orchestrator/known-hosts.js'

const SECOND = 1e9

function advert(host: string, sequence: number, ...vms: string[]): Advert {
  const resources = { cores: 2, busyShare: 0.5, ramOctets: 8, freeRamOctets: 8 - vms.length, controllerAddress: 9 }
  const machines = vms.map((name) => ({ name, ramOctets: 1, busyShare: 0.25, monitorPort: 4500 }))
  return { host, sequence, health: 'ok', power: 'on', ...resources, vms: machines }
}
const placed = (hosts: KnownHosts, nowNs = 0) =>
  hosts.view(nowNs).hosts.map(({ name, standing, vms }) => [name, standing, ...vms.map((vm) => vm.name)].join(' '))

describe('what is known of hosts', () => {
  it('is what they say, in the order of their names', () => {
    const hosts = new KnownHosts(SECOND)
    expect(hosts.take(advert('b', 0, 'x'), 2, 0)).toBe('new')
    expect(hosts.take(advert('a', 0), 1, 0)).toBe('new')
    expect(hosts.take(advert('a', 1, 'y', 'z'), 1, SECOND)).toBe('heard')
    expect(placed(hosts)).toEqual(['a up y z', 'b up x'])
    expect(hosts.view(0).hosts[0]).toMatchObject({ busyCores: 1, freeRamOctets: 6, isSettled: true })
  })

  it('passes over an advert that comes late or twice, also when the numbers begin again', () => {
    const hosts = new KnownHosts(SECOND)
    hosts.take(advert('a', 0xffff_ffff, 'x'), 1, 0)
    expect(hosts.take(advert('a', 0xffff_ffff), 1, 0)).toBe('stale')
    expect(hosts.take(advert('a', 0xffff_fff0), 1, 0)).toBe('stale')
    expect(hosts.take(advert('a', 0, 'y'), 1, 0)).toBe('heard')
    expect(placed(hosts)).toEqual(['a up y'])
  })

  it('makes a host silent after three intervals without a word, and up when it speaks again', () => {
    const hosts = new KnownHosts(SECOND)
    hosts.take(advert('a', 0, 'x'), 1, 0)
    expect(hosts.sweep(3.4 * SECOND)).toEqual([])
    expect(hosts.sweep(3.6 * SECOND).map(({ name }) => name)).toEqual(['a'])
    expect(placed(hosts)).toEqual(['a silent x'])
    expect(hosts.take(advert('a', 5, 'x'), 1, 9 * SECOND)).toBe('back')
    expect(placed(hosts)).toEqual(['a up x'])
    expect(hosts.view(0).hosts[0]?.isSettled).toBe(false)
  })

  it('waits for a host that was set up as for one that was heard, and says nothing of it before', () => {
    const vm = { name: 'x', ramOctets: 1, monitorPort: 4500 }
    const set = { address: 1, cores: 2, ramOctets: 8, controllerAddress: 9, vms: [vm] }
    const hosts = new KnownHosts(SECOND)
    for (const host of ['a', 'b']) hosts.expect({ host, ...set })
    expect(placed(hosts)).toEqual([])
    expect(hosts.take(advert('b', 0xffff_0000), 2, 3 * SECOND)).toBe('new')
    expect(hosts.sweep(3.4 * SECOND)).toEqual([])
    expect(hosts.sweep(3.6 * SECOND).map(({ name }) => name)).toEqual(['a'])
    expect(placed(hosts)).toEqual(['a silent x', 'b up'])
    expect(hosts.take(advert('a', 0, 'x'), 1, 4 * SECOND)).toBe('back')
    expect(placed(hosts)).toEqual(['a up x', 'b up'])
  })

  it('believes of two that name a machine the one that is up, and then the one that spoke last', () => {
    const hosts = new KnownHosts(SECOND)
    hosts.take(advert('a', 0, 'x'), 1, 0)
    hosts.take(advert('b', 0, 'x'), 2, SECOND)
    expect(placed(hosts)).toEqual(['a up', 'b up x'])
    const record = hosts.get('b')
    if (record !== undefined) record.standing = 'dead'
    expect(placed(hosts)).toEqual(['a up x', 'b dead'])
  })

  it('keeps the machines of a dead host until they are elsewhere', () => {
    const hosts = new KnownHosts(SECOND)
    hosts.take(advert('a', 0, 'x'), 1, 0)
    hosts.take(advert('b', 0), 2, 0)
    const record = hosts.get('a')
    if (record !== undefined) record.standing = 'dead'
    expect(hosts.take(advert('a', 1), 1, SECOND)).toBe('stale')
    hosts.place('x', 'a', 'b', true)
    expect(placed(hosts)).toEqual(['a dead', 'b up x'])
    expect(hosts.take(advert('a', 2), 1, SECOND)).toBe('back')
  })

  it('remembers no more hosts than it can', () => {
    const hosts = new KnownHosts(SECOND)
    for (let index = 0; index < 1024; index++) hosts.take(advert(`h${index}`, 0), index, 0)
    expect(hosts.take(advert('one-more', 0), 5000, 0)).toBe('stale')
    expect(hosts.take(advert('h7', 1), 7, 0)).toBe('heard')
    expect(hosts.all()).toHaveLength(1024)
  })

  it('remembers for a while which host did not take a machine', () => {
    const hosts = new KnownHosts(SECOND)
    hosts.take(advert('a', 0, 'x'), 1, 0)
    hosts.refuse('x', 'b', 0)
    expect(hosts.view(29 * SECOND).hosts[0]?.vms[0]?.refusedBy).toEqual(['b'])
    hosts.refuse('x', 'c', 20 * SECOND)
    hosts.refuse('y', 'c', 31 * SECOND)
    expect(hosts.view(31 * SECOND).hosts[0]?.vms[0]?.refusedBy).toEqual(['c'])
    expect(hosts.view(51 * SECOND).hosts[0]?.vms[0]?.refusedBy).toEqual([])
  })
})
