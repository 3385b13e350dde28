import { readU16be, readU32be } from '../../base/octets.js'
import type { Nanos } from '../../base/units.js'
import type { Kernel } from '../../kernel/kernel.js'
import { ipv4Text, macText } from '../wire/addresses.js'
import type { ArpInspection } from './arp-inspection.js'
import type { SwitchPort } from './switch-port.js'

/** A frame's ARP message: where it begins, and in which VLAN it came. */
export interface ArpPlace {
  readonly start: number
  readonly vlan: number
  readonly ingress: SwitchPort
}

/** What a switch asks of a frame besides its VLAN, and what follows when the answer is no: reports, and ports disabled. */
export class IngressChecks {
  /** Null while ARP is not inspected. */
  arpInspection: ArpInspection | null = null

  constructor(
    private readonly kernel: Kernel,
    private readonly device: string,
    /** When a port that was disabled comes back; null for never. */
    private readonly recoverNs: Nanos | null,
  ) {}

  /** Port security. `high` and `low` are the 16 and 32 bits of the source address. */
  checkSource(port: SwitchPort, vlan: number, high: number, low: number): 'known' | 'learned' | 'violation' {
    const { security } = port
    const { nowNs } = this.kernel
    const verdict = security?.check(vlan, high, low, nowNs) ?? 'known'
    if (verdict !== 'violation' || security === null) return verdict
    const { violation } = security.options
    if (violation === 'shutdown' || (violation === 'restrict' && security.isReportDue(nowNs)))
      this.report(port, 'port-security', vlan, macText(high * 0x1_0000_0000 + low), violation)
    if (violation === 'shutdown') port.errDisable('port-security', this.recoverNs)
    return 'violation'
  }

  /** Whether an ARP message may pass. */
  admitsArp(frame: Uint8Array, { start, vlan, ingress }: ArpPlace): boolean {
    const { arpInspection, kernel, device } = this
    if (arpInspection === null || !arpInspection.inspects(vlan)) return true
    if (!ingress.countArp()) {
      const source = readU16be(frame, 6) * 0x1_0000_0000 + readU32be(frame, 8)
      this.report(ingress, 'arp-rate', vlan, macText(source), 'shutdown')
      ingress.errDisable('arp-rate', this.recoverNs)
      return false
    }
    if (ingress.settings.trustsArp) return true
    const drop = arpInspection.inspect(frame, start, { vlan, switchPort: ingress.index, atNs: kernel.nowNs })
    if (drop === null) return true
    const { switchPort, fault, senderMac, senderAddress } = drop
    kernel.trace.add('arp-inspection', {
      ...{ device, switchPort, vlan, fault },
      senderMac: macText(senderMac),
      senderAddress: ipv4Text(senderAddress),
    })
    return false
  }

  private report(port: SwitchPort, kind: string, vlan: number, mac: string, action: string): void {
    this.kernel.trace.add('port-violation', { device: this.device, switchPort: port.index, kind, vlan, mac, action })
  }
}
