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
  /** Octets of the disk that differ; none where both have the same one. */
  readonly diskDifferences: number
}

export function compareMachines(source: MigratableVm, destination: MigratableVm): MachineComparison {
  let ramDifferences = 0
  for (const { name, memory } of source.memory) {
    const other = destination.memory.find((block) => block.name === name)?.memory
    ramDifferences += other === undefined ? memory.pageCount * PAGE_OCTETS : memory.differingOctets(other)
  }
  return {
    ramDifferences,
    deviceDifferences: compareDevices(source, destination),
    diskDifferences: compareDisks(source, destination),
  }
}

/** Octets of the disk that differ; none where both have the same one. */
export function compareDisks({ disk }: MigratableVm, { disk: other }: MigratableVm): number {
  if (!disk || !other) return (disk ?? other)?.octets ?? 0
  return disk.differingOctets(other)
}

/** Field values that differ; all fields of a device that only the source has. */
export function compareDevices(source: MigratableVm, destination: MigratableVm): number {
  let differences = 0
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
      if (!equalValues(values[name], otherValues[name])) differences++
  }
  return differences
}

/** Octets that differ in the pages that are not in the dirty log of the destination, which is emptied. */
export function compareUnwritten(source: MigratableVm, destination: MigratableVm): number {
  let differences = 0
  source.memory.forEach(({ memory }, block) => {
    const other = destination.memory[block]?.memory
    const written = new Uint32Array(Math.ceil(memory.pageCount / 32))
    other?.takeDirty(written)
    for (let page = 0; page < memory.pageCount; page++) {
      if (((written[page >>> 5] ?? 0) & (1 << (page & 31))) !== 0) continue
      const octets = memory.page(page)
      const copy = other?.page(page)
      if (copy !== undefined && equalOctets(octets, copy)) continue
      for (let at = 0; at < PAGE_OCTETS; at++) if (octets[at] !== copy?.[at]) differences++
    }
  })
  return differences
}

function equalValues(a: StateValue | undefined, b: StateValue | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalOctets(a, b)
  const [entries, others] = [Object.entries(a), Object.entries(b)]
  return (
    entries.length === others.length && entries.every(([name, value]) => equalValues(value, (b as StateValues)[name]))
  )
}
