import { readMac, isGroupMac } from '../../net/wire/addresses.js'
import type { HostStack } from '../../net/host-stack.js'
import type { FrameListener, NetworkInterface } from '../../net/network-interface.js'

/** Counts frames that reach a host although they are addressed to somebody else: what a sniffer there would have. */
export class Eavesdropper implements FrameListener {
  frames = 0

  constructor(private readonly host: HostStack) {
    for (const through of host.interfaces) {
      if (through.parent !== null) continue
      through.listener = this
      through.isPromiscuous = true
    }
  }

  frameHeard(frame: Uint8Array, through: NetworkInterface): void {
    const destination = readMac(frame, 0)
    if (destination !== through.mac && !isGroupMac(destination)) this.frames++
  }

  stop(): void {
    for (const through of this.host.interfaces) {
      if (through.listener !== this) continue
      through.listener = null
      through.isPromiscuous = false
    }
  }
}
