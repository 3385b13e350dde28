/** The two hosts of a session: their hypervisors, what listens at their ports, and the keys that they were given. */
import { assert } from '../base/errors.js'
import type { ByteStream } from '../base/byte-stream.js'
import { Host } from '../hypervisor/host.js'
import { Monitor } from '../hypervisor/monitor/monitor.js'
import { HMP_PORT, MonitorPort } from '../hypervisor/monitor/monitor-ports.js'
import { profiles } from '../hypervisor/profiles/profiles.js'
import type { VmOwner } from '../hypervisor/virtual-machine.js'
import { QMP_PORT } from '../hypervisor/wire/qmp.js'
import type { Kernel } from '../kernel/kernel.js'
import type { Link } from '../net/link.js'
import { SSH_PORT, type ChannelName } from '../secure/channels.js'
import { ChannelPair, makeCredentials, type HostCredentials } from './channel-pair.js'
import type { CrossingEnd } from './crossing.js'
import { HostMonitor, type MonitorDesk } from './host-monitor.js'
import type { HostNetwork, Rack } from './rack.js'
import type { Scenario } from './scenario.js'

/** Who is told of what happens on the hosts. */
export interface LabHostsOwner extends VmOwner, MonitorDesk {
  /** A connection came to a host's port for migrations. */
  connectionArrived(end: CrossingEnd, port: number, stream: ByteStream): void
}

export class LabHosts {
  readonly hosts: readonly Host[]
  readonly ends: readonly CrossingEnd[]
  /** One a host, in the hosts' order. */
  readonly monitored: readonly HostMonitor[]
  readonly monitors: readonly Monitor[]
  private readonly credentials: readonly HostCredentials[]

  constructor(
    private readonly kernel: Kernel,
    private readonly rack: Rack,
    private readonly scenario: Scenario,
    owner: LabHostsOwner,
  ) {
    const { costs, migrationPort } = profiles[scenario.profile]
    const { coresPerHost: coreCount, hostRamOctets: ramOctets } = scenario
    this.ends = [rack.hostA, rack.hostB].map((network: HostNetwork) => {
      const { stack } = network
      const options = { name: stack.name, coreCount, ramOctets, vcpuSpeed: costs.vcpuSpeed }
      return { host: new Host(kernel, options, network, owner), stack }
    })
    this.hosts = this.ends.map(({ host }) => host)
    this.credentials = makeCredentials(kernel, this.names)
    this.monitored = this.ends.map((end) => new HostMonitor(owner, end))
    this.monitors = this.monitored.map((target, index) => {
      const monitor = new Monitor(kernel, target)
      const end = this.ends[index] as CrossingEnd
      for (const port of [migrationPort, SSH_PORT]) end.stack.listen(port, new Doorman(owner, end, port))
      end.stack.listen(QMP_PORT, new MonitorPort(kernel, monitor, 'qmp'))
      end.stack.listen(HMP_PORT, new MonitorPort(kernel, monitor, 'hmp'))
      return monitor
    })
  }

  get names(): readonly string[] {
    return this.hosts.map(({ name }) => name)
  }

  end(name: string): CrossingEnd | undefined {
    return this.ends.find(({ host }) => host.name === name)
  }

  /** The other one of the two. */
  otherThan(name: string): CrossingEnd | undefined {
    return this.ends.find(({ host }) => host.name !== name)
  }

  /** The cable of a host. */
  linkOf({ host }: CrossingEnd): Link {
    const link = this.rack.links.find(({ name }) => name === host.name)
    assert(link !== undefined, 'every host has a link')
    return link
  }

  /** Both ends of a channel between two hosts. */
  channels(name: ChannelName, from: CrossingEnd, to: CrossingEnd): ChannelPair {
    const profile = profiles[this.scenario.profile]
    return new ChannelPair(this.kernel, name, this.credentialsOf(from), this.credentialsOf(to), profile)
  }

  private credentialsOf(end: CrossingEnd): HostCredentials {
    const found = this.credentials.find(({ host }) => host === end.host.name)
    assert(found !== undefined, 'every host has credentials')
    return found
  }
}

/** Stands at a listening port and shows connections in. */
class Doorman {
  constructor(
    private readonly owner: LabHostsOwner,
    private readonly end: CrossingEnd,
    private readonly port: number,
  ) {}

  connectionAccepted(stream: ByteStream): void {
    this.owner.connectionArrived(this.end, this.port, stream)
  }
}
