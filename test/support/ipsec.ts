import type { FrameSink } from '../../core/base/frame-sink.js'
import { IpsecHost } from '../../core/session/ipsec-host.js'
import type { HostStack } from '../../core/net/host-stack.js'
import type { LinkEnd } from '../../core/net/link.js'

/** The IPsec of a host that was told to protect something. */
export function ipsecOf(stack: HostStack): IpsecHost {
  const { transform } = stack.ip.transformed
  if (!(transform instanceof IpsecHost)) throw new Error(`${stack.name} protects nothing`)
  return transform
}

const IPV6_PROTOCOL_AT = 14 + 6
const ETHERTYPE_AT = 12
const ESP = 50

/** Sits on a cable and changes one bit of ESP packets: of those whose number, from 1, `spoils` says yes to. */
export class EspTamper implements FrameSink {
  seen = 0
  spoilt = 0
  private readonly next: FrameSink | null

  constructor(
    end: LinkEnd,
    private readonly spoils: (number: number) => boolean,
  ) {
    this.next = end.output
    end.output = this
  }

  receiveFrame(frame: Uint8Array): void {
    const isEsp = frame[ETHERTYPE_AT] === 0x86 && frame[ETHERTYPE_AT + 1] === 0xdd && frame[IPV6_PROTOCOL_AT] === ESP
    if (isEsp && this.spoils(++this.seen)) {
      this.spoilt++
      frame = frame.slice()
      frame[frame.length - 20] = (frame[frame.length - 20] ?? 0) ^ 1
    }
    this.next?.receiveFrame(frame)
  }
}
