import { InputError } from '../../base/errors.js'
import { isGroupMac, macText, type Ipv4Address, type MacAddress } from '../wire/addresses.js'
import { checkVlan } from './vlan-set.js'

/** Who may say that it has an address. */
export interface ArpBinding {
  readonly vlan: number
  readonly address: Ipv4Address
  readonly mac: MacAddress
  /** Index of the only port it may say so at; null for every port. */
  readonly switchPort: number | null
}

/** One binding an address in each VLAN. Filled by hand; snooping on DHCP would fill it in the same way. */
export class ArpBindings {
  private readonly bindings = new Map<number, ArpBinding>()

  /** Takes the place of an older one. Throws `InputError`. */
  add(binding: ArpBinding): void {
    checkVlan(binding.vlan, 'the VLAN of a binding')
    if (isGroupMac(binding.mac)) throw new InputError(`${macText(binding.mac)} is a group address: no station has it`)
    this.bindings.set(keyOf(binding.vlan, binding.address), binding)
  }

  /** False when there was none. */
  remove(vlan: number, address: Ipv4Address): boolean {
    return this.bindings.delete(keyOf(vlan, address))
  }

  find(vlan: number, address: Ipv4Address): ArpBinding | null {
    return this.bindings.get(keyOf(vlan, address)) ?? null
  }

  list(): ArpBinding[] {
    return [...this.bindings.values()]
  }
}

function keyOf(vlan: number, address: Ipv4Address): number {
  return vlan * 0x1_0000_0000 + address
}
