/** Sets of VLANs, as they are written in a switch's configuration: `10,20-30`, `all`, `none`. */
import { InputError } from '../../base/errors.js'
import { VLAN_MAX, VLAN_MIN } from '../wire/ethernet.js'

export class VlanSet {
  private readonly bits = new Uint8Array(512)

  constructor(vlans: Iterable<number> = []) {
    for (const vlan of vlans) this.bits[vlan >>> 3]! |= 1 << (vlan & 7)
  }

  has(vlan: number): boolean {
    return (((this.bits[vlan >>> 3] as number) >>> (vlan & 7)) & 1) === 1
  }

  /** As `parseVlans` reads it, shortest form. */
  text(): string {
    const parts: string[] = []
    for (let first = VLAN_MIN; first <= VLAN_MAX; first++) {
      if (!this.has(first)) continue
      let last = first
      while (last < VLAN_MAX && this.has(last + 1)) last++
      parts.push(first === last ? `${first}` : `${first}-${last}`)
      first = last
    }
    if (parts.length === 0) return 'none'
    return parts[0] === `${VLAN_MIN}-${VLAN_MAX}` ? 'all' : parts.join(',')
  }
}

/** Throws `InputError` unless it is a whole number from 1 to 4094. */
export function checkVlan(vlan: number, what: string): void {
  if (!Number.isInteger(vlan) || vlan < VLAN_MIN || vlan > VLAN_MAX)
    throw new InputError(`${what} is ${vlan}: VLANs are ${VLAN_MIN} to ${VLAN_MAX}`)
}

/** Throws `InputError` with what is wrong. */
export function parseVlans(text: string): VlanSet {
  const trimmed = text.trim()
  if (trimmed === 'none') return new VlanSet()
  const vlans: number[] = []
  for (const part of (trimmed === 'all' ? `${VLAN_MIN}-${VLAN_MAX}` : trimmed).split(',')) {
    const match = /^\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?$/.exec(part)
    if (match === null)
      throw new InputError(`"${text}" is not a list of VLANs: write it like 10,20-30, or all, or none`)
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    checkVlan(first, 'a VLAN of the list')
    checkVlan(last, 'a VLAN of the list')
    if (last < first) throw new InputError(`${first}-${last} ends before it begins`)
    for (let vlan = first; vlan <= last; vlan++) vlans.push(vlan)
  }
  return new VlanSet(vlans)
}
