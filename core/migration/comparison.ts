/** Two copies of a VM, compared octet by octet while both stand still. */
import { equalOctets } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { StateValue, StateValues } from '../machine/device-state.js'
import type { MigratableVm } from './guest-memory.js'
import { deviceKey } from './wire/vmdesc.js'

export interface MachineComparison {
  /** Octets of RAM that differ; all octets of a block that only one side has. */
  readonly ramDifferences: number
  /** Field values that differ; all fields of a device that only the source has. */
  readonly deviceDifferences: number
}

export function compareMachines(source: MigratableVm, destination: MigratableVm): MachineComparison {
  let ramDifferences = 0
  for (const { name, memory } of source.memory) {
    const other = destination.memory.find((block) => block.name === name)?.memory
    ramDifferences += other === undefined ? memory.pageCount * PAGE_OCTETS : memory.differingOctets(other)
  }
  let deviceDifferences = 0
  const others = new Map(
    destination.devices.map((device) => [
      deviceKey(device.stateDescription.idstr, device.stateDescription.instanceId),
      device.saveState(),
    ]),
  )
  for (const device of source.devices) {
    const { idstr, instanceId } = device.stateDescription
    const values = device.saveState()
    const otherValues = others.get(deviceKey(idstr, instanceId)) ?? {}
    for (const name of new Set([...Object.keys(values), ...Object.keys(otherValues)]))
      if (!equalValues(values[name], otherValues[name])) deviceDifferences++
  }
  return { ramDifferences, deviceDifferences }
}

function equalValues(a: StateValue | undefined, b: StateValue | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalOctets(a, b)
  const [entries, others] = [Object.entries(a), Object.entries(b)]
  return (
    entries.length === others.length && entries.every(([name, value]) => equalValues(value, (b as StateValues)[name]))
  )
}
