/** The two hosts of a session: their hypervisors, the keys they were given, and what listens at their ports. */
import { assert } from '../base/errors.js'
import type { ByteStream } from '../base/byte-stream.js'
import { Host, type VmNetwork } from '../hypervisor/host.js'
import { Monitor } from '../hypervisor/monitor/monitor.js'
import { HMP_PORT, MonitorPort } from '../hypervisor/monitor/monitor-ports.js'
import { profiles } from '../hypervisor/profiles/profiles.js'
import type { VmOwner } from '../hypervisor/virtual-machine.js'
import { RELOCATION_PORT } from '../hypervisor/wire/restore-stream.js'
import { QMP_PORT } from '../hypervisor/wire/qmp.js'
import type { Kernel } from '../kernel/kernel.js'
import type { HostStack } from '../net/host-stack.js'
import type { Link } from '../net/link.js'
import { SSH_PORT } from '../secure/channels.js'
import type { AttackerComputer } from './attacker/attacker-computer.js'
import { makeCredentials, type HostCredentials } from './channel-pair.js'
import type { CrossingEnd } from './crossing-connections.js'
import type { GuestDesk, GuestPlace } from './guest-desk.js'
import { HostReceiver, vulnerableBuild } from './host-receiver.js'
import { IpsecHost } from './ipsec-host.js'
import { hostIpv6, type Rack } from './rack.js'
import { RelocationPort } from './relocation-port.js'
import type { Scenario } from './scenario.js'

export function labHosts(kernel: Kernel, rack: Rack, scenario: Scenario, owner: VmOwner): readonly GuestPlace[] {
  const networks = [rack.hostA, rack.hostB]
  const keys = makeCredentials(
    kernel,
    networks.map(({ stack }) => stack.name),
  )
  const { costs } = profiles[scenario.profile]
  const { coresPerHost: coreCount, hostRamOctets: ramOctets } = scenario
  return networks.map((network, index) => {
    const { stack } = network
    const host = new Host(kernel, { name: stack.name, coreCount, ramOctets, costs }, network, owner)
    const link = rack.links.find(({ name }) => name === stack.name)
    const credentials = keys[index]
    assert(link !== undefined && credentials !== undefined, 'every host has a cable and keys')
    const ipsec = makeIpsec(kernel, host, stack, credentials)
    return { host, stack, link, credentials, ipsec }
  })
}

/** The attacker's computer as a host: with keys that it made itself, which nobody trusts. */
export function strangerHost(
  kernel: Kernel,
  { stack, name }: AttackerComputer,
  link: Link,
  network: VmNetwork,
  scenario: Scenario,
  owner: VmOwner,
): GuestPlace {
  const { coresPerHost: coreCount, hostRamOctets: ramOctets, profile } = scenario
  const host = new Host(kernel, { name, coreCount, ramOctets, costs: profiles[profile].costs }, network, owner)
  const [credentials] = makeCredentials(kernel, [name], `${name}/`)
  assert(credentials !== undefined, 'it has keys')
  return { host, stack, link, credentials, ipsec: makeIpsec(kernel, host, stack, credentials), isStranger: true }
}

/** Idle until something is to be protected. */
export function makeIpsec(kernel: Kernel, { cores }: Host, stack: HostStack, credentials: HostCredentials): IpsecHost {
  return new IpsecHost(kernel, { stack, cores, address: hostIpv6(stack.address), secretKey: credentials.ikeIdentity })
}

/** Every host listens for migrations and for its monitor's users. Gives the monitors, in the hosts' order. */
export function openPorts(kernel: Kernel, desk: GuestDesk): readonly Monitor[] {
  return desk.monitoredHosts.map((target) => {
    const { place } = target
    const stranger = strangersPort(kernel, desk, place.host)
    for (const port of [desk.profile.migrationPort, SSH_PORT])
      place.stack.listen(port, new Doorman(desk, place, port, port === RELOCATION_PORT ? stranger : null))
    const monitor = new Monitor(kernel, target)
    for (const [port, protocol] of [
      [QMP_PORT, 'qmp'],
      [HMP_PORT, 'hmp'],
    ] as const)
      place.stack.listen(port, new MonitorDoor(desk, new MonitorPort(kernel, monitor, protocol)))
    return monitor
  })
}

/** Stands at a monitor's port, which may be closed to the network. */
class MonitorDoor {
  constructor(
    private readonly desk: GuestDesk,
    private readonly port: MonitorPort,
  ) {}

  connectionAccepted(stream: ByteStream): void {
    if (this.desk.hostDefences.closedMonitors) stream.abort()
    else this.port.connectionAccepted(stream)
  }
}

/** xend receives whatever comes, from whomever; the others let in what was announced. */
function strangersPort(kernel: Kernel, { profile }: GuestDesk, host: Host): RelocationPort | null {
  return profile.name === 'xend' ? new RelocationPort(kernel, new HostReceiver(kernel, host, vulnerableBuild)) : null
}

/** Stands at a listening port and lets in the connections that were announced; others only if somebody is there for them. */
export class Doorman {
  constructor(
    private readonly desk: GuestDesk,
    private readonly place: CrossingEnd,
    private readonly port: number,
    private readonly stranger: RelocationPort | null,
  ) {}

  connectionAccepted(stream: ByteStream): void {
    if (this.desk.admit(this.place, this.port, stream)) return
    if (this.stranger === null) stream.abort()
    else this.stranger.connectionAccepted(stream)
  }
}
