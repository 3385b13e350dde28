/** Puts the shaping that was chosen on a channel. */
import type { ByteStream } from '../../base/byte-stream.js'
import type { Kernel } from '../../kernel/kernel.js'
import type { ChannelRole } from '../channel.js'
import { CELL_OCTETS, ShapedStream } from './shaped-stream.js'
import type { ShapingParameters } from './shaping.js'

/** Filler to one part of payload: no less, and no more. A listener who knows both is still off by half. */
const FILLER_SHARE_MIN = 0.5
const FILLER_SHARE_MAX = 2

/** `channel` itself without shaping. Both ends must be shaped alike; only the client's side, which sends the guest, has a beat. */
export function shape(
  kernel: Kernel,
  role: ChannelRole,
  channel: ByteStream,
  hostName: string,
  { shaping, shapingRate }: ShapingParameters,
): ByteStream {
  if (shaping === 'none') return channel
  const drawn = kernel.random(`${hostName}/shaping`).u32() / 2 ** 32
  const fillerShare = role === 'client' ? FILLER_SHARE_MIN + drawn * (FILLER_SHARE_MAX - FILLER_SHARE_MIN) : 0
  const hasBeat = shaping === 'constant-rate' && role === 'client'
  const intervalNs = hasBeat ? Math.max(1, Math.round((CELL_OCTETS * 1e9) / shapingRate)) : null
  return new ShapedStream(kernel, { lower: channel, hostName, fillerShare, intervalNs })
}
