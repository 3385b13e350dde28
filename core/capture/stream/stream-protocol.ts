/** A protocol inside TCP: how its streams are cut, dissected and summed up in a line. */
import type { Dissection } from '../dissection.js'
import type { FieldDefinition } from '../field.js'
import type { StreamUnit } from './unit-list.js'
import type { UnitWalker } from './unit-walker.js'

export interface StreamProtocol {
  /** In the list of packets; TLS and SSH say their version. */
  readonly columnName: string
  /** Its layer in a tree, and its name in a filter. */
  readonly layer: FieldDefinition
  /** Of one that only opens a stream: so many octets, and then another protocol begins. */
  readonly preambleOctets?: number
  makeWalker(): UnitWalker
  /** Dissect one unit, which is `octets[start, end)` of the dissection. */
  dissectUnit(dissection: Dissection, walker: UnitWalker, unit: StreamUnit, start: number, end: number): void
  /** The units that end in a packet, in words. */
  describe(units: readonly CountedUnit[], walker: UnitWalker): string
}

/** So many equal units in a row. */
export interface CountedUnit {
  readonly first: StreamUnit
  readonly count: number
  /** Octets of the first one from its start, as many as are at hand: at least its header, or none. */
  readonly head: Uint8Array
  /** Octets of the stream that the packet brought. */
  readonly packetOctets: number
}
