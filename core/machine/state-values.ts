/** Reading device state that came over a stream: every value has the described type and range, or it is refused. */
import { WireError } from '../base/errors.js'
import type { StateValues } from './device-state.js'

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

  bool(name: string): boolean {
    const value = this.values[name]
    return typeof value === 'boolean' ? value : this.refuse(name, 'neither true nor false')
  }

  /** An array of exactly `length` numbers from 0 to `max`. */
  numbers(name: string, length: number, max: number): number[] {
    const value = this.values[name]
    if (!Array.isArray(value) || value.length !== length) return this.refuse(name, `not ${length} numbers`)
    return (value as readonly unknown[]).map((entry) =>
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

  refuse(name: string, reason: string): never {
    throw new WireError(`state of ${this.device}`, 0, `${name} is ${reason}`)
  }
}
