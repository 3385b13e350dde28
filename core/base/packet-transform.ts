/**
 * What a host does to whole IP packets between its IP layer and its link: sealing them on the way out, opening them on the
 * way in. IP knows no more of it than this, so that protection below TCP needs no code in the network stack.
 *
 * A transform is data and has no time of its own: it says when its work on a packet is done, and IP waits that long.
 */
import type { Nanos } from './units.js'

/** What becomes of a packet. */
export type PacketVerdict =
  /** It goes on as it is. */
  | { readonly kind: 'pass' }
  /** It cannot go yet, and is asked about again when whoever owns the transform says so. Only on the way out. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'drop'; readonly reason: string }
  /** `packet` goes on in its place at `readyNs`. */
  | { readonly kind: 'replace'; readonly packet: Uint8Array; readonly readyNs: Nanos }

/** Packets are whole: before they are cut on the way out, after they were put together on the way in. They stay the caller's. */
export interface PacketTransform {
  outgoing(packet: Uint8Array): PacketVerdict
  incoming(packet: Uint8Array): PacketVerdict
  /** Octets of the longest packet to `destination` that is not longer than `mtu` octets when it leaves. */
  innerMtu(destination: number | bigint, mtu: number): number
  /** When everything that was taken on will be done; in the past or now if it is idle. */
  busyUntilNs(): Nanos
}
