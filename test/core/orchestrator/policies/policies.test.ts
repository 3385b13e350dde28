import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FleetView, KnownHost, KnownVm, Proposal } from '../../../../core/orchestrator/placement-policy.js'
import { BALANCE_GAP } from '../../../../core/orchestrator/policies/balance.js'
import {
  consolidatedPlacement,
  FILL_SHARE,
  firstFitDecreasing,
} from '../../../../core/orchestrator/policies/consolidate.js'
import { policies, policyNames } from '../../../../core/orchestrator/policies/policies.js'

interface HostSketch extends Partial<Omit<KnownHost, 'vms' | 'busyCores' | 'freeRamOctets'>> {
  readonly vms?: readonly (Partial<KnownVm> & { readonly busyCores: number })[]
}

/** Hosts h1, h2, ... with 2 cores and room for 8; machines of size 1 named after their hosts. */
function fleet(...sketches: readonly HostSketch[]): FleetView {
  const hosts = sketches.map((sketch, index): KnownHost => {
    const name = `h${index + 1}`
    const vms = (sketch.vms ?? []).map((vm, at) => ({ name: `${name}-${at + 1}`, ramOctets: 1, refusedBy: [], ...vm }))
    const host = { standing: 'up', health: 'ok', cores: 2, ramOctets: 8, isMoving: false, isSettled: true } as const
    const known = { ...host, ...sketch, name, vms }
    return {
      ...known,
      busyCores: vms.reduce((sum, { busyCores }) => sum + busyCores, 0),
      freeRamOctets: known.ramOctets - vms.reduce((sum, { ramOctets }) => sum + ramOctets, 0),
    }
  })
  return { hosts }
}

const loads = (...busy: number[]): HostSketch => ({ vms: busy.map((busyCores) => ({ busyCores })) })
const moves = (proposals: readonly Proposal[]): string[] =>
  proposals.map((one) => ('vm' in one ? `${one.kind} ${one.vm} > ${one.to}` : `${one.kind} ${one.host}`))

const sketch: fc.Arbitrary<HostSketch> = fc.record({
  standing: fc.constantFrom('up', 'up', 'up', 'up', 'silent', 'dead', 'off', 'starting'),
  health: fc.constantFrom('ok', 'ok', 'ok', 'warning', 'failing'),
  cores: fc.constantFrom(1, 2, 4),
  ramOctets: fc.integer({ min: 6, max: 12 }),
  isMoving: fc.constantFrom(false, false, false, true),
  isSettled: fc.constantFrom(true, true, false),
  vms: fc.array(
    fc.record({
      busyCores: fc.integer({ min: 0, max: 20 }).map((tenths) => tenths / 20),
      ramOctets: fc.integer({ min: 1, max: 2 }),
      refusedBy: fc.constantFrom<readonly string[]>([], [], ['h1'], ['h2', 'h3']),
    }),
    { maxLength: 3 },
  ),
})
const fleets = fc.array(sketch, { minLength: 1, maxLength: 10 }).map((sketches) => fleet(...sketches))
/** All healthy and settled, of one size. */
const evenFleets = fc
  .array(
    fc.record({
      vms: fc.array(fc.record({ busyCores: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 20) }), {
        maxLength: 3,
      }),
    }),
    { minLength: 1, maxLength: 10 },
  )
  .map((sketches) => fleet(...sketches))

/** What the moves would make of it. */
function applied({ hosts }: FleetView, proposals: readonly Proposal[]): FleetView {
  const placed = new Map(hosts.map((host) => [host.name, [...host.vms]]))
  const standing = new Map(hosts.map((host) => [host.name, host.standing]))
  for (const one of proposals) {
    if (one.kind === 'power-off') standing.set(one.host, 'off')
    if (one.kind !== 'move') continue
    const vm = placed.get(one.from)?.find(({ name }) => name === one.vm)
    expect(vm, 'a machine is moved from where it is').toBeDefined()
    if (vm === undefined) continue
    placed.set(
      one.from,
      (placed.get(one.from) ?? []).filter((other) => other !== vm),
    )
    placed.get(one.to)?.push(vm)
  }
  return {
    hosts: hosts.map((host) => {
      const vms = placed.get(host.name) ?? []
      return {
        ...host,
        standing: standing.get(host.name) ?? host.standing,
        vms,
        busyCores: vms.reduce((sum, { busyCores }) => sum + busyCores, 0),
        freeRamOctets: host.ramOctets - vms.reduce((sum, { ramOctets }) => sum + ramOctets, 0),
      }
    }),
  }
}

