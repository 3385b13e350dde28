import { describe, expect, it } from 'vitest'
import { Fuzzer, type FuzzCrash } from '../../../../core/attack/fuzz/fuzzer.js'
import { restoreSeeds } from '../../../../core/attack/fuzz/restore-seeds.js'
import { hexOf } from '../../../../core/base/octets.js'
import { receiverFixNames, type ReceiverFix } from '../../../../core/hypervisor/vulnerable-receiver/fixes.js'
import { RandomStream } from '../../../../core/kernel/random.js'
import { ReceiverTarget } from '../../../../core/session/attacker/receiver-target.js'
import { receive } from '../../../support/receiver.js'

function fuzzed(runs: number, fixes: readonly ReceiverFix[] = []): Fuzzer {
  const fuzzer = new Fuzzer(new ReceiverTarget(fixes), restoreSeeds, new RandomStream('fuzz 14'))
  while (fuzzer.runs < runs) fuzzer.step()
  return fuzzer
}

const RUNS = 5000

/** Which fix keeps which crash away. */
const bugs: Readonly<Record<string, ReceiverFix>> = {
  'xc_domain_restore: write outside of region_pfn_type': 'batch-check',
  'xc_domain_restore: read outside of pfntab': 'free-list-check',
  'xc_domain_restore: read outside of p2m': 'pfn-check',
  'ps2_read_data: read outside of keyboard.data': 'index-check',
  'virtio_load: write outside of config': 'length-check',
}

describe('the fuzzer', () => {
  it('begins with streams that are right', () => {
    for (const seed of restoreSeeds)
      expect(receive(seed, { fixes: new Set(receiverFixNames), checksRedZones: true }).status).toBe('loaded')
  })

  it('finds every bug of the receiver, and makes small what brings it about', () => {
    const { crashes } = fuzzed(RUNS)
    expect(crashes.map(({ crash }) => crash).toSorted()).toEqual(Object.keys(bugs).toSorted())
    for (const { crash, minimised, input } of crashes) {
      expect(minimised.length).toBeLessThanOrEqual(input.length)
      expect(new ReceiverTarget([]).run(minimised).crash).toBe(crash)
      for (const fix of receiverFixNames) {
        const isMended = new ReceiverTarget([fix]).run(minimised).crash !== crash
        expect([crash, fix, isMended]).toEqual([crash, fix, bugs[crash] === fix])
      }
    }
  })

  it('finds nothing where all is mended, in as many runs', () => {
    const fuzzer = fuzzed(RUNS, receiverFixNames)
    expect(fuzzer.crashes).toEqual([])
    expect(fuzzer.branchCount).toBeGreaterThan(18)
    expect(fuzzer.corpusSize).toBeGreaterThan(restoreSeeds.length)
  })

  it('does the same again', () => {
    const told = ({ crashes }: Fuzzer): readonly unknown[] =>
      crashes.map(({ crash, run, minimised, minimisingTests }: FuzzCrash) => [
        crash,
        run,
        hexOf(minimised),
        minimisingTests,
      ])
    const first = fuzzed(300)
    expect(told(first).length).toBeGreaterThan(0)
    expect(told(fuzzed(300))).toEqual(told(first))
  })
})
