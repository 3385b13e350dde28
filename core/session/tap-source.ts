/** A tap's frames as a capture's index reads them. */
import type { FrameSource } from '../capture/frame-source.js'
import type { Tap } from '../net/tap.js'
import { LINK_TYPE } from '../net/wire/link-layer.js'

export class TapSource implements FrameSource {
  constructor(readonly tap: Tap) {}

  get firstPacket(): number {
    return this.tap.firstPacket
  }
  get lastPacket(): number {
    return this.tap.lastPacket
  }
  frame(packet: number): Uint8Array | undefined {
    return this.tap.frame(packet)
  }
  timeNs(packet: number): number | undefined {
    return this.tap.timeNs(packet)
  }
  linkType(): number {
    return LINK_TYPE.ethernet
  }
  interfaceName(): string {
    return this.tap.name
  }
  comment(): string | undefined {
    return undefined
  }
}
