import { HostCores } from '../../core/kernel/cores.js'
import { Kernel } from '../../core/kernel/kernel.js'
import type { Machine } from '../../core/machine/machine.js'
import type { MigratableVm } from '../../core/migration/guest-memory.js'
import { DEFAULT_MIGRATION_OPTIONS, type MigrationOwner } from '../../core/migration/migration.js'
import { MigrationSource } from '../../core/migration/source.js'
import { CollectingStream } from './collecting-stream.js'

/** A machine that somebody else runs, and has stopped. */
export function migratableMachine(machine: Machine): MigratableVm {
  const { memory, devices } = machine
  return { name: 'guest', machineType: 'virt', memory, devices, pause: () => undefined, resume: () => undefined }
}

export const silentOwner: MigrationOwner = {
  sourceStatusChanged: () => undefined,
  destinationStatusChanged: () => undefined,
  destinationLoaded: () => null,
  destinationMayRun: () => null,
  guestHasLeft: () => false,
}

/** The stream that the engine writes of a VM into a file. */
export function streamOf(vm: MigratableVm): Uint8Array {
  const kernel = new Kernel('file')
  const stream = new CollectingStream()
  const source = new MigrationSource(kernel, {
    vm,
    stream,
    cores: new HostCores(kernel, 'a', 1),
    options: { ...DEFAULT_MIGRATION_OPTIONS, returnPath: false },
    labels: { id: 1, source: 'a', destination: 'file', channel: 'none', linkBps: 0 },
    owner: silentOwner,
  })
  source.start()
  while (kernel.step());
  if (source.status !== 'completed') throw new Error(`${source.status}: ${source.cause?.message ?? ''}`)
  return stream.octets()
}
