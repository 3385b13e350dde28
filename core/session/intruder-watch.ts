/** Looks at every frame of a host's cable for signs of an intruder, as arpwatch does and more, and writes down what it finds. */
import { IntruderSigns } from '../attack/intruder-signs.js'
import { WireError } from '../base/errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { FrameWitness } from '../net/frame-witness.js'
import type { IpAddress, MacAddress } from '../net/wire/addresses.js'
import { decodeCapturedTcp, LINK_TYPE, type CapturedTcp } from '../net/wire/link-layer.js'

export class IntruderWatch implements FrameWitness {
  private readonly signs = new IntruderSigns()
  private told = 0
  private frames = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly host: string,
    stations: readonly { readonly address: IpAddress; readonly mac: MacAddress }[],
  ) {
    for (const { address, mac } of stations) this.signs.expect(address, mac)
  }

  record(frame: Uint8Array): void {
    const { kernel, signs } = this
    this.frames++
    const kept = frame.slice()
    signs.frame(kept, kernel.nowNs, this.frames, LINK_TYPE.ethernet, segmentIn(kept))
    for (const { kind, text } of signs.signs.slice(this.told))
      kernel.trace.add('intruder-sign', { host: this.host, sign: kind, text })
    this.told = signs.signs.length
  }
}

/** What makes no sense to its reader is passed over, as in a capture. */
function segmentIn(frame: Uint8Array): CapturedTcp | null {
  try {
    return decodeCapturedTcp(LINK_TYPE.ethernet, frame)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return null
  }
}
