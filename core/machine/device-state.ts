/**
 * Device state as one described list of fields, from which come the octets of the migration stream, their JSON
 * description and the comparison at switch-over. Fields, structs and subsections are those of QEMU's vmstate
 * (docs/devel/migration/main.rst); all integers big-endian on the stream.
 */

/** Octets of one number, by type. `equal` and `le` tell QEMU what to check: equal to its own, or not above it. A
 * `timer` is the time it ends. */
export const NUMBER_OCTETS = {
  bool: 1,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  int32: 4,
  int64: 8,
  'int32 le': 4,
  'int32 equal': 4,
  timer: 8,
} as const

/** Octets as they are. What QEMU calls them is told to whoever reads the description. */
export type OctetsType = 'buffer' | 'unused_buffer' | 'pci config' | 'pci irq state'
/** `virtio` is a struct that the description shows as octets only. */
export type StructType = 'struct' | 'virtio'

export interface StateField {
  readonly name: string
  readonly type: keyof typeof NUMBER_OCTETS | OctetsType | StructType
  /** Octets of an `OctetsType`; absent for other types. */
  readonly size?: number
  /** An array of that many elements (not of octets). */
  readonly arrayLength?: number
  /** What is in a struct. */
  readonly body?: StateBody
  /**
   * What this machine always has there, because it lacks what could change it: sent so, and no part of the values. For an
   * array, of each element or of all. A stream that has anything else is refused, unless it is `ignored`: a trace of
   * how the sender works, which changes nothing for the guest.
   */
  readonly fixed?: number | bigint | boolean | Uint8Array | readonly (number | bigint)[]
  readonly ignored?: true
}

/** Fields, and behind them the subsections that are needed: those of which there are values. */
export interface StateBody {
  /** The vmstate name in the JSON. */
  readonly vmsdName: string
  readonly version: number
  readonly fields: readonly StateField[]
  readonly subsections?: readonly StateBody[]
}

/**
 * 64-bit values are bigint, other numbers number, bool boolean, octets Uint8Array (copied), a struct its values, arrays
 * arrays of those.
 */
export type StateValue = number | bigint | boolean | Uint8Array | StateValues | readonly StateValue[]
/** By the names of fields, and of subsections that are there. */
export interface StateValues {
  readonly [name: string]: StateValue
}

export interface DeviceStateDescription extends StateBody {
  /** The section's idstr on the stream, such as `serial`. */
  readonly idstr: string
  readonly instanceId: number
}

/** A device whose state moves with its machine. `loadState` gets values of the described types, but from a hostile
 *  stream: it must check ranges and throw `WireError` rather than take what the device could never hold. */
export interface StatefulDevice {
  readonly stateDescription: DeviceStateDescription
  saveState(): StateValues
  loadState(values: StateValues): void
  /**
   * Only of a device whose section may be missing on a stream: whether there is anything to send. If not it is as a new
   * machine has it, and there it stays so.
   */
  isNeeded?(): boolean
}

/** A device that this machine has in name only: every field is fixed, and every subsection is sent. */
export class FixedDevice implements StatefulDevice {
  constructor(readonly stateDescription: DeviceStateDescription) {}

  saveState(): StateValues {
    return fixedValues(this.stateDescription)
  }

  loadState(_values: StateValues): void {}
}

/** The values of a body of which every field is fixed: its subsections, of which the same holds. */
export function fixedValues({ subsections = [] }: StateBody): StateValues {
  return Object.fromEntries(subsections.map((subsection) => [subsection.vmsdName, fixedValues(subsection)]))
}
