/**
 * One migration of a VM from host to host: connection, channel, source, destination, and the hand-over, in which libvirt's
 * part (prepare, perform, finish, confirm) is played between the two hosts.
 */
import type { ByteStream } from '../base/byte-stream.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { assert, InputError, type Failure } from '../base/errors.js'
import { hexOf } from '../base/octets.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import type { Host } from '../hypervisor/host.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import { compareMachines } from '../migration/comparison.js'
import { MigrationDestination } from '../migration/destination.js'
import type { MigrationOptions, MigrationOwner } from '../migration/migration.js'
import { MigrationSource } from '../migration/source.js'
import type { HostStack } from '../net/host-stack.js'
import type { Link } from '../net/link.js'
import type { ChannelName } from '../secure/channels.js'
import { TcpConnection } from '../net/tcp/tcp-connection.js'
import { RecordingStream } from './recording-stream.js'
import type { ChannelPair } from './channel-pair.js'

export interface CrossingEnd {
  readonly host: Host
  readonly stack: HostStack
}

export interface CrossingParts {
  readonly id: number
  readonly from: CrossingEnd
  readonly to: CrossingEnd
  readonly vm: VirtualMachine
  readonly channel: ChannelName
  readonly channels: ChannelPair
  readonly options: MigrationOptions
  readonly link: Link
  readonly evidence: CrossingEvidence
}

/** What is kept of a migration beyond the trace, because a report asks for it. Both cost time or memory. */
export interface CrossingEvidence {
  /** SHA-256 of both copies of RAM at switch-over. */
  readonly hashRam: boolean
  /** The stream as the source wrote it. */
  readonly recordStream: boolean
}

/** Told when a migration came to its end, whatever that was. */
export interface CrossingOwner {
  crossingEnded(crossing: Crossing): void
}

/** Finishing at the destination is one message of the control plane: libvirt's finish call. */
const FINISH: KernelEvent = Object.freeze({ kind: 'finish' })

export class Crossing implements MigrationOwner, Process {
  readonly source: MigrationSource
  /** Made when the connection arrives there. */
  destination: MigrationDestination | null = null
  /** The copy that is being filled. */
  readonly incoming: VirtualMachine
  readonly recording: RecordingStream | null
  /** What the channel runs on. */
  private readonly lower: ByteStream
  /** The guest runs where it belongs now, and the other copy is gone. */
  isOver = false
  /** Hexadecimal, of RAM at switch-over, when asked for. */
  ramHashes: { readonly source: string; readonly destination: string } | null = null

  constructor(
    private readonly kernel: Kernel,
    readonly parts: CrossingParts,
    private readonly owner: CrossingOwner,
  ) {
    const { id, from, to, vm, channel, channels, options, link } = parts
    // Admission first: it throws before anything has happened when the memory is not there.
    const { name, mac, ramOctets, hartHz } = vm.options
    this.incoming = to.host.create({ name, mac, ramOctets, hartHz })
    this.incoming.awaitIncoming()
    this.lower = from.stack.connect(to.stack.address, channels.port)
    const stream = channels.client(this.lower, from.host.cores)
    this.recording = parts.evidence.recordStream ? new RecordingStream(stream) : null
    this.source = new MigrationSource(kernel, {
      vm,
      stream: this.recording ?? stream,
      cores: from.host.cores,
      options,
      labels: { id, source: from.host.name, destination: to.host.name, channel, linkBps: link.rateBps },
      owner: this,
    })
  }

  start(): void {
    this.source.start()
  }

  /** Throws `InputError` once the guest lives at its destination. */
  cancel(): void {
    const { vm, to } = this.parts
    if (this.source.status === 'completed')
      throw new InputError(`too late: ${vm.name} lives on ${to.host.name} already`)
    this.source.cancel()
  }

  /** The guest switched itself off while it was being moved: there is nothing left to move, and the job ends as in libvirt. */
  guestShutDown(): void {
    const { vm } = this.parts
    this.source.abandon({
      kind: 'cancelled',
      protocol: 'qevm',
      message: `${vm.name} shut down while it was being migrated`,
    })
  }

  /** Whether a connection that came to `port` of `end` is the one this migration's source has opened. */
  expects(end: CrossingEnd, port: number, stream: ByteStream): boolean {
    const { from, to, channels } = this.parts
    return (
      !this.isOver &&
      this.destination === null &&
      end === to &&
      port === channels.port &&
      stream instanceof TcpConnection &&
      this.lower instanceof TcpConnection &&
      stream.remoteAddress === from.stack.address &&
      stream.remotePort === this.lower.localPort
    )
  }

  /** The source's connection arrived at the destination. */
  accept(lower: ByteStream): void {
    assert(this.destination === null, 'one connection a migration')
    const { to, channels } = this.parts
    this.destination = new MigrationDestination(this.kernel, {
      vm: this.incoming,
      stream: channels.server(lower, to.host.cores),
      cores: to.host.cores,
      owner: this,
      labels: this.source.labels,
    })
    this.destination.start()
  }

  sourceStatusChanged(source: MigrationSource): void {
    const { from, to, vm } = this.parts
    switch (source.status) {
      case 'completed':
        // From here on the source's copy never runs again; only then is the destination's told to.
        vm.handOver()
        this.kernel.schedule(this.parts.link.delayNs * 2, this, FINISH)
        return
      case 'failed':
      case 'cancelled':
        this.destination?.cancel()
        to.host.remove(this.incoming)
        assert(vm.state === 'running' || vm.state === 'shutdown', `${vm.name} on ${from.host.name} is ${vm.state}`)
        this.end()
        return
      default:
        return
    }
  }

  destinationStatusChanged(destination: MigrationDestination): void {
    // What it refuses reaches the source by the connection, without the reason: that stands in the trace.
    const { cause, status } = destination
    if (status !== 'failed' || cause === null || cause.kind === 'cancelled') return
    this.kernel.trace.add('migration-refused', {
      migration: this.parts.id,
      host: this.parts.to.host.name,
      protocol: cause.protocol,
      cause: cause.message,
    })
  }

  destinationLoaded(): Failure | null {
    const { ramDifferences, deviceDifferences } = compareMachines(this.parts.vm, this.incoming)
    this.kernel.trace.add('migration-compare', { migration: this.parts.id, ramDifferences, deviceDifferences })
    if (this.parts.evidence.hashRam)
      this.ramHashes = { source: ramHash(this.parts.vm), destination: ramHash(this.incoming) }
    if (ramDifferences === 0 && deviceDifferences === 0) {
      this.incoming.incomingLoaded()
      return null
    }
    const message = `the copy differs from its source in ${ramDifferences} octets of memory and ${deviceDifferences} device values`
    return { kind: 'mismatch', protocol: 'qevm', message }
  }

  private end(): void {
    this.isOver = true
    this.owner.crossingEnded(this)
  }

  handleEvent(): void {
    const { from, to, vm } = this.parts
    to.host.plug(this.incoming)
    this.incoming.resume()
    to.host.announce(this.incoming)
    from.host.remove(vm)
    this.end()
  }
}

function ramHash(vm: VirtualMachine): string {
  return hexOf(sha256(vm.machine.ram.octets))
}