const unevenness = ({ hosts }: FleetView): number =>
  hosts.reduce((sum, { busyCores, cores }) => sum + (busyCores * busyCores) / cores, 0)
const usedHosts = ({ hosts }: FleetView): number => hosts.filter(({ vms }) => vms.length > 0).length

describe.each(policyNames)('%s', (name) => {
  it('never takes more memory than is free, never asks a host that cannot, and uses a host for one move at a time', () => {
    fc.assert(
      fc.property(fleets, (view) => {
        const proposals = policies[name](view)
        const free = new Map(view.hosts.map((host) => [host.name, host.freeRamOctets]))
        const taken = new Set<string>()
        for (const proposal of proposals) {
          if (proposal.kind !== 'move' && proposal.kind !== 'restart') continue
          const from = view.hosts.find((host) => host.name === proposal.from)
          const to = view.hosts.find((host) => host.name === proposal.to)
          const vm = from?.vms.find((one) => one.name === proposal.vm)
          expect(to).toMatchObject({ standing: 'up', health: 'ok', isMoving: false })
          expect(vm?.refusedBy).not.toContain(proposal.to)
          const left = (free.get(proposal.to) ?? 0) - (vm?.ramOctets ?? Infinity)
          expect(left).toBeGreaterThanOrEqual(0)
          free.set(proposal.to, left)
          expect(from?.standing).toBe(proposal.kind === 'move' ? 'up' : 'dead')
          if (proposal.kind === 'move')
            for (const host of [proposal.from, proposal.to]) {
              expect(taken.has(host)).toBe(false)
              taken.add(host)
            }
        }
        expect(policies[name](view)).toEqual(proposals)
      }),
    )
  })

  it('leaves hosts alone that have a machine on its way', () => {
    fc.assert(
      fc.property(fleets, (view) => {
        const busy: FleetView = { hosts: view.hosts.map((host) => ({ ...host, isMoving: true })) }
        expect(policies[name](busy).filter(({ kind }) => kind === 'move' || kind === 'power-off')).toEqual([])
      }),
    )
  })
})

describe('balance', () => {
  const { balance } = policies

  it('moves what brings the busiest and the idlest closest', () => {
    expect(moves(balance(fleet(loads(0.8, 0.6, 0.2), loads(), loads(0.5, 0.3))))).toEqual(['move h1-1 > h2'])
  })
  it('leaves a small gap, and what a move would only turn around', () => {
    expect(balance(fleet(loads(1), loads(0.6)))).toEqual([])
    expect(balance(fleet(loads(1.2), loads()))).toEqual([])
  })
  it('waits until what it knows is newer than what it did', () => {
    expect(balance(fleet({ ...loads(0.8, 0.8), isSettled: false }, loads()))).toEqual([])
  })
  it('tries another host when one failed to take the machine', () => {
    const vms = [1, 2].map(() => ({ busyCores: 0.8, refusedBy: ['h2'] }))
    expect(moves(balance(fleet({ vms }, loads(), loads(0.1))))).toEqual(['move h1-1 > h3'])
  })
  it('makes it more even or does nothing, and comes to an end', () => {
    fc.assert(
      fc.property(evenFleets, (view) => {
        let state = view
        for (let round = 0; ; round++) {
          const proposals = balance(state)
          if (proposals.length === 0) break
          const next = applied(state, proposals)
          expect(unevenness(next)).toBeLessThan(unevenness(state))
          state = next
          expect(round).toBeLessThan(100)
        }
        // Of what is left, no single move that is worth it was missed.
        const shares = state.hosts.map(({ busyCores, cores }) => busyCores / cores)
        const gap = Math.max(...shares) - Math.min(...shares)
        const hottest = state.hosts[shares.indexOf(Math.max(...shares))]
        if (gap > BALANCE_GAP)
          for (const vm of hottest?.vms ?? []) expect(Math.abs(gap - vm.busyCores)).toBeGreaterThan(gap - 0.1 - 1e-9)
      }),
    )
  })
})

