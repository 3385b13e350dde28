/** Tell what a direction of a stream carries by its first octets, whatever its port. */
import type { StreamProtocol } from './stream-protocol.js'

/** So many octets are enough to tell. */
export const RECOGNISED_OCTETS_MAX = 16

export const streamProtocols: readonly StreamProtocol[] = []

/** Null when more octets are needed. `opposite` is what the other direction carries. */
export function recogniseStream(
  _opening: Uint8Array,
  _opposite: StreamProtocol | null,
): StreamProtocol | 'unknown' | null {
  return 'unknown'
}
