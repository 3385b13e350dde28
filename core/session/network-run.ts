/** A plan's network with its script, from the first event to the last. */
import { assert } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import { Kernel } from '../kernel/kernel.js'
import { Network } from './network-builder.js'
import type { NetworkPlan } from './network-plan.js'
import type { ScriptEntry } from './network-script/script-entry.js'
import { ScriptPlayer } from './network-script/script-player.js'

/** What a run came to: plain values. */
export interface NetworkResult {
  readonly title: string
  readonly seed: string
  /** Every item ended as it should. */
  readonly passed: boolean
  /** In the order of the script. */
  readonly entries: readonly ScriptEntry[]
  readonly endNs: Nanos
  readonly traceHash: string
  readonly taps: readonly { readonly name: string; readonly packets: number }[]
}

export class NetworkRun {
  readonly kernel: Kernel
  readonly network: Network
  readonly player: ScriptPlayer

  /** Throws `LabError`. */
  constructor(
    readonly plan: NetworkPlan,
    readonly seed: string = plan.seed,
  ) {
    this.kernel = new Kernel(seed)
    this.network = new Network(this.kernel, plan)
    this.player = new ScriptPlayer(this.network, plan.script)
  }

  /** Run until the script is over or for `spanNs`. True when it is over. */
  run(spanNs: Nanos = Infinity): boolean {
    const { kernel, player } = this
    const untilNs = kernel.nowNs + spanNs
    while (!player.isFinished) {
      const nextNs = kernel.nextEventNs()
      assert(nextNs !== undefined, 'a script that is not over waits for something')
      if (nextNs > untilNs) break
      kernel.step()
    }
    if (!player.isFinished) kernel.runUntil(untilNs)
    return player.isFinished
  }

  result(): NetworkResult {
    const { plan, seed, kernel, player, network } = this
    return {
      ...{ title: plan.title, seed, passed: player.isAsExpected },
      entries: [...player.entries].sort((a, b) => a.index - b.index),
      endNs: kernel.nowNs,
      traceHash: kernel.trace.hash(),
      taps: network.taps.map(({ name, lastPacket }) => ({ name, packets: lastPacket })),
    }
  }
}
