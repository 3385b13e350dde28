import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatOctets, latin1Octets } from '../../../../core/base/octets.js'
import { knownProgram } from '../../../../core/attack/module/known-program.js'
import { exploitNames, exploits } from '../../../../core/attack/module/restore-exploits.js'
import { receiverFixNames } from '../../../../core/hypervisor/vulnerable-receiver/fixes.js'
import {
  encodeBatch,
  encodeDevices,
  encodeFreeList,
  encodeKeyboard,
  encodeNetworkCard,
  encodeOpening,
  PAGE_TYPE_NONE,
  restoreFields,
  VCPU_MAP_BATCH,
  VERIFY_BATCH,
} from '../../../../core/hypervisor/wire/restore-stream.js'
import { receive } from '../../../support/receiver.js'

const keys = latin1Octets('ls -l')
const page = (octet: number): Uint8Array => new Uint8Array(4096).fill(octet)
const valid = concatOctets([
  encodeOpening(latin1Octets('web'), 64),
  encodeBatch(VCPU_MAP_BATCH, [1, 0]),
  encodeBatch(3, [5, ((PAGE_TYPE_NONE << 28) | 6) >>> 0, 0x1000_0007], [page(1), page(2)]),
  encodeBatch(VERIFY_BATCH),
  encodeBatch(1, [5], [page(3)]),
  encodeBatch(0),
  encodeFreeList(2, [7, 8]),
  encodeDevices(
    encodeKeyboard({ data: keys, rptr: 0, wptr: keys.length, count: keys.length }),
    encodeNetworkCard(32, page(9).slice(0, 32)),
  ),
])

describe('the vulnerable receiver', () => {
  it.each([
    ['as it is', {}],
    ['with every fix', { fixes: new Set(receiverFixNames) }],
    ['with a canary and checked red zones', { canary: 0x1234_5678, checksRedZones: true }],
  ])('loads a guest, %s', (_what, options) => {
    const run = receive(valid, options)
    expect(run).toMatchObject({ status: 'loaded', corrupted: null, octetsRead: valid.length })
    expect(run.guest).toMatchObject({ name: 'web', freed: [7], isVerified: true, keysTaken: keys })
    expect([...(run.guest?.pages ?? [])].map(([pfn, octets]) => [pfn, octets[0]])).toEqual([
      [5, 3],
      [7, 2],
    ])
  })

  it('waits for the rest, at whatever octet a part ends, and refuses what ends there', () => {
    for (let length = 0; length < valid.length; length += 97) {
      expect(receive(valid.subarray(0, length), { isEnded: false }).status).toBe('waiting')
      expect(receive(valid.subarray(0, length)).status).toBe('refused')
    }
  })

  it('refuses what its original refused too', () => {
    const opening = encodeOpening(latin1Octets('web'), 64)
    const refused = (...parts: readonly Uint8Array[]): string => {
      const run = receive(concatOctets([opening, ...parts]))
      expect(run.status).toBe('refused')
      return run.detail
    }
    expect(refused(encodeBatch(1025))).toBe('a batch of 1025 pages')
    expect(refused(encodeBatch(1, [64], [page(0)]))).toBe('page 64 of 64')
    expect(refused(encodeBatch(0), encodeFreeList(2 ** 30 - 1))).toMatch(/^no memory/)
    expect(refused(encodeBatch(0), encodeFreeList(0), encodeDevices(Uint8Array.of(9)))).toBe('there is no device 9')
    expect(receive(latin1Octets('LinuxGuestRecorD')).detail).toMatch(/^not a stream/)
  })

  it('crashes before long when a free list goes on and on: what lies behind the list are no pages', () => {
    const endless = concatOctets([
      encodeOpening(latin1Octets('web'), 64),
      encodeBatch(0),
      encodeFreeList(2 ** 31),
      encodeDevices(),
    ])
    expect(receive(endless)).toMatchObject({ status: 'crashed', object: 'p2m', access: 'read' })
    expect(receive(endless, { checksRedZones: true }).detail).toMatch(/^read of pfntab .* outside of it$/)
  })

  it('never throws and never hangs, whatever comes', () => {
    const bases = [valid, ...exploitNames.map((name) => exploits[name](knownProgram))]
    const anything = fc.uint8Array({ maxLength: 600 })
    const base = fc.constantFrom(...bases)
    const changed = fc
      .tuple(
        base,
        fc.array(fc.tuple(fc.nat(500), fc.constantFrom(0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xff)), { maxLength: 6 }),
      )
      .map(([octets, changes]) => {
        const copy = octets.slice()
        for (const [at, octet] of changes) copy[at] = octet
        return copy
      })
    // A hostile tail behind a beginning that is right.
    const spliced = fc
      .tuple(base, fc.nat(valid.length), anything)
      .map(([octets, length, tail]) => concatOctets([octets.subarray(0, length), tail]))
    fc.assert(
      fc.property(fc.oneof(anything, changed, spliced), fc.boolean(), fc.boolean(), (stream, isEnded, checks) => {
        const run = receive(stream, { isEnded, checksRedZones: checks })
        expect(run.octetsRead).toBeLessThanOrEqual(stream.length)
        if (run.status === 'waiting') expect(isEnded).toBe(false)
        expect(restoreFields(stream).reduce((sum, { length }) => sum + length, 0)).toBe(stream.length)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the fields of a stream', () => {
  it('are named in their order, whatever they claim', () => {
    const names = restoreFields(valid).map(({ name }) => name)
    expect(names.slice(0, 6)).toEqual(['signature', 'length of the name', 'name', 'nr_pfns', 'batch', 'map of vCPUs'])
    expect(names.slice(-4)).toEqual(['device', 'config_len', 'config', 'device'])
    const batch = restoreFields(valid).filter(({ name }) => name === 'batch')
    expect(batch.map(({ value }) => value)).toEqual([-2, 3, -1, 1, 0])
  })
})
