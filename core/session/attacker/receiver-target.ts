/** The vulnerable receiver as a fuzzer's target: built with checked red zones, so that it ends where it first goes wrong. */
import type { FuzzRun, FuzzTarget } from '../../attack/fuzz/fuzzer.js'
import { PAGE_OCTETS } from '../../base/units.js'
import type { ReceiverFix } from '../../hypervisor/vulnerable-receiver/fixes.js'
import { programLayout } from '../../hypervisor/vulnerable-receiver/program-layout.js'
import { Receiver } from '../../hypervisor/vulnerable-receiver/receiver.js'

export class ReceiverTarget implements FuzzTarget {
  private readonly receiver: Receiver

  constructor(fixes: readonly ReceiverFix[]) {
    this.receiver = new Receiver({
      layout: programLayout(),
      fixes: new Set(fixes),
      canary: null,
      checksRedZones: true,
      mappedPages: [new Uint8Array(PAGE_OCTETS)],
    })
  }

  run(input: Uint8Array): FuzzRun {
    const { status, routine, object, access, branches } = this.receiver.run(input, true)
    const isCrash = status === 'crashed' || status === 'taken-over'
    return {
      branches: [...branches, `${status} in ${routine}`],
      crash: isCrash ? `${routine}: ${access ?? 'check'} outside of ${object}` : null,
    }
  }
}
