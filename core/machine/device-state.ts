/**
 * Device state as one described list of fields, from which come the octets of the migration stream, their JSON
 * description and the comparison at switch-over. Field types are those of QEMU's vmstate
 * (docs/devel/migration/main.rst); all integers big-endian on the stream.
 */

/** Octets of one element, by type. `buffer` has its own `size`. */
export const FIELD_OCTETS = {
  bool: 1,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  int64: 8,
} as const

export interface StateField {
  readonly name: string
  readonly type: keyof typeof FIELD_OCTETS | 'buffer'
  /** Octets of a `buffer`; absent for other types. */
  readonly size?: number
  /** An array of that many elements (not for `buffer`). */
  readonly arrayLength?: number
}

/** 64-bit values are bigint, other numbers number, bool boolean, buffer Uint8Array (copied), arrays arrays of those. */
export type StateValue = number | bigint | boolean | Uint8Array | readonly (number | bigint | boolean)[]
export type StateValues = Readonly<Record<string, StateValue>>

export interface DeviceStateDescription {
  /** The section's idstr on the stream, such as `serial`. */
  readonly idstr: string
  readonly instanceId: number
  readonly version: number
  /** The vmstate name in the JSON, often equal to `idstr`. */
  readonly vmsdName: string
  readonly fields: readonly StateField[]
}

/** A device whose state moves with its machine. `loadState` gets values of the described types, but from a hostile
 *  stream: it must check ranges and throw `WireError` rather than take what the device could never hold. */
export interface StatefulDevice {
  readonly stateDescription: DeviceStateDescription
  saveState(): StateValues
  loadState(values: StateValues): void
}