describe('consolidate', () => {
  const { consolidate } = policies

  it('empties the idlest hosts, and switches empty ones off', () => {
    const view = fleet(loads(0.4, 0.4), loads(0.2), loads(0.1), loads())
    expect(moves(consolidate(view))).toEqual(['move h2-1 > h1', 'power-off h4'])
  })
  it('keeps one host on', () => {
    expect(moves(consolidate(fleet(loads(), loads())))).toEqual(['power-off h1'])
  })
  it('leaves what cannot be packed closer', () => {
    expect(consolidate(fleet(loads(0.9), loads(0.9)))).toEqual([])
  })
  it('relieves a host that is too busy, by another or by one that it switches on', () => {
    expect(moves(consolidate(fleet(loads(1, 0.95), loads(0.5))))).toEqual(['move h1-1 > h2'])
    expect(moves(consolidate(fleet(loads(1, 0.95), loads(1.5), { standing: 'off' })))).toEqual(['power-on h3'])
    expect(consolidate(fleet(loads(1, 0.95), { standing: 'starting' }))).toEqual([])
  })
  it('plans no more hosts than filling them anew would take, and overfills none', () => {
    fc.assert(
      fc.property(evenFleets, (view) => {
        const anew = firstFitDecreasing(view.hosts)
        const target = consolidatedPlacement(view)
        const used = usedHosts(view)
        const planned = target === null ? used : new Set(target.values()).size
        if (target !== null) expect(planned).toBeLessThan(used)
        if (anew !== null) expect(planned).toBeLessThanOrEqual(new Set(anew.values()).size)
        for (const host of view.hosts) {
          const vms = view.hosts.flatMap((one) => one.vms).filter((vm) => target?.get(vm.name) === host.name)
          const gets = vms.some((vm) => !host.vms.includes(vm))
          if (!gets) continue
          expect(vms.reduce((sum, { ramOctets }) => sum + ramOctets, 0)).toBeLessThanOrEqual(host.ramOctets)
          expect(vms.reduce((sum, { busyCores }) => sum + busyCores, 0)).toBeLessThanOrEqual(
            FILL_SHARE * host.cores + 1e-9,
          )
        }
      }),
    )
  })
  it('gets there: no more hosts are on than that in the end, and every machine is on one', () => {
    fc.assert(
      fc.property(evenFleets, (view) => {
        const anew = firstFitDecreasing(view.hosts)
        let state = view
        for (let round = 0; ; round++) {
          const proposals = consolidate(state)
          if (proposals.length === 0) break
          state = applied(state, proposals)
          expect(round).toBeLessThan(200)
        }
        const overloaded = view.hosts.some(({ busyCores, cores }) => busyCores / cores > 0.9)
        if (anew !== null && !overloaded)
          expect(usedHosts(state)).toBeLessThanOrEqual(Math.max(1, new Set(anew.values()).size))
        for (const { standing, vms } of state.hosts) if (standing === 'off') expect(vms).toEqual([])
        expect(state.hosts.flatMap(({ vms }) => vms)).toHaveLength(view.hosts.flatMap(({ vms }) => vms).length)
      }),
    )
  })
})

describe('evacuate', () => {
  const { evacuate } = policies

  it('empties a host that warns onto the one with the most free memory, what is failing first', () => {
    const view = fleet({ ...loads(0.1), health: 'warning' }, { ...loads(0.1), health: 'failing' }, loads(0.1), {
      ramOctets: 9,
    })
    expect(moves(evacuate(view))).toEqual(['move h2-1 > h4', 'move h1-1 > h3'])
  })
  it('fences a silent host that holds machines, and no other', () => {
    expect(moves(evacuate(fleet({ ...loads(0.1), standing: 'silent' }, { standing: 'silent' }, loads())))).toEqual([
      'fence h1',
    ])
  })
  it('starts the machines of a dead host anew, once it is sure where they were', () => {
    const dead = { ...loads(0.1, 0.1), standing: 'dead' } as const
    expect(moves(evacuate(fleet(dead, loads(), loads(0.05))))).toEqual(['restart h1-1 > h2', 'restart h1-2 > h3'])
    expect(evacuate(fleet({ ...dead, isSettled: false }, loads()))).toEqual([])
  })
})
