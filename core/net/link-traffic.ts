/** What a link carried, in bins of virtual time, for the trace table `link-traffic`. */
import { readU16be } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import { TRAFFIC_BIN_NS } from '../kernel/trace-tables.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE, VLAN_TAG_OCTETS } from './wire/ethernet.js'
import { IP_PROTOCOL } from './wire/ipv4.js'
import { IPV6_HEADER_OCTETS } from './wire/ipv6.js'

const BIN_ENDS: KernelEvent = Object.freeze({ kind: 'traffic-bin-ends' })

/**
 * Counts frames, both directions together, when they arrive, in octets of the frame without preamble and check sequence.
 * TCP on one of the migration ports is migration, and so is ESP, which carries nothing else here; ICMP and TCP on a probe's port are probe, the rest is other. A row is written when a bin
 * that had traffic ends; `binNs` is when it began. Silence costs nothing.
 */
export class LinkTraffic implements Process {
  private binStartNs: Nanos = -1
  private migrationOctets = 0
  private probeOctets = 0
  private otherOctets = 0
  private readonly migrationPorts: ReadonlySet<number>
  private readonly probePorts: ReadonlySet<number>

  constructor(
    private readonly kernel: Kernel,
    private readonly link: string,
    migrationPorts: readonly number[],
    probePorts: readonly number[] = [],
  ) {
    this.migrationPorts = new Set(migrationPorts)
    this.probePorts = new Set(probePorts)
  }

  count(frame: Uint8Array): void {
    const binStartNs = Math.floor(this.kernel.nowNs / TRAFFIC_BIN_NS) * TRAFFIC_BIN_NS
    if (binStartNs !== this.binStartNs) {
      this.flush()
      this.binStartNs = binStartNs
      this.kernel.scheduleAt(binStartNs + TRAFFIC_BIN_NS, this, BIN_ENDS)
    }
    switch (this.classOf(frame)) {
      case 'migration':
        this.migrationOctets += frame.length
        break
      case 'probe':
        this.probeOctets += frame.length
        break
      case 'other':
        this.otherOctets += frame.length
    }
  }

  handleEvent(): void {
    if (this.kernel.nowNs >= this.binStartNs + TRAFFIC_BIN_NS) this.flush()
  }

  private flush(): void {
    if (this.binStartNs < 0) return
    const { link, binStartNs: binNs, migrationOctets, probeOctets, otherOctets } = this
    this.kernel.trace.add('link-traffic', { link, binNs, migrationOctets, probeOctets, otherOctets })
    this.binStartNs = -1
    this.migrationOctets = 0
    this.probeOctets = 0
    this.otherOctets = 0
  }

  private classOf(frame: Uint8Array): 'migration' | 'probe' | 'other' {
    const tagOctets = readU16be(frame, 12) === ETHERTYPE.vlan ? VLAN_TAG_OCTETS : 0
    const etherType = readU16be(frame, 12 + tagOctets)
    const isIpv6 = etherType === ETHERTYPE.ipv6
    if (etherType !== ETHERTYPE.ipv4 && !isIpv6) return 'other'
    const ip = ETHERNET_HEADER_OCTETS + tagOctets
    const protocol = frame[ip + (isIpv6 ? 6 : 9)]
    if (protocol === IP_PROTOCOL.icmp) return 'probe'
    if (protocol === IP_PROTOCOL.esp) return 'migration'
    if (protocol !== IP_PROTOCOL.tcp) return 'other'
    const tcp = ip + (isIpv6 ? IPV6_HEADER_OCTETS : ((frame[ip] ?? 0) & 15) * 4)
    const { migrationPorts, probePorts } = this
    const [source, destination] = [readU16be(frame, tcp), readU16be(frame, tcp + 2)]
    if (migrationPorts.has(source) || migrationPorts.has(destination)) return 'migration'
    return probePorts.has(source) || probePorts.has(destination) ? 'probe' : 'other'
  }
}
