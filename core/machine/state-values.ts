/** Reading device state that came over a stream: every value has the described type and range, or it is refused. */
import { WireError } from '../base/errors.js'
import type { StateValue, StateValues } from './device-state.js'

export class StateReader {
  constructor(
    private readonly device: string,
    private readonly values: StateValues,
  ) {}

  /** A whole number from 0 to `max`. */
  number(name: string, max: number): number {
    const value = this.values[name]
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
      ? value
      : this.refuse(name, `not a whole number from 0 to ${max}`)
  }

  u32(name: string): number {
    return this.number(name, 0xffff_ffff)
  }

  u64(name: string): bigint {
    const value = this.values[name]
    return typeof value === 'bigint' && value === BigInt.asUintN(64, value)
      ? value
      : this.refuse(name, 'not an unsigned 64-bit number')
  }

  i64(name: string): bigint {
    const value = this.values[name]
    return typeof value === 'bigint' && value >= -(2n ** 63n) && value < 2n ** 63n
      ? value
      : this.refuse(name, 'not a signed 64-bit number')
  }

  /** A 64-bit field of which only these bits may be set. */
  bits(name: string, allowed: number): number {
    const value = this.u64(name)
    return (value & ~BigInt(allowed >>> 0)) === 0n
      ? Number(value)
      : this.refuse(name, `0x${value.toString(16)}: it has bits that are not there`)
  }

  bool(name: string): boolean {
    const value = this.values[name]
    return typeof value === 'boolean' ? value : this.refuse(name, 'neither true nor false')
  }

  /** An array of exactly `length` numbers from 0 to `max`. */
  numbers(name: string, length: number, max: number): number[] {
    return this.elements(name, length).map((entry) =>
      typeof entry === 'number' && Number.isInteger(entry) && entry >= 0 && entry <= max
        ? entry
        : this.refuse(name, `an element is not a whole number from 0 to ${max}`),
    )
  }

  /** Exactly `length` octets, copied. */
  octets(name: string, length: number): Uint8Array {
    const value = this.values[name]
    return value instanceof Uint8Array && value.length === length
      ? value.slice()
      : this.refuse(name, `not ${length} octets`)
  }

  struct(name: string): StateReader {
    return this.reader(name, this.values[name])
  }

  structs(name: string, length: number): StateReader[] {
    return this.elements(name, length).map((element) => this.reader(name, element))
  }

  /** A subsection, or null when it was not sent. */
  subsection(name: string): StateReader | null {
    return name in this.values ? this.struct(name) : null
  }

  refuse(name: string, reason: string): never {
    throw new WireError(`state of ${this.device}`, 0, `${name} is ${reason}`)
  }

  private elements(name: string, length: number): readonly StateValue[] {
    const value = this.values[name]
    return Array.isArray(value) && value.length === length
      ? (value as readonly StateValue[])
      : this.refuse(name, `not ${length} elements`)
  }

  private reader(name: string, value: StateValue | undefined): StateReader {
    return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)
      ? new StateReader(this.device, value as StateValues)
      : this.refuse(name, 'not a struct')
  }
}
