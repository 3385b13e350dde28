import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { analyseFile } from '../../../core/attack/capture-file.js'
import { VirtualMachine } from '../../../core/hypervisor/virtual-machine.js'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { RAM_BLOCK } from '../../../core/machine/machine.js'
import { MigrationDestination } from '../../../core/migration/destination.js'
import { ReturnPathReader } from '../../../core/migration/wire/return-path.js'
import { clientStreams } from '../../support/captured-stream.js'
import { readCapture, readTruth } from '../../support/captures.js'
import { GUEST_MAC, MIB } from '../../support/guest-machine.js'
import { ReplayedStream } from '../../support/replayed-stream.js'
import { silentOwner } from '../../support/saved-machine.js'
import { bareMachine } from '../../support/bare-machine.js'

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

/** A destination of ours that is sent what a real QEMU sent to another, on as many connections: what became of it, and its VM. */
function replayed(name: string): { destination: MigrationDestination; vm: VirtualMachine; stream: ReplayedStream } {
  const kernel = new Kernel(name)
  const cores = new HostCores(kernel, 'b', 1)
  const options = { name: 'guest', mac: GUEST_MAC, ramOctets: 8 * MIB, hartHz: 50e6, qemuBoard: true }
  const vm = new VirtualMachine(kernel, options, cores, bareMachine, {
    consoleWrote: () => undefined,
    vmStateChanged: () => undefined,
  })
  vm.awaitIncoming()
  const [stream = new ReplayedStream(new Uint8Array(0)), ...channels] = clientStreams(readCapture(name)).map(
    (octets) => new ReplayedStream(octets),
  )
  const labels = { id: 1, source: 'a', destination: 'b', channel: 'none', linkBps: 0 }
  const parts = { vm, stream, cores, labels, multifdChannels: channels.length, owner: silentOwner }
  const destination = new MigrationDestination(kernel, parts)
  destination.start()
  for (const channel of channels) destination.addChannel(channel)
  destination.streamEnded(stream)
  while (kernel.step());
  return { destination, vm, stream }
}

/** Post-copy: the guest never runs here, so its memory is as the source had it when it stopped. */
describe.each(['a_plain', 'a_login', 'a_xbzrle', 'a_postcopy', 'a_multifd'])('the real migration %s', (name) => {
  it('loads in the destination: its memory is hash for hash that of QEMU', () => {
    const { destination, vm, stream } = replayed(name)
    expect([destination.cause, destination.status]).toEqual([null, 'completed'])
    expect(sha256(vm.machine.ram.octets)).toBe(readTruth(name).final_ram_sha256)
    const replies = stream.written.flatMap((octets) => new ReturnPathReader().push(octets))
    // QEMU opens a return path for post-copy only.
    expect(replies.at(-1)).toEqual(name === 'a_postcopy' ? { kind: 'SHUT', value: 0 } : undefined)
  })
})

it.each(['a_plain', 'a_login', 'a_xbzrle', 'a_postcopy', 'a_multifd'])(
  'the real migration %s is rebuilt from its capture, hash for hash',
  (name) => {
    const { migrations } = analyseFile(readCapture(name))
    const block = migrations[0]?.blocks.find((each) => each.name === RAM_BLOCK)
    expect(sha256(block?.assemble() ?? new Uint8Array(0))).toBe(readTruth(name).final_ram_sha256)
  },
)
